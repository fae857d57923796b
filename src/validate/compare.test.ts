import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRng, type Rng } from "../core/rng.ts";
import type { ColumnData } from "../frame/column.ts";
import { createFrame, type Frame } from "../frame/frame.ts";
import { RankSketch } from "../math/rank-sketch.ts";
import { compareProfiles, hasDrifted, renderComparison } from "./compare.ts";
import { renderRelations } from "./profile-table.ts";
import { profileFrame } from "./profile.ts";
import { eachCorrelation, farOut } from "./relations.ts";
import { type ColumnSketch, mergeSketches, sketchColumn, sketchShift } from "./sketch.ts";

const rowsUpTo = (count: number): Uint32Array => new Uint32Array(count).map((_, row) => row);
const numbers = (count: number, at: (row: number) => number): ColumnData => ({
  kind: "number",
  values: Float64Array.from({ length: count }, (_, row) => at(row)),
});
const levels = (count: number, at: (row: number) => string): ColumnData => {
  const texts = Array.from({ length: count }, (_, row) => at(row));
  const known = [...new Set(texts)].sort();
  return { kind: "category", codes: Int32Array.from(texts, (text) => known.indexOf(text)), levels: known };
};
const frameOf = (columns: Readonly<Record<string, ColumnData>>, nRows: number): Frame =>
  createFrame(nRows, Object.entries(columns));

/** Pearson's r by its definition, over the rows where both have a value. */
function pearson(x: readonly number[], y: readonly number[]): number {
  const pairs = x.map((value, i) => [value, y[i]!] as const).filter(([a, b]) => a === a && b === b);
  const mean = (of: readonly number[]): number => of.reduce((sum, value) => sum + value, 0) / of.length;
  const [mx, my] = [mean(pairs.map(([a]) => a)), mean(pairs.map(([, b]) => b))];
  const total = (of: (a: number, b: number) => number): number =>
    pairs.reduce((sum, [a, b]) => sum + of(a - mx, b - my), 0);
  return total((a, b) => a * b) / Math.sqrt(total((a) => a * a) * total((_, b) => b * b));
}

/** The sketch of all rows, and that of the first `border` of them merged with that of the rest. */
function mergedAndWhole(column: ColumnData, border: number, n: number): [ColumnSketch, ColumnSketch | null] {
  const rows = rowsUpTo(n);
  const [first, rest] = [sketchColumn(column, rows.slice(0, border)), sketchColumn(column, rows.slice(border))];
  return [sketchColumn(column, rows), mergeSketches(first, rest)];
}

