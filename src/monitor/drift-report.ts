/** Limits beyond which a difference from the reference counts. */
export interface DriftLimits {
  /** PSI from which a column counts as drifted, if chance does not explain it. Default 0.2. */
  readonly psi: number;
  /** Fewer rows than this are not judged. Default 200. */
  readonly minRows: number;
  /** Change of the share of missing values. Default 0.05. */
  readonly missing: number;
  /** Share of levels never seen in training, beyond what the column's variety lets expect. Default 0.05. */
  readonly unknown: number;
  /** Share of refused rows. Default 0.05. */
  readonly outOfContract: number;
}

export type DriftReason = "psi" | "missing" | "unknown";

/** How one column of the window compares with the reference. */
export interface ColumnDrift {
  readonly column: string;
  /** Rows with a value in the window. */
  readonly nRows: number;
  readonly psi: number;
  /** What PSI reaches by chance at these sample sizes; smaller values say nothing. */
  readonly chanceBound: number;
  readonly missing: number;
  readonly referenceMissing: number;
  readonly unknown: number;
  /** Why it counts as drifted; empty = it does not. */
  readonly reasons: readonly DriftReason[];
}

/** Result of comparing a window of the prediction log with what training data looked like. */
export interface DriftReport {
  readonly model: string;
  readonly verdict: "ok" | "drift" | "tooFewRows";
  /** Rows answered in the window. */
  readonly nRows: number;
  readonly nReference: number;
  /** Largest PSI first. */
  readonly columns: readonly ColumnDrift[];
  /** The model's answers; null where the window holds too few of this version. */
  readonly prediction: ColumnDrift | null;
  readonly outOfContract: {
    readonly nRows: number;
    readonly share: number;
    readonly isDrifted: boolean;
    readonly codes: readonly (readonly [code: string, count: number])[];
  };
  readonly limits: DriftLimits;
}
