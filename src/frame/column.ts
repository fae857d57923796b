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

/** Whether the row has no value in the column. */
export function isMissing(column: ColumnData, row: number): boolean {
  switch (column.kind) {
    case "number":
    case "timestamp":
      return Number.isNaN(column.values[row]);
    case "boolean":
      return column.values[row] === missingBoolean;
    case "category":
      return column.codes[row] === missingCode;
    case "text":
      return column.values[row] === null;
  }
}

/** The column with every level as another, or missing where that is null; levels that become one are one. */
export function mapLevels(
  { codes, levels }: CategoryColumnData,
  change: (level: string) => string | null,
): CategoryColumnData {
  const changed = levels.map(change);
  const distinct = [...new Set(changed)].filter((level) => level !== null);
  const places = new Map(distinct.map((level, place) => [level, place]));
  const mapped = changed.map((level) => (level === null ? missingCode : places.get(level)!));
  return { kind: "category", codes: codes.map((code) => (code < 0 ? code : mapped[code]!)), levels: distinct };
}
