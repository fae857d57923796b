import { createRng } from "../../core/rng.ts";
import { type Design, emptySparseBlock } from "../../model/design.ts";
import type { FitContext, FitResult, HyperparameterValues, Target } from "../../model/estimator.ts";
import type { TreesPredictor } from "../../model/predictor.ts";
import { fitContext } from "../fit-context.fixtures.ts";
import { boostingEstimator } from "./estimator.ts";

/** `nRows` where there are no columns. */
export function designOf(
  columns: readonly (readonly number[])[],
  cardinalities: readonly number[] = [],
  nRows?: number,
): Design {
  const n = nRows ?? columns[0]!.length;
  return {
    nRows: n,
    dense: columns.map((values, f) => ({
      name: `x${f}`,
      source: `x${f}`,
      values: Float64Array.from(values),
      cardinality: cardinalities[f] ?? 0,
    })),
    sparse: emptySparseBlock(n),
  };
}

export function targetOf(
  task: Target["task"],
  values: readonly number[],
  weights: readonly number[] | null = null,
): Target {
  const nLabels = task === "regression" ? 0 : task === "binary" ? 2 : Math.max(...values) + 1;
  return { task, values: Float64Array.from(values), nLabels, weights: weights && Float64Array.from(weights) };
}

/** 20 trees unless said otherwise. */
export async function fit(
  design: Design,
  target: Target,
  given: HyperparameterValues = {},
  over: Partial<FitContext> = {},
): Promise<FitResult & { readonly trees: TreesPredictor }> {
  const context = fitContext({ rng: createRng(7), ...over });
  const result = await boostingEstimator.fit(design, target, { trees: 20, ...given }, context);
  return { ...result, trees: result.predictor as TreesPredictor };
}
