import type { Kind } from "../../frame/column.ts";

/** How the records of a delimited file become columns, as plain data that crosses threads. */
export interface BlockPlan {
  readonly delimiter: string;
  /** Whether `"` opens a cell. */
  readonly quotes: boolean;
  /** Cells of every record. */
  readonly nCells: number;
  readonly columns: readonly PlannedColumn[];
}

/** A column to be read. */
export interface PlannedColumn {
  readonly kind: Kind;
  /** Which cell of a record; no two columns read the same cell. */
  readonly cell: number;
  /** Texts that mean "missing" beside the usual ones, without blanks around them. */
  readonly missing: readonly string[];
}

/** The values of one column in some rows. The arrays may be longer than there are rows. */
export type BlockColumn =
  | { readonly kind: "number" | "timestamp"; readonly values: Float64Array<ArrayBuffer> }
  | { readonly kind: "boolean"; readonly values: Uint8Array<ArrayBuffer> }
  | { readonly kind: "category"; readonly codes: Int32Array<ArrayBuffer>; readonly levels: readonly string[] }
  /** UTF-8 texts one after the other; `ends[i]` is where text i ends. The empty text is a missing one. */
  | { readonly kind: "text"; readonly ends: Int32Array<ArrayBuffer>; readonly bytes: Uint8Array<ArrayBuffer> };

/** A cell that is not of its column's kind. */
export interface BadCell {
  /** Which of the plan's columns. */
  readonly column: number;
  readonly row: number;
  /** Its first 101 characters. */
  readonly text: string;
}

/** Whole records, read. Rows and lines count from 0 within the block. */
export interface Block {
  readonly nRows: number;
  readonly nLines: number;
  readonly columns: readonly BlockColumn[];
  /** Of the columns but the bytes of texts; whoever is done with these may have it written over. */
  readonly memory: ArrayBuffer;
  /** What ends every line. */
  readonly lineEnd: "\n" | "\r\n";
  /** Pairs of (row, line): from that row on lines go up with rows. */
  readonly lines: readonly number[];
  /** By row, then by column; the first 1,000. */
  readonly badCells: readonly BadCell[];
  /** For each column, its rows with such a cell. */
  readonly badRows: readonly (readonly number[])[];
}
