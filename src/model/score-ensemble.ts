import { log, sigmoid } from "../math/elementary.ts";
import { emptySparseBlock, takeValues, type Design, type SparseBlock } from "./design.ts";
import type { EnsemblePredictor } from "./predictor.ts";

/** Probabilities are held this far from 0 and 1 before their log odds are taken. */
const leastProbability = 1e-12;

/** What member `m` reads of an ensemble's design. */
export function memberDesign(spans: Uint32Array, m: number, { nRows, dense, sparse }: Design): Design {
  const [denseFrom, denseTo, from, to] = spanOf(spans, m);
  const own = dense.slice(denseFrom, denseTo);
  if (from === to) return { nRows, dense: own, sparse: emptySparseBlock(nRows) };
  return { nRows, dense: own, sparse: to - from === sparse.names.length ? sparse : sparseSpan(sparse, from, to) };
}

type Span = readonly [denseFrom: number, denseTo: number, sparseFrom: number, sparseTo: number];

/** The columns member `m` reads. */
export function spanOf(spans: Uint32Array, m: number): Span {
  return [spans[4 * m]!, spans[4 * m + 1]!, spans[4 * m + 2]!, spans[4 * m + 3]!];
}

function sparseSpan({ names, sources, offsets, indices, values }: SparseBlock, from: number, to: number): SparseBlock {
  const own = new Uint32Array(offsets.length);
  const isInside = (e: number): boolean => indices[e]! >= from && indices[e]! < to;
  for (let row = 0; row + 1 < offsets.length; ++row) {
    own[row + 1] = own[row]!;
    for (let e = offsets[row]!; e < offsets[row + 1]!; ++e) if (isInside(e)) own[row + 1]! += 1;
  }
  const kept = Uint32Array.from(indices.keys()).filter(isInside);
  return {
    names: names.slice(from, to),
    sources: sources.slice(from, to),
    offsets: own,
    indices: kept.map((e) => indices[e]! - from),
    values: takeValues(values, kept),
  };
}

/**
 * Raw scores of an ensemble from its members' answers, `answersOf(m)` row-major, `outputs` a row: values, or probabilities (of
 * two labels the second's).
 */
export function ensembleScores(
  predictor: EnsemblePredictor,
  nRows: number,
  answersOf: (member: number) => Float64Array,
): Float64Array {
  const { method, outputs, members } = predictor;
  const scores = new Float64Array(nRows * outputs);
  if (method === "stack") for (let i = 0; i < scores.length; ++i) scores[i] = predictor.intercept[i % outputs]!;
  for (let m = 0; m < members.length; ++m) {
    const answers = answersOf(m);
    if (method === "blend") addWeighted(scores, answers, predictor.weights[m]!);
    else if (method === "stack") addTerms(predictor, m, answers, scores);
    else for (let i = 0; i < scores.length; ++i) scores[i] = calibrated(predictor, i % outputs, answers[i]!);
  }
  return scores;
}

function addWeighted(scores: Float64Array, answers: Float64Array, weight: number): void {
  for (let i = 0; i < scores.length; ++i) scores[i]! += weight * answers[i]!;
}

/** weights[k, m * outputs + j] times answer j of member m to score k. */
function addTerms(
  { outputs, members, weights }: EnsemblePredictor,
  m: number,
  answers: Float64Array,
  scores: Float64Array,
): void {
  const width = members.length * outputs;
  for (let row = 0; row < scores.length; row += outputs)
    for (let k = 0; k < outputs; ++k)
      for (let j = 0; j < outputs; ++j) scores[row + k]! += weights[k * width + m * outputs + j]! * answers[row + j]!;
}

function calibrated(
  { method, weights, intercept, knotOffsets, knots }: EnsemblePredictor,
  k: number,
  p: number,
): number {
  if (method === "platt") return sigmoid(weights[k]! * logOdds(p) + intercept[k]!);
  return interpolate(knots, knotOffsets[k]!, knotOffsets[k + 1]!, p);
}

/** Natural logarithm of p / (1 - p), p held within [1e-12, 1 - 1e-12]. */
export function logOdds(p: number): number {
  const held = Math.min(1 - leastProbability, Math.max(leastProbability, p));
  return p !== p ? Number.NaN : log(held) - log(1 - held);
}

/** On the line through knots (x, y side by side) from `from` to `to`, x ascending; beyond the ends as at them. */
function interpolate(knots: Float64Array, from: number, to: number, x: number): number {
  if (x !== x) return Number.NaN;
  if (x <= knots[from]!) return knots[from + 1]!;
  if (x >= knots[to - 2]!) return knots[to - 1]!;
  let low = from;
  let high = to - 2;
  while (high - low > 2) {
    const middle = low + 2 * ((high - low) >> 2);
    if (knots[middle]! <= x) low = middle;
    else high = middle;
  }
  const share = (x - knots[low]!) / (knots[high]! - knots[low]!);
  return knots[low + 1]! + share * (knots[high + 1]! - knots[low + 1]!);
}
