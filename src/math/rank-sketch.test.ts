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

describe("RankSketch", () => {
  it("ranks within 1 % on sorted, shuffled and repeating numbers, whole or merged from parts", () => {
    const rng = createRng(1);
    const shuffled = Float64Array.from({ length: 50_000 }, () => rng.next());
    for (const values of [shuffled, shuffled.toSorted(), shuffled.map((value) => Math.floor(value * 7))]) {
      const whole = new RankSketch();
      whole.add(values);
      expect(worstRankError(whole, values)).toBeLessThan(0.01);
      const merged = new RankSketch();
      for (let part = 0; part < 25; ++part) {
        const sketch = new RankSketch();
        sketch.add(values.subarray(part * 2000, (part + 1) * 2000));
        merged.merge(RankSketch.from(sketch.data()));
      }
      expect(merged.count).toBe(values.length);
      expect(worstRankError(merged, values)).toBeLessThan(0.015);
    }
  });

  it("is exact while the numbers are few, and keeps count, least and largest however many", () => {
    fc.assert(
      fc.property(fc.float64Array({ maxLength: 2000, noNaN: false, noDefaultInfinity: true }), (values) => {
        const sketch = new RankSketch();
        sketch.add(values);
        const sorted = values.filter((value) => value === value).toSorted();
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
