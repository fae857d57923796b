import type { Design } from "./design.ts";
import type { LinearPredictor } from "./predictor.ts";

/** Column by column over blocks of rows: each row still adds its dense terms in column order, then its sparse ones. */
export function addLinear(predictor: LinearPredictor, design: Design, scores: Float64Array): void {
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
