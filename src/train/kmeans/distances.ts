import type { Design } from "../../model/design.ts";
import { addScores, chunkRows } from "../products.ts";

/** Squared length of every row. */
export function squaredLengths(design: Design): Float64Array {
  const lengths = new Float64Array(design.nRows);
  for (const { values } of design.dense) {
    for (let row = 0; row < design.nRows; ++row) lengths[row]! += values[row]! * values[row]!;
  }
  const { offsets, values } = design.sparse;
  for (let row = 0; row < design.nRows; ++row) {
    const end = offsets[row + 1]!;
    for (let e = offsets[row]!; e < end; ++e) lengths[row]! += values[e]! * values[e]!;
  }
  return lengths;
}

/** The squared distance of every row from one centre: |x|^2 - 2 x.c + |c|^2, at least 0. */
export function squaredDistances(
  design: Design, // in
  norms: Float64Array, // in
  centres: Float64Array, // in
  centre: number,
  distances: Float64Array, // out
): void {
  const nColumns = design.dense.length + design.sparse.names.length;
  const from = centre * nColumns;
  distances.fill(halfLength(centres, from, nColumns));
  addScores(design, centres, from, 0, design.nRows, distances, 0);
  for (let row = 0; row < design.nRows; ++row) distances[row] = Math.max(norms[row]! - 2 * distances[row]!, 0);
}

/**
 * For every row its nearest centre (the first of equals) and the squared distance from it. The nearest centre has the
 * largest x.c - |c|^2 / 2, so all but the winner's distance stay unknown. Gives the number of rows that changed centre.
 */
export function assignRows(
  design: Design, // in
  norms: Float64Array, // in
  centres: Float64Array, // in
  clusters: number,
  assignment: Int32Array, // in and out
  distances: Float64Array, // out
): number {
  const nColumns = design.dense.length + design.sparse.names.length;
  const scores = new Float64Array(chunkRows);
  const best = new Float64Array(chunkRows);
  const nearest = new Int32Array(chunkRows);
  let nChanged = 0;
  for (let start = 0; start < design.nRows; start += chunkRows) {
    const count = Math.min(chunkRows, design.nRows - start);
    best.fill(-Infinity);
    for (let c = 0; c < clusters; ++c) {
      scores.fill(halfLength(centres, c * nColumns, nColumns));
      addScores(design, centres, c * nColumns, start, count, scores, 0);
      for (let r = 0; r < count; ++r) {
        if (scores[r]! <= best[r]!) continue;
        best[r] = scores[r]!;
        nearest[r] = c;
      }
    }
    for (let r = 0; r < count; ++r) {
      const row = start + r;
      if (assignment[row] !== nearest[r]) ++nChanged;
      assignment[row] = nearest[r]!;
      distances[row] = Math.max(norms[row]! - 2 * best[r]!, 0);
    }
  }
  return nChanged;
}

/** Minus half the squared length of a centre. */
function halfLength(centres: Float64Array, from: number, nColumns: number): number {
  let total = 0;
  for (let i = from; i < from + nColumns; ++i) total += centres[i]! * centres[i]!;
  return -total / 2;
}
