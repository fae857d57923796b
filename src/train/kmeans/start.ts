import type { Rng } from "../../core/rng.ts";
import type { Design } from "../../model/design.ts";
import { squaredDistances } from "./distances.ts";

/** Writes the values of `row` as centre number `centre`. */
export function placeCentre(design: Design, row: number, centres: Float64Array, centre: number): void {
  const { dense, sparse } = design;
  const nColumns = dense.length + sparse.names.length;
  const at = centre * nColumns;
  centres.fill(0, at, at + nColumns);
  for (let j = 0; j < dense.length; ++j) centres[at + j] = dense[j]!.values[row]!;
  const end = sparse.offsets[row + 1]!;
  for (let e = sparse.offsets[row]!; e < end; ++e) centres[at + dense.length + sparse.indices[e]!] = sparse.values[e]!;
}

/** Centres at `clusters` different rows, drawn uniformly. */
export function randomStart(design: Design, clusters: number, rng: Rng): Float64Array {
  const centres = new Float64Array(clusters * (design.dense.length + design.sparse.names.length));
  const taken = new Set<number>();
  while (taken.size < clusters) {
    const row = rng.integer(design.nRows);
    if (taken.has(row)) continue;
    placeCentre(design, row, centres, taken.size);
    taken.add(row);
  }
  return centres;
}

/**
 * k-means++ (Arthur and Vassilvitskii 2007): each next centre is a row drawn with probability in proportion to its weight
 * times its squared distance from the centres so far. `norms` are the squared lengths of the rows.
 */
export function plusPlusStart(
  design: Design,
  norms: Float64Array,
  weights: Float64Array | null,
  clusters: number,
  rng: Rng,
): Float64Array {
  const nColumns = design.dense.length + design.sparse.names.length;
  const centres = new Float64Array(clusters * nColumns);
  const chances = weights === null ? new Float64Array(design.nRows).fill(1) : weights.slice();
  const nearest = new Float64Array(design.nRows).fill(Infinity);
  const distances = new Float64Array(design.nRows);
  for (let c = 0; c < clusters; ++c) {
    placeCentre(design, drawInProportion(chances, rng), centres, c);
    squaredDistances(design, norms, centres, c, distances);
    for (let row = 0; row < design.nRows; ++row) {
      if (distances[row]! < nearest[row]!) nearest[row] = distances[row]!;
      chances[row] = nearest[row]! * (weights === null ? 1 : weights[row]!);
    }
  }
  return centres;
}

/** A row, with probability in proportion to its chance; any row where all chances are 0. */
function drawInProportion(chances: Float64Array, rng: Rng): number {
  let total = 0;
  for (let row = 0; row < chances.length; ++row) total += chances[row]!;
  const wanted = rng.next() * total;
  if (!(total > 0)) return rng.integer(chances.length);
  let passed = 0;
  let last = 0;
  for (let row = 0; row < chances.length; ++row) {
    if (chances[row] === 0) continue;
    passed += chances[row]!;
    last = row;
    if (passed > wanted) return row;
  }
  return last;
}
