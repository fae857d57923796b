import { type RowGroups, sortByScore } from "./row-groups.ts";

/** A stretch of rows of equal score, in the order of a group. */
interface Tie {
  /** Rows before it. */
  readonly before: number;
  readonly size: number;
  /** Rows of relevance above 0: before it, and in it. */
  readonly relevantBefore: number;
  readonly relevant: number;
}

/**
 * Mean average precision, group by group: the mean, over the rows of relevance above 0, of the share of such rows from the first
 * place to theirs. Ties in their expected order. NaN for a group without a relevant row.
 */
export function averagePrecisionOfGroups(
  relevance: Float64Array,
  scores: Float64Array,
  groups: RowGroups,
): Float64Array {
  return eachGroup(relevance, scores, groups, (ties, relevant) => {
    let total = 0;
    for (const tie of ties) total += precisionOfTie(tie);
    return total / relevant;
  });
}

/** Expected sum of the precisions at the relevant rows of a tie: place i holds one with chance r / t, and then r - 1 of the other t - 1 rows are, too. */
function precisionOfTie({ before, size, relevantBefore, relevant }: Tie): number {
  let total = 0;
  const density = size > 1 ? (relevant - 1) / (size - 1) : 0;
  for (let i = 0; i < size && relevant > 0; ++i)
    total += ((relevant / size) * (relevantBefore + 1 + i * density)) / (before + i + 1);
  return total;
}

/**
 * Reciprocal rank, group by group: one over the place of the first row of relevance above 0. Ties in their expected
 * order. NaN for a group without a relevant row.
 */
export function reciprocalRankOfGroups(relevance: Float64Array, scores: Float64Array, groups: RowGroups): Float64Array {
  return eachGroup(relevance, scores, groups, (ties) => {
    const first = ties.find((tie) => tie.relevant > 0);
    return first ? reciprocalRankOfTie(first) : Number.NaN;
  });
}

/** Each place of the tie is the first relevant one with the chance that none before it was. */
function reciprocalRankOfTie({ before, size, relevant }: Tie): number {
  let total = 0;
  let none = 1;
  for (let i = 0; i <= size - relevant; ++i) {
    const chance = relevant / (size - i);
    total += (none * chance) / (before + i + 1);
    none *= 1 - chance;
  }
  return total;
}

function eachGroup(
  relevance: Float64Array,
  scores: Float64Array,
  { order, starts }: RowGroups,
  measure: (ties: readonly Tie[], relevant: number) => number,
): Float64Array {
  const sorted = order.slice();
  const out = new Float64Array(starts.length - 1);
  for (let g = 0; g < out.length; ++g) {
    const [from, to] = [starts[g]!, starts[g + 1]!];
    sortByScore(sorted, from, to, scores);
    const ties: Tie[] = [];
    let relevantBefore = 0;
    for (let start = from, end = from; start < to; start = end) {
      let relevant = 0;
      while (end < to && scores[sorted[end]!] === scores[sorted[start]!])
        if (relevance[sorted[end++]!]! > 0) ++relevant;
      ties.push({ before: start - from, size: end - start, relevantBefore, relevant });
      relevantBefore += relevant;
    }
    out[g] = relevantBefore > 0 ? measure(ties, relevantBefore) : Number.NaN;
  }
  return out;
}
