import { idealDcg, ndcgPlaces, placeDiscounts } from "../../metrics/ndcg.ts";
import type { RowGroups } from "../../metrics/row-groups.ts";

/** Groups of rows in the shared memory of a training that orders them; `order` is that of the scores seen last. */
export interface RankedRows extends RowGroups {
  /** The largest discounted gain of each group's first places, those that its loss counts; 0 where no row is relevant. */
  readonly ideal: Float64Array;
  /** One over that of the places that pairs are weighed by, which the groups that are learned from have; 0 where no row is relevant. */
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
  return 24 * nGroups + 4 * (nRows + nGroups + 1);
}

/** The groups that stand at an address, a multiple of 8. */
export function rankedRows(buffer: ArrayBufferLike, at: number, nRows: number, nGroups: number): RankedRows {
  const words = at + 24 * nGroups;
  return {
    ideal: new Float64Array(buffer, at, nGroups),
    inverseIdeal: new Float64Array(buffer, at + 8 * nGroups, nGroups),
    losses: new Float64Array(buffer, at + 16 * nGroups, nGroups),
    order: new Uint32Array(buffer, words, nRows),
    starts: new Uint32Array(buffer, words + 4 * nRows, nGroups + 1),
  };
}

/** Writes groups and their ideals; those of pairs where `pairPlaces` says how many places these are weighed by. */
export function writeRanked(
  out: RankedRows,
  groups: RowGroups,
  relevance: Float64Array,
  pairPlaces: number | null,
): void {
  const { order, starts, ideal, inverseIdeal } = out;
  order.set(groups.order);
  starts.set(groups.starts);
  const ofLoss = placeDiscounts(ndcgPlaces);
  const ofPairs = pairPlaces === null ? null : placeDiscounts(pairPlaces);
  for (let g = 0; g < ideal.length; ++g) {
    const [from, to] = [starts[g]!, starts[g + 1]!];
    ideal[g] = idealDcg(order, from, to, relevance, ofLoss);
    if (ofPairs && ideal[g]! > 0) inverseIdeal[g] = 1 / idealDcg(order, from, to, relevance, ofPairs);
  }
}
