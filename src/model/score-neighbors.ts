import type { Design } from "./design.ts";
import type { NeighborsPredictor } from "./predictor.ts";

/** Rows of a box that is not divided further. */
export const leafRows = 16;

/**
 * Boxes around rows in halves, quarters and so on: box b holds the rows of `rangeOf`, its halves are boxes 2b + 1 and 2b + 2.
 * Row-major: for each box the least, then the greatest value of every dense column.
 */
type Boxes = Float64Array;

/** Boxes by predictor, for as long as it lives: they follow from the rows and are as quickly made as read. */
const known = new WeakMap<NeighborsPredictor, Boxes>();

/**
 * For every row of a design the mean of its nearest rows' values, or the share of each label among them; row-major,
 * `outputs` a row. Exact: a box is passed over only where its nearest point is farther than all that was found, and as both
 * distances add the same columns in the same order, rounding cannot turn them round. Of equally far rows the first counts.
 */
export function neighborScores(predictor: NeighborsPredictor, design: Design): Float64Array {
  const { outputs, nDense } = predictor;
  const boxes = boxesOf(predictor);
  const search = createSearch(predictor);
  const out = new Float64Array(design.nRows * outputs);
  for (let row = 0; row < design.nRows; ++row) {
    for (let j = 0; j < nDense; ++j) search.point[j] = design.dense[j]!.values[row]!;
    findNearest(predictor, boxes, search, design.sparse, row);
    addVotes(predictor, search, out, row * outputs);
  }
  return out;
}

interface Search {
  /** Dense values of the row asked about. */
  readonly point: Float64Array;
  /** The nearest rows so far and their squared distances, ascending, equal ones by row. */
  readonly distances: Float64Array;
  readonly rows: Uint32Array;
  count: number;
  /** Boxes still to look into: number, first row, end, squared distance. */
  readonly stack: Float64Array;
}

function createSearch({ nDense, neighbors }: NeighborsPredictor): Search {
  return {
    point: new Float64Array(nDense),
    distances: new Float64Array(neighbors),
    rows: new Uint32Array(neighbors),
    count: 0,
    stack: new Float64Array(4 * 64),
  };
}

function boxesOf(predictor: NeighborsPredictor): Boxes {
  let boxes = known.get(predictor);
  if (boxes === undefined) {
    const nRows = predictor.values.length;
    const deepest = Math.max(0, Math.ceil(Math.log2(nRows / leafRows)));
    boxes = new Float64Array((2 ** (deepest + 1) - 1) * 2 * predictor.nDense);
    measureBox(predictor, boxes, 0, 0, nRows);
    known.set(predictor, boxes);
  }
  return boxes;
}

function measureBox(predictor: NeighborsPredictor, boxes: Boxes, box: number, from: number, to: number): void {
  const { nDense, points } = predictor;
  const low = box * 2 * nDense;
  const high = low + nDense;
  boxes.fill(Infinity, low, high).fill(-Infinity, high, high + nDense);
  if (to - from > leafRows) {
    const middle = (from + to) >>> 1;
    const halves = [2 * box + 1, 2 * box + 2] as const;
    measureBox(predictor, boxes, halves[0], from, middle);
    measureBox(predictor, boxes, halves[1], middle, to);
    for (const half of halves)
      for (let j = 0; j < nDense; ++j) {
        boxes[low + j] = Math.min(boxes[low + j]!, boxes[half * 2 * nDense + j]!);
        boxes[high + j] = Math.max(boxes[high + j]!, boxes[half * 2 * nDense + nDense + j]!);
      }
    return;
  }
  for (let row = from; row < to; ++row)
    for (let j = 0; j < nDense; ++j) {
      const value = points[row * nDense + j]!;
      if (value < boxes[low + j]!) boxes[low + j] = value;
      if (value > boxes[high + j]!) boxes[high + j] = value;
    }
}

/** Squared distance of the point from the nearest place in a box, over dense columns. */
function boxDistance({ nDense }: NeighborsPredictor, boxes: Boxes, box: number, point: Float64Array): number {
  const low = box * 2 * nDense;
  const high = low + nDense;
  let total = 0;
  for (let j = 0; j < nDense; ++j) {
    const x = point[j]!;
    const least = boxes[low + j]!;
    const greatest = boxes[high + j]!;
    // A value that is missing is far from everything: no row is found, and the prediction is no number.
    const difference = x < least ? least - x : x > greatest ? x - greatest : x === x ? 0 : Number.NaN;
    total += difference * difference;
  }
  return total;
}

/** Looks into boxes, the nearer half first, until none can hold a nearer row. */
function findNearest(
  predictor: NeighborsPredictor, // in
  boxes: Boxes, // in
  search: Search, // in and out
  sparse: Design["sparse"], // in
  row: number, // in, of the design
): void {
  const { neighbors, values } = predictor;
  const { stack, point, distances } = search;
  search.count = 0;
  stack[0] = 0;
  stack[1] = 0;
  stack[2] = values.length;
  stack[3] = boxDistance(predictor, boxes, 0, point);
  for (let top = 4; top > 0;) {
    top -= 4;
    const box = stack[top]!;
    const from = stack[top + 1]!;
    const to = stack[top + 2]!;
    const bound = stack[top + 3]!;
    if (!(bound <= (search.count < neighbors ? Infinity : distances[neighbors - 1]!))) continue;
    if (to - from <= leafRows) {
      lookInto(predictor, search, sparse, row, from, to);
      continue;
    }
    const middle = (from + to) >>> 1;
    const ofLeft = boxDistance(predictor, boxes, 2 * box + 1, point);
    const ofRight = boxDistance(predictor, boxes, 2 * box + 2, point);
    const nearer = ofLeft <= ofRight ? 0 : 1;
    for (let turn = 0; turn < 2; ++turn) {
      const isLeft = (turn === 0) === (nearer === 1);
      stack[top++] = 2 * box + (isLeft ? 1 : 2);
      stack[top++] = isLeft ? from : middle;
      stack[top++] = isLeft ? middle : to;
      stack[top++] = isLeft ? ofLeft : ofRight;
    }
  }
}

