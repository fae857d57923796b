import { compactClusters } from "./compact-clusters.ts";
import type { Labels } from "./labels.ts";

/**
 * Mean silhouette of points (row-major, `nColumns` a row) under their clusters: (b - a) / max(a, b), where a is the
 * mean distance to the own cluster and b to the nearest other. 1 is well apart, below 0 is wrong; 0 for a cluster of
 * one. NaN unless there are 2 to n - 1 clusters. Time grows with the square of n: sample first.
 * Equals scikit-learn's silhouette_score.
 */
export function silhouette(points: Float64Array, nColumns: number, assigned: Labels): number {
  const n = assigned.length;
  const { numbers, sizes } = compactClusters(assigned);
  const k = sizes.length;
  if (k < 2 || k > n - 1) return NaN;
  // toCluster[i * k + c]: sum of distances of row i to the rows of cluster c
  const toCluster = new Float64Array(n * k);
  for (let i = 0; i < n; ++i) {
    for (let j = i + 1; j < n; ++j) {
      let square = 0;
      for (let c = 0; c < nColumns; ++c) {
        const d = points[i * nColumns + c]! - points[j * nColumns + c]!;
        square += d * d;
      }
      const distance = Math.sqrt(square);
      toCluster[i * k + numbers[j]!]! += distance;
      toCluster[j * k + numbers[i]!]! += distance;
    }
  }
  let total = 0;
  for (let i = 0; i < n; ++i) {
    const own = numbers[i]!;
    if (sizes[own] === 1) continue;
    const within = toCluster[i * k + own]! / (sizes[own]! - 1);
    let nearest = Infinity;
    for (let c = 0; c < k; ++c) {
      if (c !== own) nearest = Math.min(nearest, toCluster[i * k + c]! / sizes[c]!);
    }
    const larger = Math.max(within, nearest);
    if (larger > 0) total += (nearest - within) / larger;
  }
  return total / n;
}
