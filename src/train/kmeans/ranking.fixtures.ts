import type { Design } from "../../model/design.ts";
import { measureRows } from "./nearest.ts";
import { candidatesFor } from "./places.ts";
import { type RankingRoom, roomForRanking } from "./ranking.ts";

/** The rows of a design among others: `first` is where they begin of `nRows` in all. */
export interface RowPlace {
  readonly name: string;
  place(design: Design, mostRows: number): { readonly first: number; readonly nRows: number };
}

/** Alone; where points lie across 2 GiB, if they are wide enough to reach it; and as high as can be. */
export const rowPlaces: readonly RowPlace[] = [
  { name: "alone", place: ({ nRows }) => ({ first: 0, nRows }) },
  {
    name: "across 2 GiB",
    place: ({ nRows: own, dense }, nRows) => {
      const middle = Math.floor(2 ** 31 / (8 * dense.length)) - (own >> 1);
      return { first: Math.min(middle, nRows - own), nRows };
    },
  },
  { name: "up to 4 GiB", place: ({ nRows: own }, nRows) => ({ first: nRows - own, nRows }) },
];

/** The rows of a design, written and measured, and the kernel over them; `first` is their first row. Of the other rows there is nothing but room. */
export function rankedRows(
  design: Design,
  clusters: number,
  threads: number,
  at: RowPlace = rowPlaces[0]!,
): RankingRoom & { readonly first: number } {
  const nDense = design.dense.length;
  const rowBytes = 8 * nDense + 28 + 8 * candidatesFor(clusters);
  const { first, nRows } = at.place(design, Math.floor(4_200_000_000 / rowBytes));
  const room = roomForRanking({ ...design, nRows }, clusters, threads);
  design.dense.forEach(({ values }, j) =>
    values.forEach((value, row) => (room.rows.points[(first + row) * nDense + j] = value)),
  );
  measureRows(room.rows, first, first + design.nRows, room.norms);
  return { ...room, first };
}
