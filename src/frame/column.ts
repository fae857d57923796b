/** What a column holds. */
export type Kind = "number" | "category" | "text" | "boolean" | "timestamp";

/** Numbers; missing is NaN. */
export interface NumberColumnData {
  readonly kind: "number";
  readonly values: Float64Array;
}

/** 0, 1, or 255 for missing. */
export interface BooleanColumnData {
  readonly kind: "boolean";
  readonly values: Uint8Array;
}

/** Milliseconds since 1970 UTC; missing is NaN. */
export interface TimestampColumnData {
  readonly kind: "timestamp";
  readonly values: Float64Array;
}

/** Positions in `levels`; missing is -1. Levels belong to this column alone: two frames may code the same level differently. */
export interface CategoryColumnData {
  readonly kind: "category";
  readonly codes: Int32Array;
  readonly levels: readonly string[];
}

/** Strings; missing is null. */
export interface TextColumnData {
  readonly kind: "text";
  readonly values: readonly (string | null)[];
}

export type ColumnData =
  | NumberColumnData
  | BooleanColumnData
  | TimestampColumnData
  | CategoryColumnData
  | TextColumnData;

export const missingBoolean = 255;
export const missingCode = -1;
