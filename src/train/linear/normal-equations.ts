import { centredProductsOfBlocks } from "../centred-products.ts";
import { descendCoordinates } from "./coordinate-descent.ts";
import { choleskySolve } from "../../math/linear-algebra.ts";
import type { Design } from "../../model/design.ts";
import type { Target } from "../../model/estimator.ts";
import type { Moments } from "../moments.ts";
import type { RowBlocks } from "../row-blocks.ts";

const maxColumns = 2000;

/** Whether ridge regression is better solved at once than by iterations: few columns, and the matrix of their products no dearer than about 400 gradients. */
export function suitsNormalEquations(nRows: number, { dense, sparse }: Pick<Design, "dense" | "sparse">): boolean {
  const nColumns = dense.length + sparse.names.length;
  const nEntries = nRows * dense.length + sparse.values.length;
  return nColumns <= maxColumns && (nRows * nColumns * nColumns) / 2 <= Math.max(1e9, 400 * nEntries);
}

/**
 * Ridge coefficients by the normal equations of centred columns, (X'WX + l2 I) b = X'W y, with an l1 penalty by
 * coordinate descent on the same products; undefined where they have no
 * finite solution. About n * columns^2 / 2 multiply-adds, in which it awaits `pause`, then columns^3 / 3.
 */
export async function solveNormalEquations(
  rows: RowBlocks,
  target: Target,
  penalty: { readonly l1: number; readonly l2: number; readonly tolerance: number; readonly maxIterations: number },
  moments: Moments,
  pause: () => Promise<void>,
): Promise<{ readonly coefficients: Float64Array; readonly intercept: Float64Array } | undefined> {
  const { l1, l2 } = penalty;
  const nColumns = moments.means.length;
  const width = nColumns + 1;
  const targetMean = weightedMean(target.values, target.weights, moments.totalWeight);
  const last = { values: target.values, mean: targetMean };
  const products = await centredProductsOfBlocks(rows, target.weights, moments.means, last, pause);
  const matrix = new Float64Array(nColumns * nColumns);
  for (let i = 0; i < nColumns; ++i) {
    matrix.set(products.subarray(i * width, i * width + i + 1), i * nColumns);
    matrix[i * nColumns + i]! += l2;
  }
  const right = products.slice(nColumns * width, nColumns * width + nColumns);
  // The change of a coefficient times its curvature is a change of the gradient of the sum of losses.
  const sweeps = { tolerance: penalty.tolerance * 1e-3 * moments.totalWeight, maxSweeps: penalty.maxIterations };
  const coefficients =
    l1 > 0
      ? (descendCoordinates(matrix, nColumns, right, l1, sweeps)?.coefficients ?? null)
      : choleskySolve(matrix, nColumns, right);
  if (coefficients === null) return undefined;
  let intercept = targetMean;
  for (let j = 0; j < nColumns; ++j) intercept -= coefficients[j]! * moments.means[j]!;
  return { coefficients, intercept: Float64Array.of(intercept) };
}

function weightedMean(values: Float64Array, weights: Float64Array | null, totalWeight: number): number {
  let total = 0;
  for (let row = 0; row < values.length; ++row) total += (weights === null ? 1 : weights[row]!) * values[row]!;
  return total / totalWeight;
}
