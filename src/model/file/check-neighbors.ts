import type { NeighborsPredictor } from "../predictor.ts";
import { checkFinite, wrong } from "./checks.ts";

/** Checks that stored rows fit their arrays, and that every label and column they name exists. */
export function checkNeighbors(predictor: NeighborsPredictor): void {
  const { link, outputs, nDense, nSparse, neighbors, weighting, offsets, indices, values, weights } = predictor;
  const nRows = values.length;
  if (link !== "identity" && link !== "share") wrong("predictor.link", "does not suit neighbors");
  if (weighting !== "uniform" && weighting !== "distance") wrong("predictor.weighting", "is unknown");
  if (!Number.isInteger(neighbors) || neighbors < 1 || neighbors > nRows)
    wrong("predictor.neighbors", "is not from 1 to the number of rows");
  checkFinite(predictor.points, "predictor.points", nRows * nDense);
  checkFinite(values, "predictor.values", nRows);
  checkFinite(weights, "predictor.weights", nRows);
  if (weights.some((weight) => weight <= 0)) wrong("predictor.weights", "are not all above 0");
  const nLabels = Math.max(2, outputs);
  if (link === "share" && values.some((value) => !Number.isInteger(value) || value < 0 || value >= nLabels))
    wrong("predictor.values", "name labels there are not");
  if (offsets.length !== nRows + 1 || offsets[0] !== 0) wrong("predictor.offsets", "are not one a row");
  checkFinite(predictor.entries, "predictor.entries", offsets[nRows]!);
  if (indices.length !== predictor.entries.length) wrong("predictor.indices", "are not one an entry");
  for (let row = 0; row < nRows; ++row) {
    if (offsets[row + 1]! < offsets[row]!) wrong("predictor.offsets", "do not ascend");
    for (let e = offsets[row]!; e < offsets[row + 1]!; ++e) {
      const isAfter = e === offsets[row] || indices[e]! > indices[e - 1]!;
      if (!isAfter || indices[e]! >= nSparse) wrong("predictor.indices", "do not ascend among the columns");
    }
  }
}
