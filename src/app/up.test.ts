import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fixedClock } from "../core/clock.ts";
import { MillraceError } from "../core/errors/error.ts";
import { memoryProject } from "./project.fixtures.ts";
import type { Project } from "./project.ts";
import { sentenceLog } from "./server-log.ts";
import { startUp } from "./up.ts";

let project: Project;
beforeEach(async () => {
  project = await memoryProject(fixedClock(1_000));
  vi.useFakeTimers({ toFake: ["setTimeout", "setInterval", "clearTimeout", "clearInterval"] });
});
afterEach(async () => {
  vi.useRealTimers();
  await project.close();
});

function starting(of: Project, host: string): ReturnType<typeof startUp> {
  return startUp(of, { host, port: 0, command: null, serverLog: sentenceLog(() => {}) });
}

describe("a server of a project", () => {
  it("that was closed leaves nothing running", async () => {
    const up = await starting(project, "127.0.0.1");
    expect(vi.getTimerCount()).toBeGreaterThan(0);
    await up.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("that cannot follow all it must, or cannot listen, leaves nothing running", async () => {
    const error = new MillraceError("STORE_UNWRITABLE", { path: "keys", reason: "the disk is full" });
    const keyless = {
      ...project,
      store: {
        ...project.store,
        get database(): never {
          throw error;
        },
      },
    };
    await expect(starting(keyless, "127.0.0.1")).rejects.toBe(error);
    expect(vi.getTimerCount()).toBe(0);
    await expect(starting(project, "0.0.0.0")).rejects.toMatchObject({ code: "ADDRESS_REFUSED" });
    expect(vi.getTimerCount()).toBe(0);
  });
});
