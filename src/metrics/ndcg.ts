import { log } from "../math/elementary.ts";
import { type RowGroups, sortByScore } from "./row-groups.ts";

/** The largest relevance: its gain still is a whole number of 32 bits. */
export const mostRelevance = 31;

/** 2^relevance - 1. */
export const gains: Float64Array = gainsOf();

function gainsOf(): Float64Array {
  const out = new Float64Array(mostRelevance + 1);
  for (let relevance = 1; relevance <= mostRelevance; ++relevance) out[relevance] = 2 * out[relevance - 1]! + 1;
  return out;
}

/** 1 / log2(place + 2) of the first `count` places, numbered from 0. */
export function placeDiscounts(count: number): Float64Array {
  const ln2 = log(2);
  return Float64Array.from({ length: count }, (_, place) => ln2 / log(place + 2));
}

/** The places that ndcg counts: those a person looks at. */
export const ndcgPlaces = 10;

/** The first value that is no relevance, a whole number from 0 to 31; undefined where all are. */
export function firstIrrelevance(values: Float64Array): number | undefined {
  return values.find((value) => !(Number.isInteger(value) && value >= 0 && value <= mostRelevance));
}

/**
 * Discounted gain of the rows order[from..to), which are sorted by descending score, over the first places that `discounts` has.
 * Rows of equal score share the mean of their gains: the expected value over all their orders (McSherry and Najork 2008).
 */
export function dcgOf(
  order: Uint32Array,
  from: number,
  to: number,
  scores: Float64Array,
  relevance: Float64Array,
  discounts: Float64Array,
): number {
  const last = Math.min(to, from + discounts.length);
  let total = 0;
  for (let start = from, end = from; start < last; start = end) {
    const score = scores[order[start]!]!;
    let gain = 0;
    while (end < to && scores[order[end]!] === score) gain += gains[relevance[order[end++]!]!]!;
    let discount = 0;
    for (let place = start; place < Math.min(end, last); ++place) discount += discounts[place - from]!;
    total += (gain / (end - start)) * discount;
  }
  return total;
}

/** The largest discounted gain that any order of the rows order[from..to) has. */
export function idealDcg(
  order: Uint32Array,
  from: number,
  to: number,
  relevance: Float64Array,
  discounts: Float64Array,
): number {
  const counts = new Uint32Array(mostRelevance + 1);
  for (let i = from; i < to; ++i) counts[relevance[order[i]!]!]! += 1;
  let total = 0;
  let place = 0;
  for (let level = mostRelevance; level > 0; --level) {
    for (let rest = counts[level]!; rest > 0 && place < discounts.length; --rest)
      total += gains[level]! * discounts[place++]!;
  }
  return total;
}

/**
 * Normalised discounted cumulative gain of each group over its first `places` places: gains 2^relevance - 1, discounts
 * log2(place + 1), ties in their expected order. NaN for a group without a relevant row. Equals scikit-learn's ndcg_score of the gains.
 */
export function ndcgOfGroups(
  relevance: Float64Array,
  scores: Float64Array,
  { order, starts }: RowGroups,
  places: number = ndcgPlaces,
): Float64Array {
  const discounts = placeDiscounts(places);
  const sorted = order.slice();
  const out = new Float64Array(starts.length - 1);
  for (let g = 0; g < out.length; ++g) {
    const [from, to] = [starts[g]!, starts[g + 1]!];
    sortByScore(sorted, from, to, scores);
    out[g] = dcgOf(sorted, from, to, scores, relevance, discounts) / idealDcg(sorted, from, to, relevance, discounts);
  }
  return out;
}
