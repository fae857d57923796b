import type { BlockColumn } from "../delimited/block.ts";

/**
 * One column's part of a row group, ready to be written: a dictionary page where there is one, and a page of data. The
 * collector leaves the bytes alone until it encodes the next.
 */
export interface EncodedColumn {
  readonly nValues: number;
  readonly nMissing: number;
  readonly dictionary: { readonly bytes: Buffer; readonly size: number } | null;
  readonly data: readonly Buffer[];
}

/** Collects the rows of one column of a row group. */
export interface ColumnCollector {
  /** How many rows of the block, from `start` on, fit in; at least one where the collector is empty. */
  fits(column: BlockColumn, start: number, count: number): number;
  add(column: BlockColumn, start: number, count: number): void;
  /** The rows collected, which are then forgotten. */
  encode(): EncodedColumn;
}

/** What encoding takes for a while, by row: for one column after the other. */
export interface Scratch {
  readonly present: Uint8Array<ArrayBuffer>;
  readonly bits: Uint8Array<ArrayBuffer>;
  readonly truths: Uint8Array<ArrayBuffer>;
  readonly codes: Int32Array<ArrayBuffer>;
}
