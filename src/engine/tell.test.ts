import { describe, expect, it } from "vitest";
import { tellInOrder } from "./tell.ts";

/** A listener that notes what it hears, and a promise to settle. */
function setUp() {
  const heard: string[] = [];
  const telling = tellInOrder({
    stepStarted: ({ step }) => void heard.push(`start ${step}`),
    stepLog: ({ line }) => {
      if (line === "bad") throw new Error("deaf");
      heard.push(line);
    },
  });
  let last = (): void => {};
  const lasting = new Promise<string>((resolve) => (last = () => resolve("a ran")));
  return { heard, telling, lasting, last };
}

const started = { step: "b", index: 1, count: 2 };

describe("what a run tells", () => {
  it("is told at once where nothing waits, and after an end that does not last yet", async () => {
    const { heard, telling, lasting, last } = setUp();
    telling.steps.stepLog!({ step: "a", stream: "stdout", line: "at once" });
    expect(heard).toEqual(["at once"]);
    const ended = telling.after(lasting, (result) => void heard.push(result));
    telling.steps.stepStarted!(started);
    await Promise.resolve();
    expect(heard).toEqual(["at once"]);
    last();
    await ended;
    telling.steps.stepLog!({ step: "b", stream: "stdout", line: "later" });
    await telling.after(Promise.resolve("b ran"), (result) => void heard.push(result));
    expect(heard).toEqual(["at once", "a ran", "start b", "later", "b ran"]);
  });

  it("fails with its listener, at once or at the next end", async () => {
    const { telling, lasting, last } = setUp();
    const bad = { step: "a", stream: "stdout", line: "bad" } as const;
    expect(() => telling.steps.stepLog!(bad)).toThrow("deaf");
    const first = telling.after(lasting, () => {});
    telling.steps.stepLog!(bad);
    last();
    await first;
    await telling.allTold();
    await expect(telling.after(Promise.resolve(""), () => {})).rejects.toThrow("deaf");
  });

  it("is not gathered for who does not listen", () => {
    const { telling } = setUp();
    expect(telling.steps.stepProgress).toBeUndefined();
  });
});
