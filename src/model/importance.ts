import { layoutOf } from "./apply.ts";
import type { FittedFeature } from "./fitted-transform.ts";
import type { Model } from "./model.ts";
import type {
  BayesPredictor,
  ClustersPredictor,
  EnsemblePredictor,
  LinearPredictor,
  NeighborsPredictor,
  Predictor,
  TreesPredictor,
} from "./predictor.ts";
import { pathSizes } from "./network-paths.ts";
import { spanOf } from "./score-ensemble.ts";
import type { ReferenceProfile } from "./reference-profile.ts";

export interface FeatureImportance {
  /** A contract column or a derived feature. */
  readonly feature: string;
  /** Share of all importance, 0 to 1. */
  readonly importance: number;
}

/**
 * How much each feature counts in the model, the most important first. Trees: its share of the loss all splits took
 * away. Linear: |coefficient| times the spread of the prepared column, summed over labels. Clusters: the share of the
 * centres' variance along its columns. Naive Bayes: how far the labels' means lie apart in their standard deviations, and
 * for sparse columns how far their log probabilities do, times the spread of the column. Networks: the sizes of the weights
 * on all ways from the prepared column to the scores (Garson 1991), times its spread. Neighbors: the share of squared
 * distances between rows that its columns make up. Ensembles: the mean of their members' shares.
 */
export function importanceOf(model: Model): FeatureImportance[] {
  const layout = layoutOf(model.features);
  const { predictor, features, reference } = model;
  const nColumns = layout.dense.length + layout.sparseNames.length;
  const weights = columnWeights(predictor, { nDense: layout.dense.length, nColumns }, () =>
    spreads(features, reference),
  );
  const sources = [...layout.dense.map(({ source }) => source), ...layout.sparseSources];
  const sums = new Map(model.features.map(({ feature }) => [feature, 0]));
  let total = 0;
  sources.forEach((source, column) => {
    sums.set(source, sums.get(source)! + weights[column]!);
    total += weights[column]!;
  });
  return [...sums]
    .map(([feature, sum]) => ({ feature, importance: total > 0 ? sum / total : 0 }))
    .sort((a, b) => b.importance - a.importance);
}

interface Widths {
  readonly nDense: number;
  readonly nColumns: number;
}

/** `spread` gives the standard deviation of each design column over training rows. */
function columnWeights(
  predictor: Predictor,
  { nDense, nColumns }: Widths,
  spread: () => readonly number[],
): Float64Array {
  switch (predictor.kind) {
    case "trees":
      return gains(predictor, nColumns);
    case "linear":
      return effects(predictor, spread());
    case "clusters":
      return variances(predictor, nColumns);
    case "bayes":
      return separations(predictor, spread());
    case "network": {
      const own = spread();
      return pathSizes(predictor).map((size, column) => size * own[column]!);
    }
    case "neighbors":
      return scatters(predictor, nColumns);
    case "ensemble":
      return shares(predictor, { nDense, nColumns }, spread);
  }
}

