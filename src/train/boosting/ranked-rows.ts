import { idealDcg, placeDiscounts } from "../../metrics/ndcg.ts";
import type { RowGroups } from "../../metrics/row-groups.ts";

/** Groups of rows in the shared memory of a training that orders them; `order` is that of the scores seen last. */
export interface RankedRows extends RowGroups {
  /** One over the largest discounted gain of each group's first places; 0 where no row is relevant. */
  readonly inverseIdeal: Float64Array;
  /** The loss of each group. */
  readonly losses: Float64Array;
}

/** How many groups a training has. */
export interface GroupCounts {
  readonly train: number;
  readonly validation: number;
  /** Rows of the largest group that is learned from. */
  readonly largest: number;
}

export function groupCountsOf(train: RowGroups, validation: RowGroups | null): GroupCounts {
  let largest = 0;
  const { starts } = train;
  for (let g = 1; g < starts.length; ++g) largest = Math.max(largest, starts[g]! - starts[g - 1]!);
  return { train: starts.length - 1, validation: validation ? validation.starts.length - 1 : 0, largest };
}

export function rankedBytes(nRows: number, nGroups: number): number {
  return 16 * nGroups + 4 * (nRows + nGroups + 1);
}

/** The groups that stand at an address, a multiple of 8. */
export function rankedRows(buffer: ArrayBufferLike, at: number, nRows: number, nGroups: number): RankedRows {
  const words = at + 16 * nGroups;
  return {
    inverseIdeal: new Float64Array(buffer, at, nGroups),
    losses: new Float64Array(buffer, at + 8 * nGroups, nGroups),
    order: new Uint32Array(buffer, words, nRows),
    starts: new Uint32Array(buffer, words + 4 * nRows, nGroups + 1),
  };
}

export function writeRanked(out: RankedRows, groups: RowGroups, relevance: Float64Array, places: number): void {
  const { order, starts, inverseIdeal } = out;
  order.set(groups.order);
  starts.set(groups.starts);
  const discounts = placeDiscounts(places);
  for (let g = 0; g < inverseIdeal.length; ++g) {
    const ideal = idealDcg(order, starts[g]!, starts[g + 1]!, relevance, discounts);
    inverseIdeal[g] = ideal > 0 ? 1 / ideal : 0;
  }
}
