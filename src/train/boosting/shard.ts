import type { Team } from "../../threads/team.ts";

/** Rows that a thread takes in its turn: few, so that no thread has many more than another, who all wait for the last. */
export const turnRows = 1024;

export type Range = readonly [from: number, to: number];

/** A thread among those of its team. */
export type Place = Pick<Team, "thread" | "threads">;

/**
 * The rows one thread works on, and its segment of the index. Threads take chunks of rows in turn: a table sorted by a
 * column, whose leaves are stretches of rows, still gives every thread its share of every leaf.
 */
export interface Shard {
  /** Ascending, of `turnRows` rows each but for the table's last. */
  readonly ranges: readonly Range[];
  /** How many they are. */
  readonly nRows: number;
  /** First position of the segment; it has room for all rows of the ranges. */
  readonly begin: number;
}

/** The rows of a thread's turn, counted from 0; null behind its last. */
export function turnOf(nRows: number, { thread, threads }: Place, turn: number): Range | null {
  const from = (turn * threads + thread) * turnRows;
  return from < nRows ? [from, Math.min(nRows, from + turnRows)] : null;
}

export function shardOf(nRows: number, { thread, threads }: Place): Shard {
  const ranges = rangesOf(nRows, { thread, threads });
  let begin = 0;
  for (let before = 0; before < thread; ++before) begin += rowsIn(rangesOf(nRows, { thread: before, threads }));
  return { ranges, nRows: rowsIn(ranges), begin };
}

/** Lists rows that follow each other, the first of them number `first`. Called for each turn, and all that is compiled for it: within a larger method the loop took V8 14 ms. */
export function writeRowNumbers(rows: Uint32Array, first: number): void {
  for (let i = 0; i < rows.length; ++i) rows[i] = first + i;
}

function rangesOf(nRows: number, place: Place): Range[] {
  const ranges: Range[] = [];
  for (let range = turnOf(nRows, place, 0); range !== null; range = turnOf(nRows, place, ranges.length))
    ranges.push(range);
  return ranges;
}

const rowsIn = (ranges: readonly Range[]): number => ranges.reduce((total, [from, to]) => total + to - from, 0);
