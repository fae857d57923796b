import { log } from "../../math/elementary.ts";
import type { Design } from "../../model/design.ts";
import type { Target } from "../../model/estimator.ts";

export interface Normals {
  /** Row-major, labels rows of dense columns. */
  readonly means: Float64Array;
  readonly variances: Float64Array;
}

/**
 * Weighted mean and variance of every dense column under every label, and of all rows for a label without any. Sums are of
 * differences from the column's first value, then from the mean, so that a constant column has variance 0 exactly.
 */
export function fitNumbers(design: Design, target: Target, totals: Float64Array, smoothing: number): Normals {
  const nDense = design.dense.length;
  const { nLabels } = target;
  const means = new Float64Array(nLabels * nDense);
  const variances = new Float64Array(nLabels * nDense);
  const everyRow = { ...target, nLabels: 1, values: new Float64Array(design.nRows) };
  const total = Float64Array.of(totals.reduce((sum, weight) => sum + weight, 0));
  let largest = 0;
  design.dense.forEach(({ values }, j) => {
    const whole = momentsByLabel(values, everyRow, total);
    const own = momentsByLabel(values, target, totals);
    largest = Math.max(largest, whole.variances[0]!);
    for (let k = 0; k < nLabels; ++k) {
      const from = totals[k]! > 0 ? own : whole;
      const label = totals[k]! > 0 ? k : 0;
      means[k * nDense + j] = from.means[label]!;
      variances[k * nDense + j] = from.variances[label]!;
    }
  });
  const added = smoothing * (largest > 0 ? largest : 1);
  for (let i = 0; i < variances.length; ++i) variances[i]! += added;
  return { means, variances };
}

function momentsByLabel(values: Float64Array, target: Target, totals: Float64Array): Normals {
  const { nLabels, values: labels, weights } = target;
  const means = new Float64Array(nLabels);
  const variances = new Float64Array(nLabels);
  const first = values.length > 0 ? values[0]! : 0;
  for (let row = 0; row < values.length; ++row)
    means[labels[row]!]! += (weights === null ? 1 : weights[row]!) * (values[row]! - first);
  for (let k = 0; k < nLabels; ++k) means[k] = first + (totals[k]! > 0 ? means[k]! / totals[k]! : 0);
  for (let row = 0; row < values.length; ++row) {
    const label = labels[row]!;
    const difference = values[row]! - means[label]!;
    variances[label]! += (weights === null ? 1 : weights[row]!) * difference * difference;
  }
  for (let k = 0; k < nLabels; ++k) if (totals[k]! > 0) variances[k]! /= totals[k]!;
  return { means, variances };
}

/**
 * log P(entry | label, source) of every sparse column, row-major: the columns of one source share a multinomial, whose
 * counts are raised by `smoothing`. One-hot levels make categorical naive Bayes of it, terms multinomial.
 */
export function fitLevels({ nRows, sparse }: Design, target: Target, smoothing: number): Float64Array {
  const { names, sources, offsets, indices, values } = sparse;
  const nSparse = names.length;
  const counts = new Float64Array(target.nLabels * nSparse).fill(smoothing);
  if (nSparse === 0) return counts;
  for (let row = 0; row < nRows; ++row) {
    const weight = target.weights === null ? 1 : target.weights[row]!;
    const from = target.values[row]! * nSparse;
    for (let e = offsets[row]!; e < offsets[row + 1]!; ++e) counts[from + indices[e]!]! += weight * values[e]!;
  }
  const positions = new Map([...new Set(sources)].map((source, i) => [source, i]));
  const group = Uint32Array.from(sources, (source) => positions.get(source)!);
  for (let from = 0; from < counts.length; from += nSparse) {
    const sums = new Float64Array(positions.size);
    for (let s = 0; s < nSparse; ++s) sums[group[s]!]! += counts[from + s]!;
    for (let s = 0; s < nSparse; ++s) counts[from + s] = log(counts[from + s]! / sums[group[s]!]!);
  }
  return counts;
}
