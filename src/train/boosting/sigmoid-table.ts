import { sigmoid } from "../../math/elementary.ts";

/** Scores beyond this in size are taken to be there: the sigmoid differs from 0 or 1 by 1e-7. */
export const tableReach = 16;
export const tableSteps = 128;
/** The last position of a score in the table. */
export const tableLast: number = 2 * tableReach * tableSteps;
export const tableLength: number = tableLast + 2;

let table: Float64Array | null = null;

/**
 * The sigmoid at -16, -16 + 1/128, ... 16. Interpolated linearly the error is below 7e-7, far under what a tree can
 * tell apart, and a table costs a third of an exponential. Worked out when first asked for.
 */
export function sigmoidTable(): Float64Array {
  if (table === null) {
    table = new Float64Array(tableLength);
    for (let i = 0; i < tableLength; ++i) table[i] = sigmoid(i / tableSteps - tableReach);
  }
  return table;
}
