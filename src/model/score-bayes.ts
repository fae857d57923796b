import type { Design } from "./design.ts";
import type { BayesPredictor } from "./predictor.ts";

/** Raw scores of naive Bayes, row-major: a log joint probability a label, or of two labels their difference. */
export function bayesScores(predictor: BayesPredictor, design: Design): Float64Array {
  const { outputs, nDense, nSparse, intercept, means, precisions, coefficients } = predictor;
  const labels = intercept.length;
  const { offsets, indices, values } = design.sparse;
  const columns = design.dense.map((column) => column.values);
  const joint = new Float64Array(labels);
  const scores = new Float64Array(design.nRows * outputs);
  for (let row = 0; row < design.nRows; ++row) {
    for (let k = 0; k < labels; ++k) {
      let sum = intercept[k]!;
      for (let j = 0; j < nDense; ++j) {
        const difference = columns[j]![row]! - means[k * nDense + j]!;
        sum -= (precisions[k * nDense + j]! / 2) * difference * difference;
      }
      if (nSparse > 0)
        for (let e = offsets[row]!; e < offsets[row + 1]!; ++e)
          sum += coefficients[k * nSparse + indices[e]!]! * values[e]!;
      joint[k] = sum;
    }
    if (outputs === 1) scores[row] = joint[1]! - joint[0]!;
    else scores.set(joint, row * outputs);
  }
  return scores;
}
