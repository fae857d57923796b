import type { Design } from "./design.ts";
import type { ClustersPredictor } from "./predictor.ts";

/**
 * Number of the nearest centre of each row, the lowest of equally near ones. Absent sparse entries are 0, so the
 * squared distance over sparse columns is the centre's own square plus (v - c)^2 - c^2 = v * (v - 2c) an entry.
 */
export function nearestCentres(predictor: ClustersPredictor, design: Design): Float64Array {
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
