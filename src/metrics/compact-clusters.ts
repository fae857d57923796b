import type { Labels } from "./labels.ts";

/** Clusters renumbered 0..k-1 by first appearance, so that gaps in the numbering do not matter. */
export function compactClusters(assigned: Labels): { numbers: Uint32Array; sizes: number[] } {
  const positions = new Map<number, number>();
  const sizes: number[] = [];
  const numbers = new Uint32Array(assigned.length);
  for (let i = 0, n = assigned.length; i < n; ++i) {
    let at = positions.get(assigned[i]!);
    if (at === undefined) {
      at = sizes.length;
      positions.set(assigned[i]!, at);
      sizes.push(0);
    }
    numbers[i] = at;
    sizes[at]! += 1;
  }
  return { numbers, sizes };
}
