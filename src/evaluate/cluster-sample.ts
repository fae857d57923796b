import type { Labels } from "../metrics/labels.ts";

/**
 * Some rows as points, to measure clusters on: dense, imputed and scaled as the predictor sees them, row-major with
 * `nColumns` a row. The silhouette takes time by the square of the rows: sample 2,000 of them.
 */
export interface ClusterSample {
  readonly points: Float64Array;
  readonly nColumns: number;
  /** Each row's cluster. */
  readonly assigned: Labels;
  /** Each row's cluster in a second fit from another seed, for stability; null = not fitted twice. */
  readonly again?: Labels | null;
}
