import { MillraceError } from "../../core/errors/error.ts";
import type { CellRows } from "../parts/cells-file.ts";

/** A database within one transaction that sees one state and can only read. */
export interface SelectSession {
  /** The rows of one query, in bounded batches. One at a time. */
  select(query: string, parameters?: readonly string[]): Promise<CellRows>;
  quoteName(name: string): string;
  /** SQL of parameter `position` (from 1), to be compared with a column of this query; throws where the column is of no growing type. */
  watermark(query: string, column: string, position: number): Promise<string>;
}

/** One on a server. */
export interface DatabaseSession extends SelectSession {
  /** Columns of the primary key; empty where there is none. */
  keyOf(table: string): Promise<readonly string[]>;
  /** Ends the transaction; throws where the server did not stay until then. */
  finish(): Promise<void>;
  /** Lets go of the server at once, whatever it does. */
  destroy(): void;
}

export interface SessionOptions {
  readonly url: string;
  readonly password: string | undefined;
  readonly timeoutMs: number;
}

/** Rows fetched at once. */
export const batchRows = 2_000;

/** A column whose maximum is no watermark. */
export function notGrowing(column: string): MillraceError {
  return new MillraceError("SOURCE_MISMATCH", {
    subject: `since: "${column}"`,
    rule: "must be an integer, a date or a time",
    actual: "a column of another type",
    remedy: "Name a column that only grows, such as a serial key or the time a row was written.",
  });
}
