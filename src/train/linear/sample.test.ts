import { describe, expect, it } from "vitest";
import { sharedDesign } from "../../../test/support/shared-design.ts";
import { createRng } from "../../core/rng.ts";
import type { Design } from "../../model/design.ts";
import type { FitResult, Target } from "../../model/estimator.ts";
import type { LinearPredictor } from "../../model/predictor.ts";
import { fitContext } from "../fit-context.fixtures.ts";
import { resolveHyperparameters } from "../hyperparameters.ts";
import { momentsOf } from "../moments.ts";
import { linearEstimator } from "./estimator.ts";
import { minimise } from "./lbfgs.ts";
import { createObjective } from "./objective.ts";
import { sampleSize } from "./sample.ts";

const nRows = 50_000;
const rng = createRng(17);
const noise = Float64Array.from({ length: nRows }, () => 3 * (rng.next() - 0.5));

/** Columns of which one is in units a thousand times as large, and another is 0 but in few rows. */
function tableOf(nColumns: number): Design {
  const design = sharedDesign(nRows, nColumns);
  const [, large, rare] = design.dense;
  large!.values.forEach((value, row) => (large!.values[row] = 1000 * value));
  rare!.values.forEach((value, row) => (rare!.values[row] = row % 2003 === 7 ? value : 0));
  return design;
}

/** Labels of which the share in `positive` is 1, and depends on the columns. */
function labelsOf({ dense }: Design, positive: number, weights: Float64Array | null = null): Target {
  const scores = noise.map((one, row) => {
    const [a, b, c, d] = dense.map(({ values }) => values[row]!);
    return one + a! / 2 - b! / 4000 + c! - d! / 3;
  });
  const least = scores.slice().sort()[Math.floor((1 - positive) * nRows)]!;
  return { task: "binary", nLabels: 2, values: scores.map((score) => Number(score >= least)), weights };
}

function fit(design: Design, target: Target): Promise<FitResult> {
  const given = resolveHyperparameters(linearEstimator, { l2: 1, tolerance: 1e-11 });
  return linearEstimator.fit(design, target, given, fitContext());
}

describe("a sample of the rows", () => {
  const design = tableOf(6);

  it.each([
    ["in balance", labelsOf(design, 0.5)],
    [
      "weighted",
      labelsOf(
        design,
        0.4,
        Float64Array.from(noise, (_, row) => row % 3),
      ),
    ],
  ])("leads to the minimum over all, in fewer iterations: %s", async (_, target) => {
    expect(sampleSize(design, target)).toBeGreaterThan(0);
    const moments = momentsOf(design, target.weights);
    const objective = createObjective(design, target, 1, moments);
    const without = await minimise(objective, {
      maxIterations: 1000,
      tolerance: 1e-11,
      afterIteration: async () => {},
    });
    const { predictor, notes } = await fit(design, target);
    const { coefficients, intercept } = predictor as LinearPredictor;
    const centred = coefficients.reduce((sum, value, j) => sum + value * moments.means[j]!, intercept[0]!);
    const gradient = new Float64Array(objective.nParameters);
    expect(objective.evaluate(Float64Array.of(...coefficients, centred), gradient)).toBeCloseTo(without.value, 13);
    gradient.forEach((slope, j) => expect(Math.abs(slope) / Math.sqrt(moments.variances[j] ?? 1)).toBeLessThan(1e-9));
    expect(notes["iterations"]).toBeLessThan(without.iterations);
  });

  it("is not taken where rows are few for their columns, labels are not two or one of them is rare", () => {
    const target = labelsOf(design, 0.5);
    expect(sampleSize(tableOf(20), target)).toBe(0);
    expect(sampleSize(design, { ...target, task: "multiclass", nLabels: 3 })).toBe(0);
    expect(sampleSize(design, labelsOf(design, 0.01))).toBe(0);
    expect(sampleSize(design, { ...target, values: new Float64Array(nRows) })).toBe(0);
  });

  it("that weighs nothing leads nowhere", async () => {
    // Only few rows count, and none of the sample is among them.
    const target = labelsOf(
      design,
      0.5,
      noise.map((_, row) => Number(row % 997 === 0)),
    );
    const { predictor } = await fit(design, target);
    expect((predictor as LinearPredictor).coefficients.every(Number.isFinite)).toBe(true);
  });

  it("with a missing value is refused as all rows are", async () => {
    const values = design.dense[0]!.values.slice();
    values[nRows - 1] = Number.NaN;
    const dense = [{ ...design.dense[0]!, values }, ...design.dense.slice(1)];
    await expect(fit({ ...design, dense }, labelsOf(design, 0.5))).rejects.toThrow('the column "x0" must be complete');
  });
});
