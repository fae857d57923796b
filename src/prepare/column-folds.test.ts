import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ColumnData } from "../frame/column.ts";
import type { Roles } from "../model/model.ts";
import type { Fold } from "./fold.ts";
import { planFolds } from "./folds.ts";
import type { SplitPlan } from "./split.ts";
import { everyWay, inputOf, numbers } from "./split.fixtures.ts";

interface Asked {
  readonly roles?: Partial<Roles>;
  readonly by?: SplitPlan["by"];
  readonly gapMs?: number;
  readonly rows?: readonly number[];
}

function foldsBy(
  columns: Record<string, ColumnData>,
  { roles = {}, by = "random", gapMs, rows }: Asked = {},
): number[][][] {
  const input = inputOf(columns, roles);
  const all = Array.from({ length: input.frame.nRows }, (_, row) => row);
  const folds = planFolds(3, { ...input, rows: Uint32Array.from(rows ?? all), by, gapMs, column: "fold" });
  return folds.map(({ train, test }: Fold) => [Array.from(train), Array.from(test)]);
}

const texts = (...values: (string | null)[]): ColumnData => ({ kind: "text", values });
const times = (...values: number[]): ColumnData => ({ kind: "timestamp", values: Float64Array.from(values) });

describe("folds by a column", () => {
  it("are its values in their order, however many were asked for; rows without one are in none", () => {
    const named = [
      [
        [1, 4],
        [0, 2],
      ],
      [
        [0, 2],
        [1, 4],
      ],
    ];
    expect(foldsBy({ fold: texts("a", "b", "a", null, "b") })).toEqual(named);
    const codes = Int32Array.of(0, 2, 0, -1, 2);
    expect(foldsBy({ fold: { kind: "category", codes, levels: ["a", "never", "b"] } })).toEqual(named);
    expect(foldsBy({ fold: numbers([-2, 10, -2, NaN, 10]) })).toEqual(named);
    expect(foldsBy({ fold: { kind: "boolean", values: Uint8Array.of(0, 1, 0, 255, 1) } })).toEqual(named);
    expect(foldsBy({ fold: numbers([10, 9, 10, 9]) }).map(([, test]) => test)).toEqual([
      [1, 3],
      [0, 2],
    ]);
  });

  it("test every row of theirs once and never in the turn that learns from it, in whatever order rows come", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 12, maxLength: 60 }), (given) => {
        const values = [0, 1, ...given];
        const rows = values.flatMap((_, row) => (row % 5 === 4 ? [] : [row]));
        const folds = foldsBy({ fold: numbers(values) }, { rows: rows.toReversed() });
        expect(folds).toEqual(foldsBy({ fold: numbers(values) }, { rows }));
        expect(folds.length).toBe(new Set(rows.map((row) => values[row])).size);
        expect(folds.flatMap(([, test]) => test!).sort((a, b) => a - b)).toEqual(rows);
        for (const [train, test] of folds) {
          expect([...train!, ...test!].sort((a, b) => a - b)).toEqual(rows);
          expect(new Set(test!.map((row) => values[row])).size).toBe(1);
        }
      }),
    );
  });

  it("keep a declared group whole whatever the split goes by, or are refused", () => {
    const fold = texts("a", "a", "b", "b", "a", "b");
    const g = texts("x", "x", "y", "y", null, null);
    for (const by of everyWay.filter((way) => way !== "time")) {
      expect(foldsBy({ fold, g }, { by, roles: { group: "g" } })).toHaveLength(2);
      const parted = { fold, g: texts("x", "x", "y", "x", "z", "z") };
      expect(() => foldsBy(parted, { by, roles: { group: "g" } })).toThrow(
        "split.folds must keep the rows of a group together, got 2 of 3 groups divided",
      );
    }
  });

  it("are periods where rows are divided by time, each tested by those before it, with the gap", () => {
    const columns = { fold: texts("z", "y", "z", "y", "x", "y"), t: times(2, 5, 1, 7, 20, NaN) };
    for (const by of ["time", "column", "random"] as const)
      expect(foldsBy(columns, { by, roles: { time: "t" } })).toEqual([
        [
          [0, 2],
          [1, 3],
        ],
        [[0, 1, 2, 3], [4]],
      ]);
    expect(foldsBy(columns, { by: "time", roles: { time: "t" }, gapMs: 4 })).toEqual([
      [[2], [1, 3]],
      [[0, 1, 2, 3], [4]],
    ]);
    expect(() => foldsBy(columns, { by: "time", roles: { time: "t" }, gapMs: 5 })).toThrow(
      'must leave rows to learn from before the gap, got none for "y"',
    );
  });

  it("as periods learn from all that lies before each by the gap, whatever their values and the order of rows", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(39), { maxLength: 50 }), fc.nat(5), (given, gapMs) => {
        const at = [15, 5, ...given];
        const period = at.map((time) => Math.floor(time / 10));
        const rows = at.map((_, row) => row);
        const expected = [1, 2, 3].flatMap((one) => {
          const test = rows.filter((row) => period[row] === one);
          const first = Math.min(...test.map((row) => at[row]!));
          const train = rows.filter((row) => period[row]! < one && at[row]! <= first - gapMs);
          return test.length === 0 ? [] : [[train, test]];
        });
        const columns = { fold: numbers(period.map((one) => -one)), t: times(...at) };
        for (const order of [rows, rows.toReversed()])
          expect(foldsBy(columns, { by: "time", roles: { time: "t" }, gapMs, rows: order })).toEqual(expected);
      }),
    );
  });

  it("are refused where they overlap in time, and where a group is declared, too, obey that one first", () => {
    const fold = texts("a", "b", "a", "b");
    const t = times(1, 2, 3, 4);
    for (const overlapping of [t, times(1, 2, 2, 3)])
      expect(() => foldsBy({ fold, t: overlapping }, { roles: { time: "t" } })).toThrow(
        'must be periods that follow each other where rows are divided by time, got "b" begins before "a" ends',
      );
    const g = texts("x", "y", "x", "y");
    expect(foldsBy({ fold, t, g }, { roles: { time: "t", group: "g" } })).toHaveLength(2);
  });

  it("are at least two and at most a hundred", () => {
    for (const values of [[], [1], Array.from({ length: 101 }, (_, i) => i)]) {
      const fold = numbers([NaN, ...values]);
      expect(() => foldsBy({ fold })).toThrow(
        `split.folds must have 2 to 100 values in the rows that are learned from, got ${values.length}`,
      );
    }
    expect(foldsBy({ fold: numbers(Array.from({ length: 100 }, (_, i) => i)) })).toHaveLength(100);
  });
});
