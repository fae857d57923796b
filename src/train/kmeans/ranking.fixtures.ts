import type { Design } from "../../model/design.ts";
import { measureRows, writeRows } from "./nearest.ts";
import { type RankingRoom, roomForRanking } from "./ranking.ts";

/** The rows of a design, written and measured, and the kernel over them. */
export function rankedRows(design: Design, clusters: number, threads: number): RankingRoom {
  const ranking = roomForRanking(design, clusters, threads);
  writeRows(design, ranking.rows, 0, design.nRows);
  measureRows(ranking.rows, 0, design.nRows, ranking.norms);
  return ranking;
}