describe("sketches", () => {
  it("merge to what the whole gives, and show no shift from one sample of a population to another", () => {
    const rng = createRng(3);
    const n = 20_000;
    for (const column of [
      numbers(n, (row) => (row % 9 === 0 ? NaN : rng.next() ** 3)),
      levels(n, () => "abcdef"[Math.floor(rng.next() ** 2 * 6)]!),
    ]) {
      const first = rowsUpTo(n / 2);
      const [a, b] = [
        sketchColumn(column, first),
        sketchColumn(
          column,
          first.map((row) => row + n / 2),
        ),
      ];
      expect(sketchShift(a, b, 0.01)!.psi).toBeLessThan(0.01);
      expect(sketchShift(sketchColumn(column, rowsUpTo(n)), mergeSketches(a, b)!, 0.01)!.psi).toBeLessThan(0.005);
    }
    const [one, other] = [numbers(1, () => 1), levels(1, () => "a")];
    expect(mergeSketches(sketchColumn(one, rowsUpTo(1)), sketchColumn(other, rowsUpTo(1)))).toBeNull();
  });

  it("keep the law of merging: merge(of(a), of(b)) is of(a and b), in levels exactly, in ranks within 2 % of the rows", () => {
    const cells = fc.array(fc.option(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { nil: NaN }), {
      maxLength: 2500,
    });
    fc.assert(
      fc.property(cells, cells, (a, b) => {
        const all = [...a, ...b];
        const column = numbers(all.length, (row) => all[row]!);
        const [whole, merged] = mergedAndWhole(column, a.length, all.length);
        if (whole.form !== "ranks" || merged?.form !== "ranks") throw new Error("another form");
        const present = all.filter((value) => !Number.isNaN(value));
        expect([merged.nMissing, merged.ranks.count]).toEqual([whole.nMissing, present.length]);
        expect([merged.ranks.min, merged.ranks.max]).toEqual([whole.ranks.min, whole.ranks.max]);
        if (all.length < 200) expect(merged).toEqual(whole);
        for (const value of present.slice(0, 20)) {
          const truth = present.filter((one) => one <= value).length / present.length;
          expect(Math.abs(RankSketch.from(merged.ranks).share(value) - truth)).toBeLessThanOrEqual(0.02);
        }
      }),
      { numRuns: 60 },
    );
    const texts = fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 60 });
    fc.assert(
      fc.property(texts, texts, (a, b) => {
        const all = [...a, ...b];
        const [whole, merged] = mergedAndWhole(
          levels(all.length, (row) => all[row]!),
          a.length,
          all.length,
        );
        expect(merged).toEqual(whole);
      }),
    );
  });

  it("survive JSON, empty ones too", () => {
    for (const [column, n] of [
      [numbers(3000, (row) => row), 3000],
      [numbers(3, () => NaN), 3],
      [levels(5, String), 5],
    ] as const) {
      const sketch = sketchColumn(column, rowsUpTo(n));
      const copy = JSON.parse(JSON.stringify(sketch)) as typeof sketch;
      expect(copy).toEqual(sketch);
      expect(sketchShift(sketch, copy, 0.01)!.psi).toBe(0);
    }
  });
});

describe("compareProfiles", () => {
  it("names what came, went, moved and changed its kind, and keeps quiet about the rest", () => {
    const rng = createRng(4);
    const n = 5000;
    const steady = (): ColumnData => numbers(n, () => rng.next());
    const either = (of: string): ColumnData => levels(n, () => of[rng.integer(2)]!);
    const before = frameOf({ a: steady(), moved: steady(), c: either("xy"), old: steady(), k: steady() }, n);
    const moved = numbers(n, () => rng.next() + 0.5);
    const after = frameOf({ a: steady(), moved, c: either("xz"), fresh: steady(), k: levels(n, () => "1") }, n);
    const found = compareProfiles(profileFrame(before), profileFrame(after));
    expect(found).toMatchObject({ nRows: [n, n], added: ["fresh"], removed: ["old"] });
    const byName = new Map(found.columns.map((change) => [change.column, change]));
    expect(byName.get("a")!.psi!).toBeLessThan(0.02);
    expect(byName.get("moved")!.psi!).toBeGreaterThan(1);
    expect(byName.get("c")).toMatchObject({ newLevels: ["z"], goneLevels: ["y"] });
    expect(byName.get("k")).toMatchObject({ psi: null, kinds: ["number", "category"] });
    const lines = renderComparison(found).join("\n");
    expect(lines).toMatch(/new columns: fresh/);
    expect(lines).toMatch(/moved +PSI \d\.\d+ \(large\)/);
    expect(lines).toMatch(/k +number -> category/);
    expect(lines).toMatch(/1 columns as before/);
  });
});

