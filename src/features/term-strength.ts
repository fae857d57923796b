import type { Target } from "../model/estimator.ts";
import { findTerms, indexTerms } from "../model/text-terms.ts";

/**
 * The `limit` terms whose presence explains most of the target: by the drop of squared error when each text is given
 * the mean target of the texts with (or without) the term, summed over labels where there are more than two. Without a
 * target the commonest terms. Equally strong terms keep the order of `terms`.
 */
export function strongestTerms(
  texts: readonly (string | null)[],
  terms: readonly string[],
  ngrams: number,
  target: Target,
  limit: number,
): string[] {
  if (terms.length <= limit || target.values.length === 0) return terms.slice(0, limit);
  const nClasses = target.task === "multiclass" ? target.nLabels : 1;
  const { counts, sums } = sumByTerm(texts, terms, ngrams, target, nClasses);
  const nAll = texts.length;
  const totals = sumOfAll(target, nClasses);
  const strength = Float64Array.from(terms, (_, term) => {
    const n = counts[term]!;
    if (n === 0 || n === nAll) return 0;
    let drop = 0;
    for (let k = 0; k < nClasses; ++k) {
      const difference = sums[term * nClasses + k]! / n - (totals[k]! - sums[term * nClasses + k]!) / (nAll - n);
      drop += ((n * (nAll - n)) / nAll) * difference * difference;
    }
    return drop;
  });
  return Array.from(terms, (_, term) => term)
    .sort((a, b) => strength[b]! - strength[a]! || a - b)
    .slice(0, limit)
    .map((term) => terms[term]!);
}

function sumByTerm(
  texts: readonly (string | null)[],
  terms: readonly string[],
  ngrams: number,
  target: Target,
  nClasses: number,
): { counts: Float64Array; sums: Float64Array } {
  const index = indexTerms(terms, ngrams);
  const counts = new Float64Array(terms.length);
  const sums = new Float64Array(terms.length * nClasses);
  texts.forEach((text, row) => {
    if (text === null) return;
    const found = findTerms(text, index);
    const value = target.values[row]!;
    for (let i = 0; i < found.length; ++i) {
      const term = found[i]!;
      if (i > 0 && found[i - 1] === term) continue;
      ++counts[term]!;
      if (nClasses === 1) sums[term]! += value;
      else ++sums[term * nClasses + value]!;
    }
  });
  return { counts, sums };
}

function sumOfAll({ values }: Target, nClasses: number): Float64Array {
  const totals = new Float64Array(nClasses);
  for (const value of values) {
    if (nClasses === 1) totals[0]! += value;
    else ++totals[value]!;
  }
  return totals;
}
