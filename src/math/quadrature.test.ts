import { describe, expect, it } from "vitest";
import { gaussLegendre } from "./quadrature.ts";

describe("gaussLegendre", () => {
  it.each([1, 2, 3, 5, 16, 64])("integrates powers up to 2n - 1 exactly with %i points", (n) => {
    const { points, weights } = gaussLegendre(n);
    for (let power = 0; power <= 2 * n - 1; ++power) {
      let integral = 0;
      for (let i = 0; i < n; ++i) integral += weights[i]! * points[i]! ** power;
      expect(Math.abs(integral - 1 / (power + 1))).toBeLessThan(1e-14);
    }
  });

  it("has ascending points inside (0, 1) and positive weights, for many points too", () => {
    const { points, weights } = gaussLegendre(512);
    for (let i = 0; i < 512; ++i) {
      expect(points[i]! > (points[i - 1] ?? 0) && points[i]! < 1).toBe(true);
      expect(weights[i]).toBeGreaterThan(0);
    }
  });
});
