import { exp, sigmoid, softmaxInPlace } from "../math/elementary.ts";
import type { Design } from "./design.ts";
import type { ClustersPredictor, LinearPredictor, Link, Predictor } from "./predictor.ts";
import { ensembleScores, memberDesign } from "./score-ensemble.ts";
import { bayesScores } from "./score-bayes.ts";
import { neighborScores } from "./score-neighbors.ts";
import { networkScores } from "./score-network.ts";
import { addTrees } from "./score-trees.ts";

/** Raw scores of every row of a design, row-major, `predictor.outputs` a row. A row's score depends on that row alone. */
export function rawScores(predictor: Predictor, design: Design): Float64Array {
  switch (predictor.kind) {
    case "trees": {
      const scores = repeated(predictor.base, design.nRows);
      if (predictor.sums === undefined) {
        addTrees(predictor, design, scores);
        return scores;
      }
      const singles = Float32Array.from(scores);
      addTrees(predictor, design, singles);
      return Float64Array.from(singles);
    }
    case "linear": {
      const scores = repeated(predictor.intercept, design.nRows);
      addLinear(predictor, design, scores);
      return scores;
    }
    case "clusters":
      return nearestCentres(predictor, design);
    case "bayes":
      return bayesScores(predictor, design);
    case "network":
      return networkScores(predictor, design);
    case "neighbors":
      return neighborScores(predictor, design);
    case "ensemble":
      return ensembleScores(predictor, design.nRows, (m) =>
        outputsOf(predictor.members[m]!, memberDesign(predictor.spans, m, design)),
      );
  }
}

/** Outputs of every row of a design, row-major: values, or probabilities (of two labels the second's). */
export function outputsOf(predictor: Predictor, design: Design): Float64Array {
  const scores = rawScores(predictor, design);
  applyLink(predictor.link, scores, predictor.outputs);
  return scores;
}

/** Turns raw scores into outputs, in place: the score itself, its exponential, a probability, or K probabilities a row. */
export function applyLink(link: Link, scores: Float64Array, outputs: number): void {
  if (link === "log") for (let i = 0; i < scores.length; ++i) scores[i] = exp(scores[i]!);
  if (link === "sigmoid") for (let i = 0; i < scores.length; ++i) scores[i] = sigmoid(scores[i]!);
  if (link === "share") for (let i = 0; i < scores.length; i += outputs) sharesInPlace(scores, i, outputs);
  if (link === "softmax") for (let i = 0; i < scores.length; i += outputs) softmaxInPlace(scores, i, outputs);
}

/** Scores of one row to probabilities; one score alone is only cut to [0, 1]. */
function sharesInPlace(scores: Float64Array, at: number, outputs: number): void {
  let total = 0;
  for (let k = at; k < at + outputs; ++k) {
    scores[k] = Math.max(0, Math.min(1, scores[k]!));
    total += scores[k]!;
  }
  if (outputs === 1) return;
  for (let k = at; k < at + outputs; ++k) scores[k] = total > 0 ? scores[k]! / total : 1 / outputs;
}

function repeated(row: Float64Array, nRows: number): Float64Array {
  const out = new Float64Array(nRows * row.length);
  if (row.length === 1) return out.fill(row[0]!);
  for (let i = 0; i < out.length; i += row.length) out.set(row, i);
  return out;
}

/** Column by column over blocks of rows: each row still adds its dense terms in column order, then its sparse ones. */
function addLinear(predictor: LinearPredictor, design: Design, scores: Float64Array): void {
  const { outputs, nDense, nSparse, coefficients } = predictor;
  const { offsets, indices, values } = design.sparse;
  const width = nDense + nSparse;
  const blockRows = 1024;
  for (let start = 0; start < design.nRows; start += blockRows) {
    const end = Math.min(design.nRows, start + blockRows);
    for (let k = 0; k < outputs; ++k) {
      for (let j = 0; j < nDense; ++j) {
        const column = design.dense[j]!.values;
        const coefficient = coefficients[k * width + j]!;
        for (let row = start; row < end; ++row) scores[row * outputs + k]! += coefficient * column[row]!;
      }
      if (nSparse === 0) continue;
      const shift = k * width + nDense;
      for (let row = start; row < end; ++row) {
        let score = scores[row * outputs + k]!;
        for (let e = offsets[row]!; e < offsets[row + 1]!; ++e)
          score += coefficients[shift + indices[e]!]! * values[e]!;
        scores[row * outputs + k] = score;
      }
    }
  }
}

/**
 * Number of the nearest centre of each row, the lowest of equally near ones. Absent sparse entries are 0, so the
 * squared distance over sparse columns is the centre's own square plus (v - c)^2 - c^2 = v * (v - 2c) an entry.
 */
function nearestCentres(predictor: ClustersPredictor, design: Design): Float64Array {
  const { nDense, nSparse, centres } = predictor;
  const { offsets, indices, values } = design.sparse;
  const width = nDense + nSparse;
  const k = width === 0 ? 1 : centres.length / width;
  const sparseSquares = squaresOfSparseParts(predictor, k);
  const out = new Float64Array(design.nRows);
  for (let row = 0; row < design.nRows; ++row) {
    let nearest = Infinity;
    for (let centre = 0; centre < k; ++centre) {
      const shift = centre * width;
      let distance = 0;
      for (let j = 0; j < nDense; ++j) {
        const difference = design.dense[j]!.values[row]! - centres[shift + j]!;
        distance += difference * difference;
      }
      if (nSparse > 0) {
        distance += sparseSquares[centre]!;
        for (let e = offsets[row]!; e < offsets[row + 1]!; ++e)
          distance += values[e]! * (values[e]! - 2 * centres[shift + nDense + indices[e]!]!);
      }
      if (distance < nearest) {
        nearest = distance;
        out[row] = centre;
      }
    }
  }
  return out;
}

function squaresOfSparseParts({ nDense, nSparse, centres }: ClustersPredictor, k: number): Float64Array {
  const squares = new Float64Array(k);
  if (nSparse === 0) return squares;
  for (let centre = 0; centre < k; ++centre) {
    const shift = centre * (nDense + nSparse) + nDense;
    for (let j = shift; j < shift + nSparse; ++j) squares[centre]! += centres[j]! * centres[j]!;
  }
  return squares;
}
