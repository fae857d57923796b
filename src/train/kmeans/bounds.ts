/**
 * How far centres moved since the start, and how far apart they are: what is known of distances without measuring them. Sums
 * grow by at most 300 additions, of which each may be off in the last bit: they and what they are compared with are kept on
 * the safe side by far more than that.
 */
export interface Drift {
  /** By centre: the sum of its own moves, and of the largest moves of all others. */
  readonly own: Float64Array;
  readonly others: Float64Array;
  /** By centre: both together. */
  readonly both: Float64Array;
  /** By centre: half its distance from the nearest other one; 0 where that is not worth knowing. */
  readonly apart: Float64Array;
}

/** Share of what is compared by which it is kept on the safe side. */
export const safety = 1e-12;

export function createDrift(clusters: number): Drift {
  const numbers = (): Float64Array => new Float64Array(clusters);
  return { own: numbers(), others: numbers(), both: numbers(), apart: numbers() };
}

/** What is at least a distance from a centre, less the centre's sum of moves: to be compared once that has grown. */
export function upperBound(distance: number, { own }: Drift, centre: number): number {
  return distance - own[centre]! + safety * (distance + own[centre]!);
}

/** What is at most the distance from every other centre, plus the sum of their largest moves. */
export function lowerBound(distance: number, { others }: Drift, centre: number): number {
  return distance + others[centre]! - safety * (distance + others[centre]!);
}

/** Takes the moves of the centres along. `nRows` says whether the distances between centres are worth what they cost. */
export function addMoves(drift: Drift, before: Float64Array, after: Float64Array, nRows: number): void {
  const { own, others, both, apart } = drift;
  const clusters = own.length;
  const nColumns = after.length / clusters;
  const moves = own.map((_, c) => distance(before, c * nColumns, after, c * nColumns, nColumns) * (1 + safety));
  const farthest = moves.indexOf(Math.max(...moves));
  const next = moves.reduce((most, move, c) => (c === farthest ? most : Math.max(most, move)), 0);
  for (let c = 0; c < clusters; ++c) {
    own[c]! += moves[c]!;
    others[c]! += c === farthest ? next : moves[farthest]!;
    both[c] = own[c]! + others[c]!;
  }
  if (clusters * clusters <= 4 * nRows) fillApart(after, nColumns, apart);
}

function fillApart(centres: Float64Array, nColumns: number, apart: Float64Array): void {
  apart.fill(Infinity);
  for (let a = 0; a < apart.length; ++a) {
    for (let b = 0; b < a; ++b) {
      const half = (distance(centres, a * nColumns, centres, b * nColumns, nColumns) / 2) * (1 - safety);
      if (half < apart[a]!) apart[a] = half;
      if (half < apart[b]!) apart[b] = half;
    }
  }
}

function distance(a: Float64Array, fromA: number, b: Float64Array, fromB: number, nColumns: number): number {
  let total = 0;
  for (let j = 0; j < nColumns; ++j) total += (a[fromA + j]! - b[fromB + j]!) ** 2;
  return Math.sqrt(total);
}
