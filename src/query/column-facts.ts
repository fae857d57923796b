import type { Kind } from "../frame/column.ts";

/** What all rows of a source say about one column; a contract can be inferred from it. */
export interface ColumnFacts {
  readonly name: string;
  /** The kind that fits every value, the narrowest first. */
  readonly kind: Kind;
  readonly nRows: number;
  readonly nMissing: number;
  /** Different values; above 10,000 an estimate within a few percent. */
  readonly nDistinct: number;
  /** Number and timestamp columns with values (timestamps in UTC milliseconds). */
  readonly min: number | null;
  readonly max: number | null;
  readonly isInteger: boolean;
  /** Lengths in characters; 0 for a column without values. */
  readonly meanLength: number;
  readonly maxLength: number;
  /** The commonest values as texts with their rows, at most 100; of a column with at most 1,000 different ones. */
  readonly levels: readonly (readonly [level: string, count: number])[];
  /** Texts that stand where the values of the column's kind would stand otherwise: they mean "missing" in this file. */
  readonly missingTexts: readonly string[];
}
