import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createStepLog, linesOf, showLines } from "./step-log.ts";

describe("what is kept of a step's output", () => {
  it("is all of it, in order and by stream, where that is little", () => {
    const line = fc.record({
      stream: fc.constantFrom("stdout" as const, "stderr" as const),
      text: fc.string().filter((text) => !text.includes("\n")),
    });
    fc.assert(
      fc.property(fc.array(line, { minLength: 1 }), (lines) => {
        const log = createStepLog();
        for (const { stream, text } of lines) log.add(stream, text);
        const kept = log.kept()!;
        expect([...linesOf(kept.head), ...linesOf(kept.tail)]).toEqual(lines);
        expect(kept.dropped).toBe(0);
      }),
    );
  });

  it("is nothing where nothing was printed", () => {
    expect(createStepLog().kept()).toBeNull();
  });

  it("is the first 64 and the last 192 KiB of a flood, with the number of lines between", () => {
    const log = createStepLog();
    const count = 500_000;
    for (let i = 0; i < count; ++i) log.add("stdout", `line ${i}`);
    const { head, tail, dropped } = log.kept()!;
    expect(head.length).toBeLessThanOrEqual(64 * 1024);
    expect(tail.length).toBeLessThanOrEqual(192 * 1024);
    const [first, last] = [linesOf(head), linesOf(tail)];
    expect(first[0]!.text).toBe("line 0");
    expect(last.at(-1)!.text).toBe(`line ${count - 1}`);
    expect(first.length + dropped + last.length).toBe(count);
    expect(last[0]!.text).toBe(`line ${first.length + dropped}`);
  });
});

describe("what is shown while a step runs", () => {
  it("is its first 10,000 lines, then their number", () => {
    const shown: string[] = [];
    const live = showLines("s", { stepLog: ({ line }: { readonly line: string }) => void shown.push(line) });
    for (let i = 0; i < 10_003; ++i) live.add("stdout", String(i));
    live.end();
    expect(shown).toHaveLength(10_001);
    expect(shown.at(-1)).toBe("... and 3 more lines");
  });
});