/** The mean of the members' shares; in a blend, by their weights. */
function shares(
  { members, spans, method, weights }: EnsemblePredictor,
  { nDense, nColumns }: Widths,
  spread: () => readonly number[],
): Float64Array {
  const out = new Float64Array(nColumns);
  members.forEach((member, m) => {
    const [denseFrom, denseTo, from, to] = spanOf(spans, m);
    const columns = [...range(denseFrom, denseTo), ...range(nDense + from, nDense + to)];
    const own = columnWeights(member, { nDense: denseTo - denseFrom, nColumns: columns.length }, () => {
      const all = spread();
      return columns.map((column) => all[column]!);
    });
    const total = own.reduce((sum, weight) => sum + weight, 0);
    const weight = method === "blend" ? weights[m]! : 1;
    if (total > 0) own.forEach((value, i) => (out[columns[i]!]! += (weight * value) / total));
  });
  return out;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

function gains({ feature, gain }: TreesPredictor, nColumns: number): Float64Array {
  const out = new Float64Array(nColumns);
  for (let node = 0; node < feature.length; ++node) if (feature[node]! >= 0) out[feature[node]!]! += gain[node]!;
  return out;
}

function effects({ coefficients, outputs }: LinearPredictor, spread: readonly number[]): Float64Array {
  const nColumns = spread.length;
  const out = new Float64Array(nColumns);
  for (let k = 0; k < outputs; ++k)
    for (let column = 0; column < nColumns; ++column)
      out[column]! += Math.abs(coefficients[k * nColumns + column]!) * spread[column]!;
  return out;
}

function variances({ centres }: ClustersPredictor, nColumns: number): Float64Array {
  const out = new Float64Array(nColumns);
  const k = centres.length / nColumns;
  for (let column = 0; column < nColumns; ++column) {
    let mean = 0;
    for (let centre = 0; centre < k; ++centre) mean += centres[centre * nColumns + column]! / k;
    for (let centre = 0; centre < k; ++centre) out[column]! += (centres[centre * nColumns + column]! - mean) ** 2;
  }
  return out;
}

/** The variance of every column over the stored rows: half of what it adds to their squared distances, on average. */
function scatters(
  { nDense, points, values, offsets, indices, entries }: NeighborsPredictor,
  nColumns: number,
): Float64Array {
  const n = values.length;
  const sums = new Float64Array(nColumns);
  const squares = new Float64Array(nColumns);
  const add = (column: number, value: number): void => {
    sums[column]! += value;
    squares[column]! += value * value;
  };
  for (let i = 0; i < n * nDense; ++i) add(i % nDense, points[i]!);
  for (let e = 0; e < offsets[n]!; ++e) add(nDense + indices[e]!, entries[e]!);
  return squares.map((square, column) => Math.max(0, square / n - (sums[column]! / n) ** 2));
}

function separations(bayes: BayesPredictor, spread: readonly number[]): Float64Array {
  const { nDense, nSparse, intercept, means, precisions, coefficients } = bayes;
  const labels = Array.from(intercept.keys());
  const out = new Float64Array(nDense + nSparse);
  for (let j = 0; j < nDense; ++j) {
    const precision = labels.reduce((sum, k) => sum + precisions[k * nDense + j]!, 0) / labels.length;
    out[j] = deviation(labels.map((k) => means[k * nDense + j]!)) * Math.sqrt(precision);
  }
  for (let s = 0; s < nSparse; ++s)
    out[nDense + s] = deviation(labels.map((k) => coefficients[k * nSparse + s]!)) * spread[nDense + s]!;
  return out;
}

/** Standard deviation each design column has over training rows, dense columns before sparse ones. */
function spreads(features: readonly FittedFeature[], reference: ReferenceProfile | null): number[] {
  const dense: number[] = [];
  const sparse: number[] = [];
  for (const feature of features) {
    const { width, own, isSparse } = spreadOf(feature, reference);
    (isSparse ? sparse : dense).push(...Array.from({ length: width }, (_, i) => own(i)));
    if (feature.steps.some((step) => step.kind === "impute" && step.indicator))
      dense.push(ofShare(referenceFor(feature.feature, reference)?.missing));
  }
  return [...dense, ...sparse];
}

interface Spread {
  readonly width: number;
  readonly own: (column: number) => number;
  readonly isSparse: boolean;
}

/** Scaled columns have deviation 1; a 0/1 column has that of its share; entries of rows of length 1 have 1 / sqrt(columns). */
function spreadOf({ feature, steps }: FittedFeature, reference: ReferenceProfile | null): Spread {
  const shareOfLevel = shareByLevel(feature, reference);
  let spread: Spread = { width: 1, own: () => ofShare(shareOfLevel("true")), isSparse: false };
  for (const step of steps) {
    if (step.kind === "oneHot") {
      const own = (column: number): number => ofShare(shareOfLevel(step.levels[column]));
      spread = { width: step.levels.length + (step.other ? 1 : 0), own, isSparse: true };
    } else if (step.kind === "tfidf") {
      const { length } = step.terms;
      spread = { width: length, own: () => 1 / Math.sqrt(length), isSparse: !step.dense };
    } else if (step.kind === "targetEncode") spread = { ...spread, own: () => deviation(step.values) };
    else if (step.kind === "cyclic") spread = { width: 2, own: () => Math.SQRT1_2, isSparse: false };
    else if (step.kind === "timeParts") spread = { width: step.parts.length, own: () => 1, isSparse: false };
    else if (step.kind === "standardize") spread = { ...spread, own: () => 1 };
  }
  return spread;
}

function referenceFor(
  feature: string,
  reference: ReferenceProfile | null,
): ReferenceProfile["columns"][number] | undefined {
  return reference?.columns.find(({ column }) => column === feature);
}

function shareByLevel(
  feature: string,
  reference: ReferenceProfile | null,
): (level: string | undefined) => number | undefined {
  const own = referenceFor(feature, reference);
  if (own?.form !== "levels") return () => undefined;
  const shares = new Map(own.levels.map((level, i) => [level, own.shares[i]!]));
  return (level) => (level === undefined ? own.other : (shares.get(level) ?? own.other));
}

/** Deviation of a 0/1 column; where the share is not known, the largest there is. */
function ofShare(share: number | undefined): number {
  return share === undefined ? 0.5 : Math.sqrt(Math.max(0, share * (1 - share)));
}

function deviation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.length > 0 ? Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) : 0;
}
