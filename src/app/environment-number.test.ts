import { afterEach, describe, expect, it } from "vitest";
import { bytesAtHand } from "./memory.ts";
import { threadsAtHand } from "./threads.ts";

const before = { threads: process.env["MILLRACE_THREADS"], memory: process.env["MILLRACE_DATASET_MB"] };

function set(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}

afterEach(() => {
  set("MILLRACE_THREADS", before.threads);
  set("MILLRACE_DATASET_MB", before.memory);
});

describe("what the environment says of the machine", () => {
  it("is taken, and what is at hand where it says nothing", () => {
    set("MILLRACE_THREADS", "3");
    set("MILLRACE_DATASET_MB", "0.5");
    expect([threadsAtHand(), bytesAtHand()]).toEqual([3, 524_288]);
    set("MILLRACE_THREADS", "");
    set("MILLRACE_DATASET_MB", undefined);
    expect(threadsAtHand()).toBeGreaterThan(0);
    expect(bytesAtHand()).toBeGreaterThan(2 ** 20);
  });

  it.each(["0", "-2", "many", "NaN", "1e9"])("is refused, not ignored, where it is %s", (value) => {
    set("MILLRACE_THREADS", value);
    expect(threadsAtHand).toThrow(`MILLRACE_THREADS must be a number from 1 to 256, got "${value}"`);
  });

  it("is refused where no dataset could be held", () => {
    set("MILLRACE_DATASET_MB", "0");
    expect(bytesAtHand).toThrow('got "0"');
  });
});
