import { sharedNumbers } from "../core/shared-memory.ts";
import type { DenseColumn, Design, DesignColumn, StreamedDesign } from "../model/design.ts";
import { refuseInfinite } from "./completeness.ts";

/** The columns an estimator bins: in memory, or made anew a block of rows at a time. */
export interface TrainingColumns {
  readonly nRows: number;
  readonly columns: readonly DesignColumn[];
  /** Null where they are not in memory. */
  readonly held: DenseColumn[] | null;
  /** All rows in order; `from` is the position of a block's first row. */
  blocks(): Iterable<ColumnBlock>;
  /** Lets go of the values in memory, which are not read again. */
  release(): void;
}

export interface ColumnBlock {
  readonly from: number;
  readonly nRows: number;
  readonly columns: readonly DenseColumn[];
}

/** Rows of a block cut out of columns in memory. */
const blockRows = 65_536;

/** All columns of a design in memory, sparse ones written out. */
export function heldColumns(design: Design): TrainingColumns {
  const { nRows } = design;
  const held = denseColumns(design);
  return {
    nRows,
    columns: held,
    held,
    *blocks() {
      for (let from = 0; from < nRows; from += blockRows) {
        const to = Math.min(nRows, from + blockRows);
        const columns = held.map((column) => ({ ...column, values: column.values.subarray(from, to) }));
        yield { from, nRows: to - from, columns };
      }
    },
    release() {
      for (const [f, column] of held.entries()) held[f] = withoutValues(column);
    },
  };
}

/** The same column, its values let go of. */
export function withoutValues(column: DenseColumn): DenseColumn {
  return { ...column, values: new Float64Array(0) };
}

/** All columns of a design that is not in memory, sparse ones written out block by block. */
export function streamedColumns({ nRows, columns, blocks }: StreamedDesign): TrainingColumns {
  return {
    nRows,
    columns,
    held: null,
    *blocks() {
      for (const { from, design } of blocks()) yield { from, nRows: design.nRows, columns: denseColumns(design) };
    },
    release() {},
  };
}

/** The same columns. Throws DEFINITION_INVALID where one has infinite values: at once, or where the block is asked for that has them. */
export function finiteColumns(estimator: string, rows: TrainingColumns): TrainingColumns {
  if (rows.held === null) return finiteBlocks(estimator, rows);
  refuseInfinite(estimator, rows.held);
  return rows;
}

/** The same columns. Throws DEFINITION_INVALID where a block is asked for that has infinite values. */
export function finiteBlocks(estimator: string, rows: TrainingColumns): TrainingColumns {
  return {
    ...rows,
    *blocks() {
      for (const block of rows.blocks()) {
        refuseInfinite(estimator, block.columns);
        yield block;
      }
    },
  };
}

/** All columns of a design as dense ones: the dense columns, then the sparse ones with their zeros written out. */
function denseColumns(design: Design): DenseColumn[] {
  const { sparse, nRows } = design;
  const written = sparse.names.map((name, j) => ({
    name,
    source: sparse.sources[j]!,
    values: sharedNumbers(nRows),
    cardinality: 0,
  }));
  for (let row = 0; row < (written.length === 0 ? 0 : nRows); ++row) {
    for (let e = sparse.offsets[row]!; e < sparse.offsets[row + 1]!; ++e) {
      written[sparse.indices[e]!]!.values[row] = sparse.values[e]!;
    }
  }
  return [...design.dense, ...written];
}
