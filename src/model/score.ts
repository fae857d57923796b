import { exp, sigmoid, softmaxInPlace } from "../math/elementary.ts";
import type { Design } from "./design.ts";
import type { Link, Predictor } from "./predictor.ts";
import { ensembleScores, memberDesign } from "./score-ensemble.ts";
import { bayesScores } from "./score-bayes.ts";
import { nearestCentres } from "./score-clusters.ts";
import { addLinear } from "./score-linear.ts";
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
