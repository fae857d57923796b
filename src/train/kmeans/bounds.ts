/** How far centres moved, and how far apart they are: what is known of distances without measuring them. */
export interface Moves {
  /** By centre. */
  readonly own: Float64Array;
  /** The centre that moved most, and how far it and the next one moved. */
  readonly farthest: number;
  readonly largest: number;
  readonly secondLargest: number;
  /** By centre: half its distance from the nearest other one; 0 where that is not worth knowing. */
  readonly apart: Float64Array;
}

/** Bounds grow by additions, of which each may be off in the last bit. */
export const roundingFactor: number = 1 + 1e-12;

/** `nRows` says whether the distances between centres are worth what they cost. */
export function movesOf(before: Float64Array, after: Float64Array, clusters: number, nRows: number): Moves {
  const nColumns = after.length / clusters;
  const own = Float64Array.from({ length: clusters }, (_, c) =>
    distance(before, c * nColumns, after, c * nColumns, nColumns),
  );
  let farthest = 0;
  for (let c = 1; c < clusters; ++c) if (own[c]! > own[farthest]!) farthest = c;
  let secondLargest = 0;
  for (let c = 0; c < clusters; ++c) if (c !== farthest) secondLargest = Math.max(secondLargest, own[c]!);
  const apart = new Float64Array(clusters);
  if (clusters * clusters <= 4 * nRows) fillApart(after, nColumns, apart);
  return { own, farthest, largest: own[farthest]!, secondLargest, apart };
}

function fillApart(centres: Float64Array, nColumns: number, apart: Float64Array): void {
  apart.fill(Infinity);
  for (let a = 0; a < apart.length; ++a) {
    for (let b = 0; b < a; ++b) {
      const half = distance(centres, a * nColumns, centres, b * nColumns, nColumns) / 2 / roundingFactor;
      if (half < apart[a]!) apart[a] = half;
      if (half < apart[b]!) apart[b] = half;
    }
  }
}

function distance(a: Float64Array, fromA: number, b: Float64Array, fromB: number, nColumns: number): number {
  let total = 0;
  for (let j = 0; j < nColumns; ++j) total += (a[fromA + j]! - b[fromB + j]!) ** 2;
  return Math.sqrt(total) * roundingFactor;
}
