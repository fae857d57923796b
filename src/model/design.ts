import { isShared } from "../core/shared-memory.ts";

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

export interface DenseColumn extends DesignColumn {
  readonly values: Float64Array;
}

/** What of a column is known without its values. */
export interface DesignColumn {
  readonly name: string;
  /** The contract column or derived feature it comes from. */
  readonly source: string;
  /** Number of levels of a category column; 0 for numbers. */
  readonly cardinality: number;
}

/** A design that is not in memory: whenever it is gone through, its rows are made anew, a block after the other. */
export interface StreamedDesign {
  readonly nRows: number;
  /** The dense columns of every block, then its sparse ones. */
  readonly columns: readonly DesignColumn[];
  /** All rows in order; `from` is the position of a block's first row. */
  blocks(): Iterable<{ readonly from: number; readonly design: Design }>;
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

/** Whether threads would read the design without a copy: all its columns are dense and in memory they share. */
export function isShareable({ dense, sparse }: Design): boolean {
  return sparse.names.length === 0 && dense.every(({ values }) => isShared(values));
}

/** The rows from `from` to before `to`, in the same memory but for where sparse rows begin. */
export function rowRange({ dense, sparse }: Design, from: number, to: number): Design {
  const { offsets, indices, values } = sparse;
  const [first, end] = [offsets[from]!, offsets[to]!];
  return {
    nRows: to - from,
    dense: dense.map((column) => ({ ...column, values: column.values.subarray(from, to) })),
    sparse: {
      ...sparse,
      offsets: offsets.subarray(from, to + 1).map((offset) => offset - first),
      indices: indices.subarray(first, end),
      values: values.subarray(first, end),
    },
  };
}

/** Some rows of a design, in the order given. */
export function takeRows({ dense, sparse }: Design, rows: Uint32Array): Design {
  const { offsets, indices, values } = sparse;
  const own = new Uint32Array(rows.length + 1);
  for (let i = 0; i < rows.length; ++i) own[i + 1] = own[i]! + offsets[rows[i]! + 1]! - offsets[rows[i]!]!;
  const entries = new Uint32Array(own[rows.length]!);
  for (let i = 0; i < rows.length; ++i)
    for (let e = 0, from = offsets[rows[i]!]!; e < own[i + 1]! - own[i]!; ++e) entries[own[i]! + e] = from + e;
  return {
    nRows: rows.length,
    dense: dense.map((column) => ({ ...column, values: takeValues(column.values, rows) })),
    sparse: {
      ...sparse,
      offsets: own,
      indices: entries.map((entry) => indices[entry]!),
      values: takeValues(values, entries),
    },
  };
}

/** The values at some positions, in the order given. */
export function takeValues(values: Float64Array, at: Uint32Array): Float64Array {
  const out = new Float64Array(at.length);
  for (let i = 0; i < out.length; ++i) out[i] = values[at[i]!]!;
  return out;
}
