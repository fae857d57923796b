import type { Team } from "../../threads/team.ts";

/** Rows that a thread takes in its turn: few, so that no thread has many more than another, who all wait for the last. */
export const turnRows = 1024;

export type Range = readonly [from: number, to: number];

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

export function shardOf(nRows: number, { thread, threads }: Pick<Team, "thread" | "threads">): Shard {
  const ranges: Range[] = [];
  let begin = 0;
  let own = 0;
  for (let from = 0, turn = 0; from < nRows; from += turnRows, ++turn) {
    const to = Math.min(nRows, from + turnRows);
    if (turn % threads === thread) {
      ranges.push([from, to]);
      own += to - from;
    } else if (turn % threads < thread) begin += to - from;
  }
  return { ranges, nRows: own, begin };
}