/** Columns between two looks at whether rows are too far already. */
const stride = 8;

/**
 * Squared distances of stored rows `from` to `to`: dense columns in order, then sparse ones. Four rows at a time, so that
 * their sums do not wait for each other; given up where all four are farther than what was found.
 */
function lookInto(
  predictor: NeighborsPredictor, // in
  search: Search, // in and out
  sparse: Design["sparse"], // in
  row: number, // in, of the design
  from: number,
  to: number,
): void {
  const { nDense, nSparse, points, neighbors } = predictor;
  const { point, distances } = search;
  for (let first = from; first < to; first += 4) {
    const n = Math.min(4, to - first);
    const worst = search.count < neighbors ? Infinity : distances[neighbors - 1]!;
    const at0 = first * nDense;
    const at1 = n > 1 ? at0 + nDense : at0;
    const at2 = n > 2 ? at1 + nDense : at0;
    const at3 = n > 3 ? at2 + nDense : at0;
    let [d0, d1, d2, d3] = [0, 0, 0, 0];
    for (let start = 0; start < nDense; start += stride) {
      const end = Math.min(nDense, start + stride);
      for (let j = start; j < end; ++j) {
        const x = point[j]!;
        const e0 = x - points[at0 + j]!;
        const e1 = x - points[at1 + j]!;
        const e2 = x - points[at2 + j]!;
        const e3 = x - points[at3 + j]!;
        d0 += e0 * e0;
        d1 += e1 * e1;
        d2 += e2 * e2;
        d3 += e3 * e3;
      }
      if (d0 > worst && d1 > worst && d2 > worst && d3 > worst) break;
    }
    if (d0 > worst && d1 > worst && d2 > worst && d3 > worst) continue;
    for (let i = 0; i < n; ++i) {
      const dense = i === 0 ? d0 : i === 1 ? d1 : i === 2 ? d2 : d3;
      const distance = nSparse === 0 ? dense : withSparse(predictor, dense, sparse, row, first + i);
      insert(search, neighbors, distance, first + i);
    }
  }
}

/** Adds the sparse columns to the squared distance of a stored row; absent entries are 0. */
function withSparse(
  { offsets, indices, entries }: NeighborsPredictor,
  dense: number,
  sparse: Design["sparse"],
  row: number,
  other: number,
): number {
  let total = dense;
  let a = sparse.offsets[row]!;
  let b = offsets[other]!;
  const endA = sparse.offsets[row + 1]!;
  const endB = offsets[other + 1]!;
  while (a < endA || b < endB) {
    const columnA = a < endA ? sparse.indices[a]! : Infinity;
    const columnB = b < endB ? indices[b]! : Infinity;
    let difference = 0;
    if (columnA <= columnB) difference = sparse.values[a++]!;
    if (columnB <= columnA) difference -= entries[b++]!;
    total += difference * difference;
  }
  return total;
}

/** Keeps the row where it is nearer than the farthest kept one, or as near and before it. */
function insert(search: Search, neighbors: number, distance: number, row: number): void {
  const { distances, rows, count } = search;
  let at = count;
  if (count === neighbors) {
    at -= 1;
    const farthest = distances[at]!;
    if (!(distance < farthest || (distance === farthest && row < rows[at]!))) return;
  } else {
    if (Number.isNaN(distance)) return;
    search.count += 1;
  }
  for (; at > 0; --at) {
    const before = distances[at - 1]!;
    if (distance > before || (distance === before && row > rows[at - 1]!)) break;
    distances[at] = before;
    rows[at] = rows[at - 1]!;
  }
  distances[at] = distance;
  rows[at] = row;
}

/** Means of values or shares of labels; by distance, a row counts one over its distance, and rows at no distance alone. */
function addVotes(predictor: NeighborsPredictor, search: Search, out: Float64Array, at: number): void {
  const { weighting, outputs, values, weights } = predictor;
  const { distances, rows, count } = search;
  const isAtPoint = weighting === "distance" && count > 0 && distances[0] === 0;
  let total = 0;
  for (let i = 0; i < count; ++i) {
    const row = rows[i]!;
    let vote = weights[row]!;
    if (isAtPoint) vote = distances[i] === 0 ? vote : 0;
    else if (weighting === "distance") vote /= Math.sqrt(distances[i]!);
    total += vote;
    // The value of one of two labels is 0 or 1.
    if (outputs > 1) out[at + values[row]!]! += vote;
    else out[at]! += vote * values[row]!;
  }
  for (let k = at; k < at + outputs; ++k) out[k] = out[k]! / total;
}
