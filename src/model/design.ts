/**
 * What an estimator learns from and a predictor reads: one block of dense columns and one of sparse ones, same rows.
 * Dense columns hold numbers (missing is NaN) or, where `cardinality` is not 0, level codes 0..cardinality-1
 * (missing or unknown is NaN). Sparse columns are numbers whose absent entries are 0.
 */
export interface Design {
  readonly nRows: number;
  readonly dense: readonly DenseColumn[];
  readonly sparse: SparseBlock;
}

export interface DenseColumn {
  readonly name: string;
  /** The contract column or derived feature it comes from. */
  readonly source: string;
  readonly values: Float64Array;
  /** Number of levels of a category column; 0 for numbers. */
  readonly cardinality: number;
}

/** Compressed sparse rows: row r holds entries offsets[r] to offsets[r + 1], column indices ascending within a row. */
export interface SparseBlock {
  readonly names: readonly string[];
  /** For each sparse column the contract column or derived feature it comes from. */
  readonly sources: readonly string[];
  readonly offsets: Uint32Array;
  readonly indices: Uint32Array;
  readonly values: Float64Array;
}

/** A block of no columns over `nRows` rows. */
export function emptySparseBlock(nRows: number): SparseBlock {
  return {
    names: [],
    sources: [],
    offsets: new Uint32Array(nRows + 1),
    indices: new Uint32Array(0),
    values: new Float64Array(0),
  };
}

/** How an estimator wants its inputs: `trees` takes missing values, codes and raw scales; `dense` wants numbers, scaled and complete. */
export type DesignStyle = "trees" | "dense";
