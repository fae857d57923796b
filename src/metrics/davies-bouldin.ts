import { compactClusters } from "./compact-clusters.ts";
import type { Labels } from "./labels.ts";

/** Distances up to this count as 0, as in scikit-learn. */
const NEGLIGIBLE = 1e-8;

/**
 * Davies-Bouldin index of points (row-major, `nColumns` a row) under their clusters: for each cluster the worst ratio
 * of (own spread + other spread) to the distance of the centres, averaged. 0 is best. NaN unless there are 2 to n - 1
 * clusters. Equals scikit-learn's davies_bouldin_score.
 */
export function daviesBouldin(points: Float64Array, nColumns: number, assigned: Labels): number {
  const n = assigned.length;
  const { numbers, sizes } = compactClusters(assigned);
  const k = sizes.length;
  if (k < 2 || k > n - 1) return NaN;
  const centres = new Float64Array(k * nColumns);
  for (let i = 0; i < n; ++i)
    for (let c = 0; c < nColumns; ++c)
      centres[numbers[i]! * nColumns + c]! += points[i * nColumns + c]! / sizes[numbers[i]!]!;
  const spreads = new Float64Array(k);
  for (let i = 0; i < n; ++i) {
    const own = numbers[i]!;
    spreads[own]! += distance(points, i, centres, own, nColumns) / sizes[own]!;
  }
  return meanWorstRatio(centres, nColumns, spreads);
}

function distance(a: Float64Array, i: number, b: Float64Array, j: number, nColumns: number): number {
  let square = 0;
  for (let c = 0; c < nColumns; ++c) {
    const d = a[i * nColumns + c]! - b[j * nColumns + c]!;
    square += d * d;
  }
  return Math.sqrt(square);
}

function meanWorstRatio(centres: Float64Array, nColumns: number, spreads: Float64Array): number {
  const k = spreads.length;
  let total = 0;
  let farthest = 0;
  for (let a = 0; a < k; ++a) {
    let worst = 0;
    for (let b = 0; b < k; ++b) {
      const apart = distance(centres, a, centres, b, nColumns);
      if (apart === 0) continue;
      farthest = Math.max(farthest, apart);
      worst = Math.max(worst, (spreads[a]! + spreads[b]!) / apart);
    }
    total += worst;
  }
  return farthest <= NEGLIGIBLE || spreads.every((spread) => spread <= NEGLIGIBLE) ? 0 : total / k;
}
