import type { Team } from "../../threads/team.ts";
import { lossChunk } from "./plan.ts";

export type Range = readonly [from: number, to: number];

/**
 * The rows one thread works on, and its segment of the index. Threads take chunks of rows in turn: a table sorted by a
 * column, whose leaves are stretches of rows, still gives every thread its share of every leaf.
 */
export interface Shard {
  /** Ascending, each whole chunks of `lossChunk` rows but for the table's last. */
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
  for (let from = 0, chunk = 0; from < nRows; from += lossChunk, ++chunk) {
    const to = Math.min(nRows, from + lossChunk);
    if (chunk % threads === thread) {
      ranges.push([from, to]);
      own += to - from;
    } else if (chunk % threads < thread) begin += to - from;
  }
  return { ranges, nRows: own, begin };
}
