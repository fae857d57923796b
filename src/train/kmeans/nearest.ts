import { sharedNumbers } from "../../core/shared-memory.ts";
import type { Design, SparseBlock } from "../../model/design.ts";
import { sparseScore } from "../products.ts";

/** Rows as points: the dense values row after row, so that measuring one row reads few lines of memory. */
export interface PointRows {
  readonly points: Float64Array;
  readonly nDense: number;
  /** Null where there are no sparse columns. */
  readonly sparse: SparseBlock | null;
}

export function pointRows(design: Design): PointRows {
  const rows = roomForRows(design);
  writeRows(design, rows, 0, design.nRows);
  return rows;
}

/** The rows of a design, of which the dense values are yet to be written. */
export function roomForRows({ nRows, dense, sparse }: Design): PointRows {
  const points = sharedNumbers(nRows * dense.length);
  return { points, nDense: dense.length, sparse: sparse.names.length === 0 ? null : sparse };
}

/** Writes the dense values of the rows from `from` to before `to`. */
export function writeRows({ dense }: Design, { points }: PointRows, from: number, to: number): void {
  for (let start = from; start < to; start += blockRows) {
    const end = Math.min(to, start + blockRows);
    for (let j = 0; j < dense.length; ++j) {
      const x = dense[j]!.values;
      for (let row = start, at = start * dense.length + j; row < end; ++row, at += dense.length) points[at] = x[row]!;
    }
  }
}

/** Writes the squared lengths of the rows from `from` to before `to`. */
export function measureRows(
  { points, nDense, sparse }: PointRows,
  from: number,
  to: number,
  norms: Float64Array,
): void {
  for (let row = from; row < to; ++row) {
    let length = 0;
    for (let at = row * nDense; at < (row + 1) * nDense; ++at) length += points[at]! * points[at]!;
    if (sparse !== null)
      for (let e = sparse.offsets[row]!; e < sparse.offsets[row + 1]!; ++e)
        length += sparse.values[e]! * sparse.values[e]!;
    norms[row] = length;
  }
}

/** Rows copied at a time: what is written of them stays in the cache until all columns are. */
const blockRows = 256;

/** |c|^2 / 2 of every centre. */
export function halfLengths(centres: Float64Array, clusters: number): Float64Array {
  const nColumns = centres.length / clusters;
  return Float64Array.from({ length: clusters }, (_, c) => {
    let total = 0;
    for (let i = c * nColumns; i < (c + 1) * nColumns; ++i) total += centres[i]! * centres[i]!;
    return total / 2;
  });
}

/** The nearest centre of a row, the first of equals, and the row's scores there and at the second nearest. */
export interface NearestTwo {
  nearest: number;
  best: number;
  second: number;
  /** Room for four scores. */
  readonly four: Float64Array;
}

export function createNearestTwo(): NearestTwo {
  return { nearest: 0, best: 0, second: 0, four: new Float64Array(4) };
}

/**
 * Scores one row with every centre: x.c - |c|^2 / 2. The larger it is, the nearer they are: the squared distance is |x|^2
 * less twice the score.
 */
export function nearestTwo(
  rows: PointRows, // in
  row: number,
  centres: Float64Array, // in
  halves: Float64Array, // in
  found: NearestTwo, // out
): void {
  const clusters = halves.length;
  const nColumns = centres.length / clusters;
  const { four } = found;
  found.nearest = 0;
  found.best = -Infinity;
  found.second = -Infinity;
  let c = 0;
  for (; c + 3 < clusters; c += 4) {
    fourScores(rows, row, centres, halves, c, four);
    for (let i = 0; i < 4; ++i) rank(found, c + i, four[i]!);
  }
  for (; c < clusters; ++c) rank(found, c, scoreOf(rows, row, centres, c * nColumns, halves[c]!));
}

/** The scores of one row and the four centres from number `c`: together they share the reads of the row and keep four sums going. */
export function fourScores(
  { points, nDense, sparse }: PointRows, // in
  row: number,
  centres: Float64Array, // in
  halves: Float64Array, // in
  c: number,
  scores: Float64Array, // out
): void {
  const nColumns = centres.length / halves.length;
  const at = row * nDense;
  const c0 = c * nColumns;
  const c1 = c0 + nColumns;
  const c2 = c1 + nColumns;
  const c3 = c2 + nColumns;
  let s0 = -halves[c]!;
  let s1 = -halves[c + 1]!;
  let s2 = -halves[c + 2]!;
  let s3 = -halves[c + 3]!;
  for (let j = 0; j < nDense; ++j) {
    const x = points[at + j]!;
    s0 += x * centres[c0 + j]!;
    s1 += x * centres[c1 + j]!;
    s2 += x * centres[c2 + j]!;
    s3 += x * centres[c3 + j]!;
  }
  if (sparse !== null) {
    s0 += sparseScore(sparse, row, centres, c0 + nDense);
    s1 += sparseScore(sparse, row, centres, c1 + nDense);
    s2 += sparseScore(sparse, row, centres, c2 + nDense);
    s3 += sparseScore(sparse, row, centres, c3 + nDense);
  }
  scores[0] = s0;
  scores[1] = s1;
  scores[2] = s2;
  scores[3] = s3;
}

function rank(found: NearestTwo, centre: number, score: number): void {
  if (score > found.best) {
    found.second = found.best;
    found.best = score;
    found.nearest = centre;
  } else if (score > found.second) found.second = score;
}

/** The score of one row and the centre that begins at `from`, summed in the order of `nearestTwo`. */
export function scoreOf(
  { points, nDense, sparse }: PointRows,
  row: number,
  centres: Float64Array,
  from: number,
  half: number,
): number {
  let score = -half;
  for (let j = 0, at = row * nDense; j < nDense; ++j) score += points[at + j]! * centres[from + j]!;
  return sparse === null ? score : score + sparseScore(sparse, row, centres, from + nDense);
}

/** Writes for every row its nearest centre, the first of equals, and the squared distance from it. */
export function assignRows(
  rows: PointRows, // in
  norms: Float64Array, // in: squared lengths of the rows
  centres: Float64Array, // in
  clusters: number,
  assignment: Int32Array, // out
  distances: Float64Array, // out
): void {
  const halves = halfLengths(centres, clusters);
  const found = createNearestTwo();
  for (let row = 0; row < norms.length; ++row) {
    nearestTwo(rows, row, centres, halves, found);
    assignment[row] = found.nearest;
    distances[row] = Math.max(norms[row]! - 2 * found.best, 0);
  }
}
