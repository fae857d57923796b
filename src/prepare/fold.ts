import type { SplitInput, SplitPlan } from "./split.ts";

/** One turn of cross-validation: row numbers of the frame, ascending. */
export interface Fold {
  readonly train: Uint32Array;
  readonly test: Uint32Array;
}

/** What dividing rows into folds needs to know. */
export type FoldInput = SplitInput & {
  /** Those that are divided. */
  readonly rows: Uint32Array;
  /** What the split goes by. */
  readonly by: SplitPlan["by"];
  /** time: rows this close before a turn's test rows are not learned from. */
  readonly gapMs?: number | undefined;
};