describe("hasDrifted", () => {
  const population = (rng: Rng, n: number, shift: number): Frame =>
    frameOf(
      {
        flat: numbers(n, () => shift + rng.next()),
        few: numbers(n, () => (rng.next() < 0.2 ? NaN : rng.integer(4))),
        level: levels(n, () => "abcdefgh"[Math.floor(rng.next() ** 2 * 8)]!),
        rare: levels(n, () => (rng.next() < 0.03 ? "b" : "a")),
      },
      n,
    );

  it("calls few small samples of one population moved, where the index alone calls most of them so", () => {
    const rng = createRng(11);
    let [nDrifted, nLarge] = [0, 0];
    for (let round = 0; round < 300; ++round) {
      const [n, m] = [30 + rng.integer(200), 30 + rng.integer(200)];
      const { columns } = compareProfiles(profileFrame(population(rng, n, 0)), profileFrame(population(rng, m, 0)));
      if (columns.some((change) => hasDrifted(change, 0))) ++nDrifted;
      if (columns.some(({ psi }) => psi! > 0.1)) ++nLarge;
    }
    expect(nLarge).toBeGreaterThan(150);
    expect(nDrifted).toBeLessThanOrEqual(9);
  });

  it("sees what moved, and only beyond its limit", () => {
    const rng = createRng(12);
    const before = profileFrame(population(rng, 300, 0));
    const { columns } = compareProfiles(before, profileFrame(population(rng, 300, 0.5)));
    expect(columns.filter((change) => hasDrifted(change, 0.1)).map(({ column }) => column)).toEqual(["flat"]);
    expect(columns.filter((change) => hasDrifted(change, 100))).toEqual([]);
  });
});

describe("relations", () => {
  it("finds correlations, repeated rows and values far out", () => {
    const rng = createRng(5);
    const n = 2000;
    const x = Float64Array.from({ length: n }, () => rng.next());
    x[7] = 50;
    const y = numbers(n, (row) => 3 - 2 * x[row]!);
    const frame = frameOf({ x: { kind: "number", values: x }, y, z: numbers(n, () => rng.next()) }, n);
    const profile = profileFrame(frame);
    expect(profile.correlations).toEqual([{ columns: ["x", "y"], r: expect.closeTo(-1, 9) as number }]);
    expect(profile.columns.map(({ nOutliers }) => nOutliers)).toEqual([1, 1, 0]);
    expect(profile.nRepeated).toBe(0);
    const twice = frameOf({ a: numbers(6, (row) => row % 2), b: levels(6, (row) => "ab"[row % 2]!) }, 6);
    expect(profileFrame(twice).nRepeated).toBe(4);
    expect(renderRelations(profileFrame(twice))).toEqual(["repeated rows: 4 (66.7 %)"]);
  });

  it("correlates as the definition says, leaving out rows where one is missing", () => {
    const x = Float64Array.of(1, 2, NaN, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    const y = Float64Array.of(2, 1, 5, 4, NaN, 9, 6, 8, 7, 12, 10, 11);
    const expected = pearson([...x], [...y]);
    const found: [number, number, number][] = [];
    const shifted = y.map((value) => 1e6 + value);
    eachCorrelation([x, y, new Float64Array(12).fill(0.1), shifted], (...pair) => found.push(pair));
    expect(found.map(([i, k]) => [i, k])).toEqual([
      [0, 1],
      [0, 2],
      [0, 3],
      [1, 2],
      [1, 3],
      [2, 3],
    ]);
    const expectedOf = [expected, 0, expected, 0, 1, 0];
    for (const [pair, [, , r]] of found.entries()) expect(r).toBeCloseTo(expectedOf[pair]!, 9);
    expect(found[0]![2]).toBeCloseTo(expected, 12);
    expect([found[1]![2], found[3]![2]]).toEqual([0, 0]);
    const long = [3, 5].map((step) => Float64Array.from({ length: 1300 }, (_, i) => (i % step === 0 ? NaN : i % 7)));
    const alone: number[] = [];
    eachCorrelation([Float64Array.of(...x, ...long[0]!), Float64Array.of(...y, ...long[1]!)], (_i, _k, r) =>
      alone.push(r),
    );
    expect(alone).toEqual([expect.closeTo(pearson([...x, ...long[0]!], [...y, ...long[1]!]), 12)]);
    expect(farOut(new Float64Array(0))).toEqual({ low: -Infinity, high: Infinity });
  });
});
