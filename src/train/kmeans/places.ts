import { log } from "../../math/elementary.ts";

/** What is constant during one clustering and so stands in the kernels as literals. */
export interface RankingShape {
  readonly nRows: number;
  readonly nDense: number;
  readonly clusters: number;
}

/** Rows that may be listed at a time, an even number. */
export const rankedAtOnce = 1024;

/** Two sums each of five pairs of centres, with what they are made from, fill the 16 vector registers of x64. */
const mostPairs = 5;

/** Centres are ranked in blocks of equal width, as few as can be. */
export function centreBlocks(clusters: number): { readonly blocks: number; readonly wide: number } {
  const pairs = Math.ceil(clusters / 2);
  const blocks = Math.ceil(pairs / mostPairs);
  return { blocks, wide: 2 * Math.ceil(pairs / blocks) };
}

/** Rows measured side by side as candidates for a centre. */
export const side = 4;
/** About 2 + ln(clusters) in whole fours: what Arthur and Vassilvitskii tried, and scikit-learn does. */
export const candidatesFor = (clusters: number): number => side * Math.ceil(Math.floor(2 + log(clusters)) / side);

/** Where among `leftLength` numbers that of a row and candidate number `i` stands: fours of candidates, and within them the rows in order. */
export function leftAt(nRows: number, row: number, i: number): number {
  // The kernel writes two rows at a time.
  const evenRows = nRows + (nRows % 2);
  return (Math.floor(i / side) * evenRows + row) * side + (i % side);
}

export const leftLength = (nRows: number, clusters: number): number => leftAt(nRows, 0, candidatesFor(clusters));

/** Of the drift, byte by byte: what is the same for all centres, then so many for each. */
export const driftBytes = 64;

/** Byte addresses in the memory the points begin: what is known of the rows, and the scratch of one thread. */
export interface RankingPlaces {
  /** By row: see `RankingRoom`. */
  readonly norms: number;
  readonly upper: number;
  readonly slack: number;
  readonly assignment: number;
  readonly left: number;
  /** Where this thread's scratch begins, which is where that of all threads before it ends. */
  readonly scratch: number;
  /** By listed row: the scores at the nearest centre and the next, and the nearest; one after the other. */
  readonly best: number;
  readonly second: number;
  readonly nearest: number;
  readonly listed: number;
  /** Positions on the list. */
  readonly moved: number;
  /** Its copies of the drift, the centres and the candidates. */
  readonly drift: number;
  readonly centres: number;
  readonly centresEnd: number;
  readonly points: number;
}

export function placesOf({ nRows, nDense, clusters }: RankingShape, thread: number): RankingPlaces {
  let end = 0;
  const take = (bytes: number): number => (end += Math.ceil(bytes / 64) * 64) - Math.ceil(bytes / 64) * 64;
  const { blocks, wide } = centreBlocks(clusters);
  take(nRows * nDense * 8);
  // Two rows are measured at a time, so that one more is read.
  const [norms, upper, slack] = [0, 1, 2].map(() => take((nRows + 1) * 8)) as [number, number, number];
  const assignment = take(nRows * 4);
  const left = take(leftLength(nRows, clusters) * 8);
  const shared = end;
  const best = take(3 * rankedAtOnce * 8);
  const [listed, moved] = [take((rankedAtOnce + 1) * 4), take((rankedAtOnce + 1) * 4)];
  const drift = take((1 + clusters) * driftBytes);
  const centreBytes = blocks * wide * (nDense + 1) * 8;
  const centres = take(centreBytes);
  const points = take(candidatesFor(clusters) * (nDense + 1) * 8);
  const before = thread * (end - shared);
  return {
    norms,
    upper,
    slack,
    assignment,
    left,
    scratch: shared + before,
    best: best + before,
    second: best + before + rankedAtOnce * 8,
    nearest: best + before + 2 * rankedAtOnce * 8,
    listed: listed + before,
    moved: moved + before,
    drift: drift + before,
    centres: centres + before,
    centresEnd: centres + before + centreBytes,
    points: points + before,
  };
}
