import { sharedBuffer, sharedNumbers } from "../../core/shared-memory.ts";
import type { Design } from "../../model/design.ts";
import { startSums } from "./start.ts";
import { type Parts, partsOf } from "../parts.ts";
import type { RankingRoom } from "./ranking.ts";

/** A fit as plain data, for every thread the same; arrays of `memory` are shared and written by all. */
export interface ClusteringPlan extends RankingRoom {
  readonly design: Design;
  readonly weights: Float64Array | null;
  readonly clusters: number;
  /** Of the draws of each restart's first centres. */
  readonly seeds: readonly number[];
  /** Whether k-means++ spreads them out. */
  readonly isSpread: boolean;
  readonly memory: ClusteringMemory;
}

export interface ClusteringMemory {
  /** Of the dense columns. */
  readonly means: Float64Array;
  readonly variances: Float64Array;
  /** By part and centre: sums of weight * value by column, of weights, and how many rows count. */
  readonly sums: Float64Array;
  readonly held: Float64Array;
  readonly counts: Int32Array;
  /** By part: rows that changed centre. */
  readonly changed: Int32Array;
  /** By part, for the first centres: see `StartField`. */
  readonly startSums: Float64Array;
  /** For `agreedToStop`. */
  readonly flags: Int32Array;
}

/** Numbers that the sums of all parts may take: with very many centres and columns, fewer parts. */
const mostSums = 8_000_000;

const nColumnsOf = ({ dense, sparse }: Design): number => dense.length + sparse.names.length;

/** How the rows are divided: by the data and the number of centres alone. */
export function partsOfPlan({ design, clusters }: Pick<ClusteringPlan, "design" | "clusters">): Parts {
  const most = Math.floor(mostSums / (clusters * Math.max(1, nColumnsOf(design))));
  return partsOf(design.nRows, Math.max(1, Math.min(32, most)));
}

export function createMemory(plan: Pick<ClusteringPlan, "design" | "clusters">): ClusteringMemory {
  const { design, clusters } = plan;
  const { nParts } = partsOfPlan(plan);
  const integers = (length: number): Int32Array => new Int32Array(sharedBuffer(4 * length));
  return {
    means: sharedNumbers(design.dense.length),
    variances: sharedNumbers(design.dense.length),
    sums: sharedNumbers(nParts * clusters * nColumnsOf(design)),
    held: sharedNumbers(nParts * clusters),
    counts: integers(nParts * clusters),
    changed: integers(nParts),
    startSums: sharedNumbers(nParts * startSums(clusters)),
    flags: integers(1),
  };
}
