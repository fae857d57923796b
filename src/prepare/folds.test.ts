import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planFolds } from "./folds.ts";
import { numbers, inputOf, mixedInput } from "./split.fixtures.ts";

describe("planFolds", () => {
  it("tests every row once and never in the turn that learns from it, unless it goes by time", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("random", "hash", "target", "group"),
        // Of fewer groups a split by hash may leave a fold without rows, which is refused.
        fc.integer({ min: 300, max: 420 }),
        (by, nRows) => {
          const input = mixedInput(nRows, nRows);
          const rows = Uint32Array.from({ length: nRows - 10 }, (_, i) => i + 5);
          const folds = planFolds(4, { ...input, rows, by });
          expect(folds.flatMap((fold) => Array.from(fold.test)).sort((a, b) => a - b)).toEqual(Array.from(rows));
          for (const fold of folds) {
            expect(Array.from([...fold.train, ...fold.test]).sort((a, b) => a - b)).toEqual(Array.from(rows));
          }
          expect(planFolds(4, { ...mixedInput(nRows, nRows), rows, by })).toEqual(folds);
        },
      ),
      { numRuns: 20 },
    );
  });

  it("keeps label shares within a row in every fold", () => {
    const input = mixedInput(203, 3);
    const label = input.frame.columns[0]!;
    const rows = Uint32Array.from({ length: 203 }, (_, i) => i);
    const counts = planFolds(4, {
      ...input,
      roles: { ...input.roles, group: null, time: null },
      rows,
      by: "target",
    }).map((fold) => fold.test.filter((row) => label.kind === "category" && label.codes[row] === 1).length);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  });

  it("keeps groups whole", () => {
    const g = numbers(Array.from({ length: 90 }, (_, i) => i % 7));
    const rows = Uint32Array.from({ length: 90 }, (_, i) => i);
    for (const fold of planFolds(3, { ...inputOf({ g }, { group: "g" }), rows, by: "group" })) {
      const tested = new Set(Array.from(fold.test, (row) => row % 7));
      expect(Array.from(fold.train).some((row) => tested.has(row % 7))).toBe(false);
    }
  });

  it("learns from an expanding past when it goes by time", () => {
    const time = numbers(Array.from({ length: 100 }, (_, i) => Math.floor(((i * 37) % 100) / 2)));
    const rows = Uint32Array.from({ length: 100 }, (_, i) => i);
    const folds = planFolds(4, { ...inputOf({ time }, { time: "time" }), rows, by: "time" });
    const at = (row: number): number => (time.kind === "number" ? time.values[row]! : 0);
    expect(folds.map((fold) => [fold.train.length, fold.test.length])).toEqual([
      [20, 20],
      [40, 20],
      [60, 20],
      [80, 20],
    ]);
    for (const fold of folds) {
      expect(Math.max(...Array.from(fold.train, at))).toBeLessThan(Math.min(...Array.from(fold.test, at)));
    }
  });

  it("refuses folds without rows", () => {
    const g = numbers([1, 1, 2, 2]);
    const rows = Uint32Array.of(0, 1, 2, 3);
    expect(() => planFolds(3, { ...inputOf({ g }, { group: "g" }), rows, by: "group" })).toThrow("fold 3 of 3");
  });

  it("keeps a declared group whole whatever the split goes by, and time in order where a column divides the rows", () => {
    const input = mixedInput(600, 5);
    const group = input.frame.columns[2]!;
    const rows = Uint32Array.from({ length: 600 }, (_, row) => row);
    const groupOf = (row: number): unknown => (group.kind === "text" ? group.values[row] : undefined);
    for (const by of ["random", "target", "hash", "group"] as const) {
      for (const fold of planFolds(4, { ...input, rows, by })) {
        const trained = new Set(Array.from(fold.train, groupOf));
        expect(Array.from(fold.test, groupOf).some((one) => one !== null && trained.has(one))).toBe(false);
      }
    }
    const times = Array.from({ length: 100 }, (_, row) => (row * 37) % 100);
    const timed = inputOf({ time: numbers(times) }, { time: "time" });
    for (const fold of planFolds(3, { ...timed, rows: rows.slice(0, 100), by: "column", gapMs: 4 })) {
      const first = Math.min(...Array.from(fold.test, (row) => times[row]!));
      expect(Math.max(...Array.from(fold.train, (row) => times[row]!))).toBeLessThanOrEqual(first - 4);
    }
  });
});
