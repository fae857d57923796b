import type { CellRows } from "../parts/cells-file.ts";

/** A server within one transaction that sees one state and can only read. */
export interface DatabaseSession {
  /** The rows of one query, in bounded batches. One at a time. */
  select(query: string, parameters?: readonly string[]): Promise<CellRows>;
  quoteName(name: string): string;
  /** SQL of parameter `position` (from 1), to be compared with a column of this query; throws where the column is of no growing type. */
  watermark(query: string, column: string, position: number): Promise<string>;
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
