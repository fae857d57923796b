import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRng } from "../core/rng.ts";
import type { ColumnData } from "../frame/column.ts";
import { createFrame } from "../frame/frame.ts";
import { rowsWithCode, splitCode } from "../frame/split-codes.ts";
import { planFolds } from "./folds.ts";
import { planSplit, type SplitPlan } from "./split.ts";
import { shares, everyWay, numbers, inputOf, mixedInput, firstRows, countOf } from "./split.fixtures.ts";

describe("planSplit", () => {
  it("gives the shares that were asked for and the same split for the same seed, in every way of splitting", () => {
    fc.assert(
      fc.property(fc.constantFrom(...everyWay), fc.integer({ min: 400, max: 900 }), fc.integer(), (by, nRows, seed) => {
        const input = mixedInput(nRows, seed);
        const roles = { ...input.roles, group: by === "group" ? "group" : null, time: by === "time" ? "time" : null };
        const codes = planSplit({ by, ...shares }, { ...input, roles });
        expect(planSplit({ by, ...shares }, { ...mixedInput(nRows, seed), roles })).toEqual(codes);
        const slack = by === "hash" ? nRows * 0.1 : by === "random" || by === "target" ? 1 : 12;
        expect(Math.abs(countOf(codes, splitCode.test) - nRows * 0.2)).toBeLessThanOrEqual(slack);
        expect(Math.abs(countOf(codes, splitCode.validation) - nRows * 0.15)).toBeLessThanOrEqual(slack);
      }),
      { numRuns: 40 },
    );
  });

  it("differs with the seed", () => {
    const plan: SplitPlan = { by: "random", ...shares };
    expect(planSplit(plan, mixedInput(100, 1))).not.toEqual(
      planSplit(plan, { ...mixedInput(100, 1), rng: createRng(2) }),
    );
  });

  it("keeps the share of every label within one row when it splits by target", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 30, maxLength: 300 }), (labels) => {
        const label: ColumnData = {
          kind: "category",
          codes: Int32Array.from(labels),
          levels: ["a", "b", "c", "d", "e", "f"],
        };
        const codes = planSplit({ by: "target", ...shares }, inputOf({ label }, { target: "label" }, "multiclass"));
        for (const level of new Set(labels)) {
          const ofLabel = labels.flatMap((l, row) => (l === level ? [codes[row]] : []));
          const tests = ofLabel.filter((code) => code === splitCode.test).length;
          const validations = ofLabel.filter((code) => code === splitCode.validation).length;
          expect(Math.abs(tests - ofLabel.length * 0.2)).toBeLessThanOrEqual(1);
          expect(Math.abs(validations - ofLabel.length * 0.15)).toBeLessThanOrEqual(1);
          expect(ofLabel).toContain(splitCode.train);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("spreads a regression target over all splits", () => {
    const price = numbers(Array.from({ length: 1000 }, (_, i) => i));
    const codes = planSplit({ by: "target", ...shares }, inputOf({ price }, { target: "price" }));
    for (let tenth = 0; tenth < 10; ++tenth) {
      expect(countOf(codes.slice(tenth * 100, tenth * 100 + 100), splitCode.test)).toBe(20);
    }
  });

  it("never lets the past see the future, nor divides rows of one time", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 60, maxLength: 200 }), (times) => {
        const codes = planSplit({ by: "time", ...shares }, inputOf({ time: numbers(times) }, { time: "time" }));
        const ofSplit = (code: number): number[] => times.filter((_, row) => codes[row] === code);
        expect(Math.max(...ofSplit(splitCode.train))).toBeLessThan(Math.min(...ofSplit(splitCode.validation)));
        expect(Math.max(...ofSplit(splitCode.validation))).toBeLessThan(Math.min(...ofSplit(splitCode.test)));
      }),
      { numRuns: 50 },
    );
  });

  it("leaves out rows without a time, rows without a target and excluded rows", () => {
    const columns = { time: numbers([Number.NaN, 1, 2, 3, 4, 5, 6]), y: numbers([1, Number.NaN, 3, 4, 5, 6, 7]) };
    const input = inputOf(columns, { time: "time", target: "y" });
    const codes = planSplit({ by: "time", test: 0.25, validation: 0.25 }, { ...input, excluded: Uint32Array.of(2) });
    expect(Array.from(codes)).toEqual([255, 255, 255, 0, 0, 1, 2]);
  });

  it("keeps groups whole and rows without a group free", () => {
    const input = mixedInput(500, 7);
    const codes = planSplit({ by: "group", ...shares }, input);
    const group = input.frame.columns[2]!;
    const splitsOf = new Map<unknown, Set<number>>();
    codes.forEach((code, row) => {
      const key = group.kind === "text" ? group.values[row] : undefined;
      splitsOf.set(key, (splitsOf.get(key) ?? new Set()).add(code));
    });
    expect(Array.from(splitsOf.values(), (splits) => splits.size).every((size) => size === 1)).toBe(true);

    const loose = inputOf({ g: { kind: "text", values: Array.from({ length: 100 }, () => null) } }, { group: "g" });
    expect(countOf(planSplit({ by: "group", ...shares }, loose), splitCode.test)).toBe(20);
  });

  it("gives every split a group even where groups are few", () => {
    const g = numbers([1, 1, 1, 2, 2, 2, 3, 3, 3]);
    const codes = planSplit({ by: "group", test: 0.1, validation: 0.1 }, inputOf({ g }, { group: "g" }));
    expect([0, 1, 2].map((code) => countOf(codes, code))).toEqual([3, 3, 3]);
  });

  it("keeps a row's split by hash when rows are added and shuffled", () => {
    const ids = Array.from({ length: 400 }, (_, i) => `customer ${i}`);
    const splitOf = (values: readonly string[], kind: "text" | "category"): Map<string, number> => {
      const column: ColumnData =
        kind === "text" ? { kind, values } : { kind, codes: Int32Array.from(values, (_, i) => i), levels: values };
      const codes = planSplit({ by: "hash", ...shares }, inputOf({ id: column }, { id: "id" }));
      return new Map(values.map((value, row) => [value, codes[row]!]));
    };
    const before = splitOf(ids.slice(0, 200), "text");
    const after = splitOf(ids.toReversed(), "category");
    for (const [id, code] of before) expect(after.get(id)).toBe(code);
  });

  it("moves no identity and divides no group when rows are added, by hash, in the split and in its folds", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 300, max: 500 }), fc.boolean(), (seed, nRows, isGrouped) => {
        const all = mixedInput(nRows, seed);
        const group = isGrouped ? "group" : null;
        const key = all.frame.columns[isGrouped ? 2 : 3]!;
        const rows = Uint32Array.from({ length: nRows }, (_, row) => row);
        const placesOf = (count: number): string[] => {
          const frame = createFrame(
            count,
            all.frame.names.map((name, i) => [name, firstRows(all.frame.columns[i]!, count)] as const),
          );
          const input = { ...all, frame, roles: { ...all.roles, group }, rng: createRng(seed) };
          const codes = planSplit({ by: "hash", ...shares }, input);
          const folds = planFolds(2, { ...input, by: "hash", rows: rows.slice(0, count) });
          return Array.from(codes, (code, row) => `${code} ${folds.findIndex(({ test }) => test.includes(row))}`);
        };
        const after = placesOf(nRows);
        expect(after.slice(0, 200)).toEqual(placesOf(200));
        const known = new Map<unknown, string>();
        if (key.kind === "text" || key.kind === "number")
          key.values.forEach((value: unknown, row: number) => {
            expect(known.get(value) ?? after[row]).toBe(after[row]);
            known.set(value, after[row]!);
          });
      }),
      { numRuns: 20 },
    );
  });

  it("obeys what is declared once where it divides off validation rows, whatever the split goes by", () => {
    fc.assert(
      fc.property(fc.constantFrom("random", "target"), fc.integer(), fc.boolean(), (by, seed, isGrouped) => {
        const input = mixedInput(400, seed);
        const roles = { ...input.roles, ...(isGrouped ? { time: null } : { group: null }) };
        const codes = planSplit({ by, ...shares }, { ...input, roles });
        const train = Array.from(rowsWithCode(codes, splitCode.train));
        const validation = Array.from(rowsWithCode(codes, splitCode.validation));
        expect(Math.abs(validation.length - 60)).toBeLessThanOrEqual(12);
        const column = input.frame.columns[isGrouped ? 2 : 1]!;
        if (column.kind === "text") {
          const trained = new Set(train.map((row) => column.values[row]));
          expect(validation.some((row) => trained.has(column.values[row]!))).toBe(false);
        }
        if (column.kind === "timestamp") {
          const timeOf = (row: number): number => column.values[row]!;
          expect(Math.max(...train.map(timeOf))).toBeLessThan(Math.min(...validation.map(timeOf)));
        }
      }),
      { numRuns: 30 },
    );
  });

  it("leaves rows without a time out of folds by time, for nobody knows what they know", () => {
    const times = Array.from({ length: 60 }, (_, row) => (row % 6 === 0 ? NaN : row));
    const input = inputOf({ t: { kind: "timestamp", values: Float64Array.from(times) } }, { time: "t" });
    const rows = Uint32Array.from({ length: 60 }, (_, row) => row);
    const folds = planFolds(3, { ...input, rows, by: "random" });
    for (const { train, test } of folds) {
      expect([...train, ...test].some((row) => row % 6 === 0)).toBe(false);
      expect(Math.max(...train)).toBeLessThan(Math.min(...test));
    }
  });

  it("leaves a gap before what is judged when it splits by time", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 200, maxLength: 300 }),
        fc.integer({ min: 0, max: 40 }),
        (jitter, gapMs) => {
          // Spread out, so that no gap swallows the whole validation split.
          const times = jitter.map((late, i) => 3 * i + late);
          const input = inputOf({ time: numbers(times) }, { time: "time" });
          const plain = planSplit({ by: "time", ...shares }, input);
          const codes = planSplit({ by: "time", ...shares, gapMs }, input);
          const timesOf = (of: Uint8Array, code: number): number[] => times.filter((_, row) => of[row] === code);
          expect(timesOf(codes, splitCode.test)).toEqual(timesOf(plain, splitCode.test));
          const [tests, watched] = [Math.min(...timesOf(codes, splitCode.test)), timesOf(codes, splitCode.validation)];
          const begin = Math.min(...timesOf(plain, splitCode.validation));
          expect(Math.max(...watched)).toBeLessThanOrEqual(tests - gapMs);
          expect(Math.max(...timesOf(codes, splitCode.train))).toBeLessThanOrEqual(begin - gapMs);
          for (let row = 0; row < times.length; ++row) {
            const isNear = times[row]! > (plain[row] === splitCode.train ? begin : tests) - gapMs;
            if (codes[row] === splitCode.leftOut) expect(isNear).toBe(true);
            else expect(codes[row]).toBe(plain[row]);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it("goes by a column that says it, and refuses other words", () => {
    const words = ["train", "test", null, "validation", "train"];
    const part: ColumnData = { kind: "text", values: words };
    const plan: SplitPlan = { by: "column", column: "part", test: 0.2, validation: 0 };
    expect(Array.from(planSplit(plan, inputOf({ part }, {})))).toEqual([0, 2, 255, 1, 0]);
    const levels = ["test", "train"];
    const coded: ColumnData = { kind: "category", codes: Int32Array.of(1, 0, -1), levels };
    expect(Array.from(planSplit(plan, inputOf({ part: coded }, {})))).toEqual([0, 2, 255]);
    const odd: ColumnData = { kind: "text", values: ["train", "dev"] };
    expect(() => planSplit(plan, inputOf({ part: odd }, {}))).toThrow(
      /row 2: expected train, validation or test, got "dev"/,
    );
    const none: ColumnData = { kind: "text", values: ["train", "train"] };
    expect(() => planSplit(plan, inputOf({ part: none }, {}))).toThrow("the test split would hold no rows");
  });

  it("says which split would be empty", () => {
    const input = inputOf({ y: numbers([1, 2]) }, { target: "y" });
    expect(() => planSplit({ by: "random", ...shares }, input)).toThrow(
      "the validation split would hold no rows (of 2)",
    );
    const sameTime = inputOf({ time: numbers([5, 5, 5, 5]) }, { time: "time" });
    expect(() => planSplit({ by: "time", ...shares }, sameTime)).toThrow("the validation split would hold no rows");
  });

  it("asks for the role that its way of splitting needs", () => {
    expect(() => planSplit({ by: "time", ...shares }, inputOf({ y: numbers([1]) }, {}))).toThrow(
      "split.by needs a column named by `time`",
    );
  });
});
