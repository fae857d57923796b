import type { Design } from "../model/design.ts";

/** Weighted mean and variance of every design column, dense columns first. */
export interface Moments {
  readonly means: Float64Array;
  readonly variances: Float64Array;
  /** Sum of the row weights. */
  readonly totalWeight: number;
}

/** Moments in two passes over dense columns; sparse ones in one, from sums over their entries. */
export function momentsOf(design: Design, weights: Float64Array | null): Moments {
  const { nRows, dense, sparse } = design;
  const nColumns = dense.length + sparse.names.length;
  const means = new Float64Array(nColumns);
  const variances = new Float64Array(nColumns);
  let totalWeight = weights === null ? nRows : 0;
  if (weights !== null) for (let row = 0; row < nRows; ++row) totalWeight += weights[row]!;
  dense.forEach((column, j) => {
    means[j] = weightedSum(column.values, 0, 1, weights) / totalWeight;
    variances[j] = weightedSum(column.values, means[j]!, 2, weights) / totalWeight;
  });
  addSparseSums(design, weights, means, variances);
  for (let j = dense.length; j < nColumns; ++j) {
    const mean = means[j]! / totalWeight;
    means[j] = mean;
    variances[j] = Math.max(variances[j]! / totalWeight - mean * mean, 0);
  }
  return { means, variances, totalWeight };
}

/** Sum of weight * (value - centre)^power, power 1 or 2. */
function weightedSum(values: Float64Array, centre: number, power: 1 | 2, weights: Float64Array | null): number {
  let total = 0;
  for (let row = 0; row < values.length; ++row) {
    const distance = values[row]! - centre;
    total += (weights === null ? 1 : weights[row]!) * (power === 1 ? distance : distance * distance);
  }
  return total;
}

function addSparseSums(design: Design, weights: Float64Array | null, sums: Float64Array, squares: Float64Array): void {
  const { offsets, indices, values } = design.sparse;
  const from = design.dense.length;
  for (let row = 0; row < design.nRows; ++row) {
    const weight = weights === null ? 1 : weights[row]!;
    const end = offsets[row + 1]!;
    for (let e = offsets[row]!; e < end; ++e) {
      sums[from + indices[e]!]! += weight * values[e]!;
      squares[from + indices[e]!]! += weight * values[e]! * values[e]!;
    }
  }
}
