import { sigmoid } from "../../math/elementary.ts";

/** Scores beyond this in size are taken to be there: the sigmoid differs from 0 or 1 by 1e-7. */
export const tableReach = 16;
export const tableSteps = 128;
/** The last position of a score in the table. */
export const tableLast: number = 2 * tableReach * tableSteps;

/**
 * The sigmoid at -16, -16 + 1/128, ... 16. Interpolated linearly the error is below 7e-7, far under what a tree can
 * tell apart, and a table costs a third of an exponential.
 */
export const sigmoidTable: Float64Array = Float64Array.from({ length: tableLast + 2 }, (_, i) =>
  sigmoid(i / tableSteps - tableReach),
);
