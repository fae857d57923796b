/** Rows by the group they are ordered within: those of group g are order[starts[g]] to order[starts[g + 1] - 1]. */
export interface RowGroups {
  readonly order: Uint32Array;
  readonly starts: Uint32Array;
}

/** The rows of each group in ascending order; `groups` numbers the group of each row from 0. */
export function rowsByGroup(groups: Uint32Array): RowGroups {
  let count = 0;
  for (const group of groups) if (group >= count) count = group + 1;
  const starts = new Uint32Array(count + 1);
  for (const group of groups) starts[group + 1]! += 1;
  for (let g = 0; g < count; ++g) starts[g + 1]! += starts[g]!;
  const next = starts.slice();
  const order = new Uint32Array(groups.length);
  for (let row = 0; row < groups.length; ++row) order[next[groups[row]!]!++] = row;
  return { order, starts };
}

/** Moves an insertion sort may make a row before another sort takes over. */
const movesARow = 8;

/**
 * Sorts the rows order[from..to) by descending score, equal ones by their number. What is in order but for a few rows, as
 * from round to round of boosting, takes one pass.
 */
export function sortByScore(order: Uint32Array, from: number, to: number, scores: Float64Array): void {
  let moves = movesARow * (to - from);
  for (let i = from + 1; i < to; ++i) {
    const row = order[i]!;
    const score = scores[row]!;
    let j = i - 1;
    for (; j >= from; --j, --moves) {
      const other = order[j]!;
      if (scores[other]! > score || (scores[other] === score && other < row)) break;
      order[j + 1] = other;
    }
    order[j + 1] = row;
    if (moves < 0) {
      order.subarray(from, to).sort((a, b) => scores[b]! - scores[a]! || a - b);
      return;
    }
  }
}

/** The mean of one value a group, by the weight of the group; groups whose value is NaN are left out. NaN where all are. */
export function meanOfGroups(values: Float64Array, weights: Float64Array | null): number {
  let sum = 0;
  let total = 0;
  for (let g = 0; g < values.length; ++g) {
    const value = values[g]!;
    if (value !== value) continue;
    const weight = weights === null ? 1 : weights[g]!;
    sum += weight * value;
    total += weight;
  }
  return sum / total;
}

/** The weight of each group: the mean weight of its rows. Null where rows have none. */
export function weightsOfGroups({ order, starts }: RowGroups, weights: Float64Array | null): Float64Array | null {
  if (weights === null) return null;
  const out = new Float64Array(starts.length - 1);
  for (let g = 0; g < out.length; ++g) out[g] = meanWeight(order, starts[g]!, starts[g + 1]!, weights);
  return out;
}

/** The mean weight of the rows order[from..to). */
export function meanWeight(order: Uint32Array, from: number, to: number, weights: Float64Array): number {
  let total = 0;
  for (let i = from; i < to; ++i) total += weights[order[i]!]!;
  return total / (to - from);
}
