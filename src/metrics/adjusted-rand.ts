import { compactClusters } from "./compact-clusters.ts";
import type { Labels } from "./labels.ts";

/**
 * Adjusted Rand index of two clusterings of the same rows: 1 where they agree but for the numbering, about 0 where they
 * agree by chance only. "stability" is this between two fits. Equals scikit-learn's adjusted_rand_score.
 */
export function adjustedRand(one: Labels, other: Labels): number {
  const a = compactClusters(one);
  const b = compactClusters(other);
  const together = new Map<number, number>();
  for (let i = 0, n = one.length; i < n; ++i) {
    const cell = a.numbers[i]! * b.sizes.length + b.numbers[i]!;
    together.set(cell, (together.get(cell) ?? 0) + 1);
  }
  // pairs of rows (ordered) that share a cluster: in both, in `one`, in `other`
  const both = squareSum(together.values()) - one.length;
  const inOne = squareSum(a.sizes) - one.length;
  const inOther = squareSum(b.sizes) - one.length;
  const onlyOne = inOne - both;
  const onlyOther = inOther - both;
  if (onlyOne === 0 && onlyOther === 0) return 1;
  const neither = one.length * (one.length - 1) - both - onlyOne - onlyOther;
  return (
    (2 * (both * neither - onlyOne * onlyOther)) /
    ((both + onlyOne) * (onlyOne + neither) + (both + onlyOther) * (onlyOther + neither))
  );
}

function squareSum(counts: Iterable<number>): number {
  let total = 0;
  for (const count of counts) total += count * count;
  return total;
}
