/**
 * Isotonic regression by pooling adjacent violators (Ayer et al. 1955): the ascending values of least weighted squared
 * distance from `values` in the order of `scores`, as knots x, y side by side: both ends of every run of equal values.
 * Equal scores count as one row. Between knots lies a line.
 */
export function fitIsotonic(scores: Float64Array, values: Float64Array, weights: Float64Array | null): Float64Array {
  const order = Uint32Array.from(scores.keys()).sort((a, b) => scores[a]! - scores[b]!);
  const runs: Run[] = [];
  for (const row of order) {
    const weight = weights === null ? 1 : weights[row]!;
    if (weight === 0) continue;
    const last = runs.at(-1);
    if (last && last.low === last.high && last.high === scores[row]) {
      last.sum += weight * values[row]!;
      last.weight += weight;
    } else {
      pool(runs);
      runs.push({ low: scores[row]!, high: scores[row]!, sum: weight * values[row]!, weight });
    }
  }
  pool(runs);
  const knots = runs.flatMap(({ low, high, sum, weight }) => {
    const value = sum / weight;
    return low === high ? [low, value] : [low, value, high, value];
  });
  return Float64Array.from(knots);
}

interface Run {
  readonly low: number;
  high: number;
  sum: number;
  weight: number;
}

/** Joins the last run with those before it until their means ascend. */
function pool(runs: Run[]): void {
  for (let last = runs.length - 1; last > 0; --last) {
    const [before, after] = [runs[last - 1]!, runs[last]!];
    if (before.sum / before.weight < after.sum / after.weight) return;
    before.high = after.high;
    before.sum += after.sum;
    before.weight += after.weight;
    runs.pop();
  }
}
