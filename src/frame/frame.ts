import { MillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import type { ColumnData } from "./column.ts";

/** Rows held by column. `names[i]` names `columns[i]`; names are data from outside and never become object keys. */
export interface Frame {
  readonly nRows: number;
  readonly names: readonly string[];
  readonly columns: readonly ColumnData[];
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

/** The rows at `rows`, in that order; a row may be taken more than once. */
export function takeRows(frame: Frame, rows: Uint32Array): Frame {
  return createFrame(
    rows.length,
    frame.names.map((name, i) => [name, takeFromColumn(frame.columns[i]!, rows)] as const),
  );
}

/** One column's values at `rows`, in that order. */
export function takeFromColumn(column: ColumnData, rows: Uint32Array): ColumnData {
  const n = rows.length;
  switch (column.kind) {
    case "number":
    case "timestamp": {
      const values = new Float64Array(n);
      for (let i = 0; i < n; ++i) values[i] = column.values[rows[i]!]!;
      return { kind: column.kind, values };
    }
    case "boolean": {
      const values = new Uint8Array(n);
      for (let i = 0; i < n; ++i) values[i] = column.values[rows[i]!]!;
      return { kind: "boolean", values };
    }
    case "category": {
      const codes = new Int32Array(n);
      for (let i = 0; i < n; ++i) codes[i] = column.codes[rows[i]!]!;
      return { kind: "category", codes, levels: column.levels };
    }
    case "text":
      return { kind: "text", values: Array.from(rows, (row) => column.values[row]!) };
  }
}
