import { argsort } from "../math/sort.ts";

/**
 * Spearman's rank correlation of two scores of the same rows, equal values taking the mean of their ranks: 1 where they order
 * the rows alike. NaN where one of them is constant. "stability" of anomaly scores is this between two fits. Equals
 * SciPy's spearmanr.
 */
export function rankCorrelation(one: Float64Array, other: Float64Array): number {
  const a = centredRanks(one);
  const b = centredRanks(other);
  let [together, ofOne, ofOther] = [0, 0, 0];
  for (let i = 0; i < a.length; ++i) {
    together += a[i]! * b[i]!;
    ofOne += a[i]! * a[i]!;
    ofOther += b[i]! * b[i]!;
  }
  return together / Math.sqrt(ofOne * ofOther);
}

/** Ranks from 0, equal values sharing their mean, less the mean of all. */
function centredRanks(values: Float64Array): Float64Array {
  const order = argsort(values);
  const ranks = new Float64Array(values.length);
  for (let from = 0, to = 1; from < order.length; from = to++) {
    while (to < order.length && values[order[to]!] === values[order[from]!]) ++to;
    for (let i = from; i < to; ++i) ranks[order[i]!] = (from + to - 1) / 2 - (order.length - 1) / 2;
  }
  return ranks;
}
