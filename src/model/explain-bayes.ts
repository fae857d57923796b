import type { Design } from "./design.ts";
import type { ContributionSums } from "./explain-trees.ts";
import type { BayesPredictor } from "./predictor.ts";

/** The score where every dense value is the mean of its label and no sparse entry stands. */
export function bayesBase({ outputs, intercept }: BayesPredictor): Float64Array {
  return outputs === 1 ? Float64Array.of(intercept[1]! - intercept[0]!) : intercept.slice();
}

/** Adds what each column added to the row's scores: its log likelihood under the label, of two labels the difference. */
export function addBayesTerms(
  predictor: BayesPredictor,
  design: Design,
  { values, groupOf, nGroups }: ContributionSums,
): void {
  const { outputs, nDense, nSparse, intercept, means, precisions, coefficients } = predictor;
  const { offsets, indices, values: entries } = design.sparse;
  for (let row = 0; row < design.nRows; ++row) {
    for (let k = 0; k < intercept.length; ++k) {
      const sign = outputs === 1 && k === 0 ? -1 : 1;
      const target = (row * outputs + (outputs === 1 ? 0 : k)) * nGroups;
      for (let j = 0; j < nDense; ++j) {
        const difference = design.dense[j]!.values[row]! - means[k * nDense + j]!;
        values[target + groupOf[j]!]! -= sign * (precisions[k * nDense + j]! / 2) * difference * difference;
      }
      for (let e = nSparse > 0 ? offsets[row]! : 0, end = nSparse > 0 ? offsets[row + 1]! : 0; e < end; ++e)
        values[target + groupOf[nDense + indices[e]!]!]! +=
          sign * coefficients[k * nSparse + indices[e]!]! * entries[e]!;
    }
  }
}
