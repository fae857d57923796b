import { describe, expect, it } from "vitest";
import { chiSquaredUpperQuantile, populationStabilityIndex, proportionScore, psiChanceBound } from "./psi.ts";

describe("populationStabilityIndex", () => {
  it("is the textbook sum, up to the half row added to each bin", () => {
    const textbook = (0.6 - 0.5) * Math.log(0.6 / 0.5) + (0.4 - 0.5) * Math.log(0.4 / 0.5);
    expect(populationStabilityIndex([5e8, 5e8], [6e8, 4e8])).toBeCloseTo(textbook, 8);
    expect(populationStabilityIndex([3, 4, 5], [3, 4, 5])).toBe(0);
  });

  it("is finite for empty bins", () => {
    expect(populationStabilityIndex([10, 0, 10], [0, 20, 0])).toBeGreaterThan(1);
    expect(populationStabilityIndex([0, 0], [0, 0])).toBe(0);
  });
});

describe("psiChanceBound", () => {
  it("holds the quantile of chi-squared, on the careful side", () => {
    // scipy.stats.chi2.isf(alpha, degrees)
    const known = [
      [1, 1e-4, 15.136705226623397],
      [2, 1e-4, 18.420680743952364],
      [3, 1e-3, 16.26623619623813],
      [9, 0.05, 16.918977604620448],
      [9, 1e-4, 33.719948438964636],
      [49, 1e-5, 103.11655113729152],
    ] as const;
    for (const [degrees, alpha, value] of known) {
      const ratio = chiSquaredUpperQuantile(degrees, alpha) / value;
      expect(ratio).toBeGreaterThan(0.999);
      expect(ratio).toBeLessThan(degrees < 3 ? 1.000001 : degrees < 9 ? 1.07 : 1.03);
    }
  });

  it("shrinks as rows come in, and is 0 where nothing can differ", () => {
    expect(psiChanceBound(10, 1e6, 1e6, 0.01)).toBeLessThan(psiChanceBound(10, 1000, 1000, 0.01));
    expect([psiChanceBound(1, 10, 10, 0.01), psiChanceBound(5, 0, 10, 0.01)]).toEqual([0, 0]);
  });
});

describe("proportionScore", () => {
  it("is the pooled two-proportion z", () => {
    const pooled = 30 / 200;
    expect(proportionScore(0.1, 100, 0.2, 100)).toBeCloseTo(0.1 / Math.sqrt(pooled * (1 - pooled) * 0.02), 12);
    expect([proportionScore(0, 10, 0, 10), proportionScore(1, 10, 1, 10)]).toEqual([0, 0]);
  });
});
