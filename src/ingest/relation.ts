import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { MillraceError } from "../core/errors/error.ts";
import { checkColumnNames } from "../frame/column-name.ts";
import type { Kind } from "../frame/column.ts";
import { type QuerySession, openQuery } from "../query/session.ts";
import { combine } from "./combined-table.ts";
import { openFiles } from "./file-table.ts";
import { filesOf, type LocatedSource } from "./locate.ts";
import { columnList, type Origin, reasonOf, type Table, type TableContext, unreadable } from "./table.ts";

/** A source ready to be queried: rows in file order, columns c0, c1, ... by position in `names`. */
export interface Relation {
  readonly session: QuerySession;
  /** Goes after FROM. */
  readonly sql: string;
  readonly names: readonly string[];
  /** DuckDB's type of each column; VARCHAR where the file holds texts. */
  readonly types: readonly string[];
  /** Rows counted without DuckDB, but of queries and inner joins. */
  readonly nRows: number;
  /** The files the rows come from, in their order; empty where rows are computed. */
  readonly origins: readonly Origin[];
  /** Of JSON: every key there is, whether a column or not. */
  readonly keys?: readonly string[];
  close(): Promise<void>;
}

export interface RelationOptions {
  /** Columns to be read of JSON, which has no header; null = all keys, as texts. */
  readonly wanted: readonly { readonly name: string; readonly kind: Kind }[] | null;
  /** Whether a column that is wanted of JSON, and of which no object has the key, is one without values. Default false. */
  readonly mayLackKeys?: boolean | undefined;
  /** A file to be written beside the reading. */
  readonly output: string | null;
  /** An existing folder for what does not fit into memory. */
  readonly scratch: string;
  readonly memoryMb?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Opens a source, counting its rows and checking its column names on the way. */
export async function openRelation(located: LocatedSource, options: RelationOptions): Promise<Relation> {
  const folder = join(options.scratch, "spill");
  await mkdir(folder);
  const files = [...filesOf(located).map((file) => file.path), ...(options.output === null ? [] : [options.output])];
  const memory = options.memoryMb === undefined ? {} : { memoryMb: options.memoryMb };
  const session = await openQuery({ files, temporaryFolder: folder, signal: options.signal, ...memory });
  const close = async (): Promise<void> => {
    session.close();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    let nFiles = 0;
    const { wanted, mayLackKeys = false, signal } = options;
    const context = { session, folder, wanted, mayLackKeys, signal, nextFile: () => ++nFiles };
    const table = await openTable(located, context);
    const whole = located.parts.length > 0 ? await materialize(located, table, session) : table;
    if (whole.nRows === 0) {
      const remedy =
        located.format === "csv" || located.format === "tsv" ? undefined : "Give a source with a row at least.";
      throw new MillraceError("SOURCE_EMPTY", { path: located.source.path, found: whole.emptiness, remedy });
    }
    return { ...whole, session, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openTable(located: LocatedSource, context: TableContext): Promise<Table> {
  const { source, parts } = located;
  if (parts.length === 0) return openFiles(located, context);
  const tables = [];
  for (const part of parts) {
    tables.push({ name: part.name, ...(await openTable(part.located, { ...context, wanted: null })) });
  }
  const combined = await combine(source, tables, context);
  checkColumnNames(combined.names);
  return combined;
}

/** Computed once, into a table that may spill to disk: a query that answers differently each time is asked only once. */
async function materialize(located: LocatedSource, table: Table, session: QuerySession): Promise<Table> {
  try {
    await session.run(`CREATE TABLE combined AS SELECT ${columnList(table.names.length)} FROM ${table.sql}`);
    const counted = await session.rows("SELECT count(*)::DOUBLE FROM combined");
    const nRows = Number(counted[0]![0]);
    if (!Number.isNaN(table.nRows) && table.nRows !== nRows)
      throw unreadable(located.source, `its sources hold ${table.nRows} rows, of which DuckDB read ${nRows}`);
    return { ...table, sql: "combined", nRows };
  } catch (error) {
    throw error instanceof MillraceError ? error : unreadable(located.source, reasonOf(error), error);
  }
}
