/** How the rows are divided, as plain data. `test` and `validation` are shares of all rows; the rest is train. */
export interface SplitPlan {
  /**
   * random: by chance. hash: by the id column, so that a row keeps its split when others are added. target: by chance within each
   * label (regression: within each tenth of the values). time: past to train, then validation, the last to test. group: whole groups.
   */
  readonly by: "random" | "hash" | "target" | "time" | "group";
  readonly test: number;
  readonly validation: number;
  /** Folds of cross-validation. */
  readonly folds: number;
}
