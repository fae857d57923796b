import { argsort, sortFloat64 } from "../math/sort.ts";

/**
 * The smallest value that at least `share` of the weight does not exceed; halfway to the next where it is exactly that
 * share. Reorders `values` where there are no weights. 0 where there is no weight.
 */
export function weightedQuantile(values: Float64Array, weights: Float64Array | null, share: number): number {
  const n = values.length;
  if (weights === null) {
    sortFloat64(values);
    const position = share * n;
    const at = Math.max(0, Math.min(n - 1, Math.ceil(position) - 1));
    const isBetween = position === Math.floor(position) && position > 0 && at + 1 < n;
    return n === 0 ? 0 : isBetween ? (values[at]! + values[at + 1]!) / 2 : values[at]!;
  }
  const order = argsort(values);
  let total = 0;
  for (let i = 0; i < n; ++i) total += weights[order[i]!]!;
  if (!(total > 0)) return 0;
  let below = 0;
  for (let i = 0; i < n; ++i) {
    const weight = weights[order[i]!]!;
    below += weight;
    if (weight === 0 || below < share * total) continue;
    let next = i + 1;
    while (next < n && weights[order[next]!] === 0) ++next;
    const value = values[order[i]!]!;
    return below === share * total && next < n ? (value + values[order[next]!]!) / 2 : value;
  }
  return values[order[n - 1]!]!;
}
