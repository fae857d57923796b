import type { Design } from "../../model/design.ts";
import { addScores } from "../products.ts";

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

/** Minus half the squared length of a centre. */
function halfLength(centres: Float64Array, from: number, nColumns: number): number {
  let total = 0;
  for (let i = from; i < from + nColumns; ++i) total += centres[i]! * centres[i]!;
  return -total / 2;
}
