import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRng } from "../core/rng.ts";
import { RankSketch } from "./rank-sketch.ts";

function worstRankError(sketch: RankSketch, values: Float64Array): number {
  const sorted = values.toSorted();
  let worst = 0;
  for (let i = 0; i < 100; ++i) {
    const value = sorted[Math.floor((i * sorted.length) / 100)]!;
    const notAbove = sorted.filter((held) => held <= value).length / sorted.length;
    worst = Math.max(worst, Math.abs(sketch.share(value) - notAbove));
  }
  return worst;
}

const sketchOf = (values: Float64Array): RankSketch => {
  const sketch = new RankSketch();
  sketch.add(values.toSorted());
  return sketch;
};

/** The levels of a sketch of values that come in parts, each part sketched and merged. */
function levelsNaively(parts: readonly Float64Array[]): number[][] {
  const levels: number[][] = [[]];
  const flips: boolean[] = [];
  const compress = (): void => {
    for (let i = 0; i < levels.length; ++i) {
      if (levels[i]!.length < 200) continue;
      const sorted = [...new Float64Array(levels[i]!).sort()];
      const rest = sorted.length % 2 === 1 ? [sorted.pop()!] : [];
      (levels[i + 1] ??= []).push(...sorted.filter((_, k) => k % 2 === (flips[i] ? 1 : 0)));
      flips[i] = !flips[i];
      levels[i] = rest;
    }
  };
  for (const part of parts) {
    const sorted = Array.from(new Float64Array(part).sort());
    let size = 1;
    while (sorted.length / size >= 200) size *= 2;
    while (levels.length <= (sorted.length === 0 ? 0 : Math.log2(size))) levels.push([]);
    for (; sorted.length > 0; size /= 2)
      while (sorted.length >= size) levels[Math.log2(size)]!.push(sorted.splice(0, size)[Math.floor(size / 2)]!);
    compress();
  }
  return levels.map((level) => level.toSorted((a, b) => a - b));
}

describe("RankSketch", () => {
  it("holds what its naive twin holds, bit for bit", () => {
    const value = fc.oneof(fc.double({ noNaN: true }), fc.constantFrom(0, -0, 1), fc.integer({ min: -9, max: 9 }));
    const part = fc
      .array(value, { maxLength: 30 })
      .chain((few) =>
        fc
          .integer({ min: 1, max: 90 })
          .map((times) =>
            Float64Array.from({ length: few.length * times }, (_, i) => few[(i * 7) % few.length]! * (1 + (i % 3))),
          ),
      );
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
        const whole = new RankSketch();
        for (const values of parts) whole.merge(sketchOf(values));
        expect(whole.data().levels).toEqual(levelsNaively(parts));
      }),
    );
  });

  it("ranks within 1 % on sorted, shuffled and repeating numbers, whole or merged from parts", () => {
    const rng = createRng(1);
    const shuffled = Float64Array.from({ length: 50_000 }, () => rng.next());
    for (const values of [shuffled, shuffled.toSorted(), shuffled.map((value) => Math.floor(value * 7))]) {
      const whole = sketchOf(values);
      expect(worstRankError(whole, values)).toBeLessThan(0.01);
      const merged = new RankSketch();
      for (let part = 0; part < 25; ++part) {
        const sketch = sketchOf(values.subarray(part * 2000, (part + 1) * 2000));
        merged.merge(RankSketch.from(sketch.data()));
      }
      expect(merged.count).toBe(values.length);
      expect(worstRankError(merged, values)).toBeLessThan(0.015);
    }
  });

  it("is exact while the numbers are few, and keeps count, least and largest however many", () => {
    fc.assert(
      fc.property(fc.float64Array({ maxLength: 2000, noNaN: false, noDefaultInfinity: true }), (values) => {
        const sorted = values.filter((value) => value === value).toSorted();
        const sketch = sketchOf(sorted);
        expect(sketch.count).toBe(sorted.length);
        const weight = sketch.data().levels.reduce((sum, level, i) => sum + level.length * 2 ** i, 0);
        expect(weight).toBe(sorted.length);
        if (sorted.length === 0) return;
        expect([sketch.quantile(0), sketch.quantile(1)].map((value) => value + 0)).toEqual([
          sorted[0]! + 0,
          sorted.at(-1)! + 0,
        ]);
        if (sorted.length < 200) expect(sketch.quantile(0.5) + 0).toBe(sorted[Math.ceil(sorted.length / 2) - 1]! + 0);
      }),
      { numRuns: 60 },
    );
  });
});
