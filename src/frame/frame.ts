import { MillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import { stretch } from "../math/stretch.ts";
import type { ColumnData, Kind } from "./column.ts";

/**
 * Rows held by column. `names[i]` names `columns[i]`; names are data from outside and never become object keys. Where a
 * frame has a `reader`, its columns are not in memory: each is read anew when it is asked for, so whoever wants all of
 * them takes them one after the other.
 */
export interface Frame {
  readonly nRows: number;
  readonly names: readonly string[];
  readonly columns: readonly ColumnData[];
  readonly reader?: ColumnReader;
}

/** Reads the columns of a frame that is too large to hold, by their position. */
export interface ColumnReader {
  readonly kinds: readonly Kind[];
  column(index: number): ColumnData;
  /** The rows at `rows`, in that order; cheap where they are ascending and those of the next call follow them. */
  rows(index: number, rows: Uint32Array): ColumnData;
}

/** A frame of columns of equal length, in the order given. */
export function createFrame(nRows: number, entries: Iterable<readonly [string, ColumnData]>): Frame {
  const names: string[] = [];
  const columns: ColumnData[] = [];
  for (const [name, column] of entries) {
    names.push(name);
    columns.push(column);
  }
  return Object.freeze({ nRows, names: Object.freeze(names), columns: Object.freeze(columns) });
}

/** A frame of columns that `reader` reads when they are asked for. */
export function createReadFrame(nRows: number, names: readonly string[], reader: ColumnReader): Frame {
  const columns = columnList(names.length, (index) => reader.column(index));
  return Object.freeze({ nRows, names: Object.freeze([...names]), columns, reader });
}

/** A list of columns each of which is made, or read, when it is asked for, and not kept. */
export function columnList(length: number, at: (index: number) => ColumnData): readonly ColumnData[] {
  const columns: ColumnData[] = [];
  for (let index = 0; index < length; ++index)
    Object.defineProperty(columns, index, { get: () => at(index), enumerable: true });
  return Object.freeze(columns);
}

/** The columns of these names, each looked up when it is asked for: for whoever goes through them one after the other. */
export function columnsOf(frame: Frame, names: readonly string[]): readonly ColumnData[] {
  return columnList(names.length, (index) => columnOf(frame, names[index]!));
}

/** Number of rows of a column. */
export function lengthOf(column: ColumnData): number {
  return column.kind === "category" ? column.codes.length : column.values.length;
}

/** The column called `name`; undefined where the frame has none. */
export function findColumn(frame: Frame, name: string): ColumnData | undefined {
  const index = frame.names.indexOf(name);
  return index < 0 ? undefined : frame.columns[index];
}

/** The column called `name`; throws COLUMN_MISSING with the nearest name where the frame has none. */
export function columnOf(frame: Frame, name: string): ColumnData {
  const column = findColumn(frame, name);
  if (column) return column;
  throw new MillraceError("COLUMN_MISSING", {
    name,
    subject: "the frame",
    found: frame.names,
    nearest: nearestName(name, frame.names),
  });
}

/** What the column called `name` holds; undefined where the frame has none. */
export function kindOf(frame: Frame, name: string): Kind | undefined {
  const index = frame.names.indexOf(name);
  return frame.reader ? frame.reader.kinds[index] : frame.columns[index]?.kind;
}

/** The rows at `rows`, in that order; a row may be taken more than once. */
export function takeRows(frame: Frame, rows: Uint32Array): Frame {
  return takeColumns(frame, frame.names, rows);
}

/** As `takeRows`, of some columns; throws COLUMN_MISSING as `columnOf` does. */
export function takeColumns(frame: Frame, names: readonly string[], rows: Uint32Array): Frame {
  return createFrame(
    rows.length,
    names.map((name) => [name, takeColumn(frame, name, rows)] as const),
  );
}

/** The values at `rows`, in that order, of the column called `name`; throws as `columnOf` does. */
export function takeColumn(frame: Frame, name: string, rows: Uint32Array): ColumnData {
  const index = frame.reader ? frame.names.indexOf(name) : -1;
  return index >= 0 ? frame.reader!.rows(index, rows) : takeFromColumn(columnOf(frame, name), rows);
}

/** One column's values at `rows`, in that order. */
export function takeFromColumn(column: ColumnData, rows: Uint32Array): ColumnData {
  const n = rows.length;
  switch (column.kind) {
    case "number":
    case "timestamp": {
      const values = new Float64Array(n);
      for (let from = 0; from < n; from += stretch)
        takeNumbers(column.values, rows.subarray(from, from + stretch), values.subarray(from));
      return { kind: column.kind, values };
    }
    case "boolean": {
      const values = new Uint8Array(n);
      for (let from = 0; from < n; from += stretch)
        takeTruths(column.values, rows.subarray(from, from + stretch), values.subarray(from));
      return { kind: "boolean", values };
    }
    case "category": {
      const codes = new Int32Array(n);
      for (let from = 0; from < n; from += stretch)
        takeCodes(column.codes, rows.subarray(from, from + stretch), codes.subarray(from));
      return { kind: "category", codes, levels: column.levels };
    }
    case "text":
      return { kind: "text", values: Array.from(rows, (row) => column.values[row]!) };
  }
}

// A loop that meets arrays of more than one type is slow for all of them.

function takeNumbers(values: Float64Array, rows: Uint32Array, out: Float64Array): void {
  for (let i = 0, n = rows.length; i < n; ++i) out[i] = values[rows[i]!]!;
}

function takeTruths(values: Uint8Array, rows: Uint32Array, out: Uint8Array): void {
  for (let i = 0, n = rows.length; i < n; ++i) out[i] = values[rows[i]!]!;
}

function takeCodes(codes: Int32Array, rows: Uint32Array, out: Int32Array): void {
  for (let i = 0, n = rows.length; i < n; ++i) out[i] = codes[rows[i]!]!;
}
