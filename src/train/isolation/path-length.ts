import { log } from "../../math/elementary.ts";

/** The Euler-Mascheroni constant. */
const eulerGamma = 0.5772156649015329;

/**
 * c(n) of Liu et al. 2008: the mean number of splits that isolate a row among `nRows`, as an unsuccessful search in a binary
 * search tree takes. 0 for one row, 1 for two; the harmonic number is taken as log plus Euler's constant, as scikit-learn does.
 */
export function meanPathLength(nRows: number): number {
  if (nRows <= 1) return 0;
  if (nRows === 2) return 1;
  return 2 * (log(nRows - 1) + eulerGamma) - (2 * (nRows - 1)) / nRows;
}
