import type { Design } from "../../model/design.ts";

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
