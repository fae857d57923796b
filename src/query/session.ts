import { availableParallelism } from "node:os";
import type { DuckDBConnection, DuckDBInstance, DuckDBValue } from "@duckdb/node-api";
import { MillraceError } from "../core/errors/error.ts";
import type { Progress } from "../core/progress.ts";
import { createTable, type TableColumn } from "./append.ts";
import { type ChunkReader, openChunkReader, rowsOf } from "./chunk-reader.ts";
import { quoteLiteral } from "./quote.ts";

export interface QueryOptions {
  /** The files it may read or write, absolute and without symbolic links; nothing else on the machine is reachable. */
  readonly files: readonly string[];
  /** A folder it may spill to; absent = it never spills. */
  readonly temporaryFolder?: string;
  /** Default: all cores, at most 4, for each holds buffers of its own. Results do not depend on it. */
  readonly threads?: number;
  /** Default 1024. */
  readonly memoryMb?: number;
  readonly signal?: AbortSignal | undefined;
}

/** An in-memory DuckDB that sees the given files and no others. Close it. */
export interface QuerySession {
  run(sql: string, progress?: { readonly progress: Progress; readonly total: number }): Promise<void>;
  /** A small result, row by row, values by position. */
  rows(sql: string): Promise<readonly (readonly DuckDBValue[])[]>;
  /** A large result, in chunks of up to 2,048 rows, in the order of the query. */
  stream(sql: string): Promise<ChunkReader>;
  /** Makes a table of columns c0, c1, ...; `table` is a name of ours, never one from outside. */
  createTable(table: string, columns: readonly TableColumn[], nRows: number): Promise<void>;
  close(): void;
}

const mostThreads = 4;

/** Opens a locked-down session; the driver is loaded on the first call only. */
export async function openQuery(options: QueryOptions): Promise<QuerySession> {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const instance = await DuckDBInstance.create(":memory:", {
    threads: String(options.threads ?? Math.min(mostThreads, availableParallelism())),
    memory_limit: `${options.memoryMb ?? 1024}MB`,
    autoload_known_extensions: "false",
    autoinstall_known_extensions: "false",
  });
  const connection = await instance.connect();
  try {
    await lockDown(connection, options);
  } catch (error) {
    connection.closeSync();
    instance.closeSync();
    throw error;
  }
  return createSession(instance, connection, options.signal);
}

/** Measured to block `..`, links, SET, INSTALL and COPY to elsewhere; the order matters, the last statement seals it. */
async function lockDown(connection: DuckDBConnection, options: QueryOptions): Promise<void> {
  const files = options.files.map(quoteLiteral).join(", ");
  const temporary = options.temporaryFolder ?? "";
  await connection.run(`SET temp_directory = ${quoteLiteral(temporary)}`);
  await connection.run("SET TimeZone = 'UTC'");
  // A larger buffer lets the other threads decode ahead while this one copies.
  await connection.run("SET streaming_buffer_size = '8MB'");
  await connection.run(`SET allowed_paths = [${files}]`);
  if (temporary) await connection.run(`SET allowed_directories = [${quoteLiteral(temporary)}]`);
  await connection.run("SET enable_external_access = false");
  await connection.run("SET lock_configuration = true");
}

function createSession(
  instance: DuckDBInstance,
  connection: DuckDBConnection,
  signal: AbortSignal | undefined,
): QuerySession {
  const interrupt = (): void => connection.interrupt();
  signal?.addEventListener("abort", interrupt);
  /** An interrupted query fails with a text of DuckDB's; the cause is ours to name. */
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    if (signal?.aborted) throw new MillraceError("CANCELLED", { subject: "the query" });
    try {
      return await work();
    } catch (error) {
      throw signal?.aborted ? new MillraceError("CANCELLED", { subject: "the query" }, { cause: error }) : error;
    }
  };
  return {
    run: (sql, watched) => guarded(() => runWatched(connection, sql, watched)),
    rows: (sql) => guarded(async () => (await (await connection.run(sql)).fetchAllChunks()).flatMap(rowsOf)),
    stream: (sql) => guarded(async () => openChunkReader(await connection.stream(sql), guarded)),
    createTable: (table, columns, nRows) => guarded(() => createTable(connection, table, columns, nRows)),
    close() {
      signal?.removeEventListener("abort", interrupt);
      connection.closeSync();
      instance.closeSync();
    },
  };
}

const progressIntervalMs = 100;

async function runWatched(
  connection: DuckDBConnection,
  sql: string,
  watched: { readonly progress: Progress; readonly total: number } | undefined,
): Promise<void> {
  if (!watched) {
    await connection.run(sql);
    return;
  }
  const { progress, total } = watched;
  const timer = setInterval(() => {
    const share = connection.progress.percentage / 100;
    if (share > 0 && share < 1) progress.report(Math.floor(share * total), total, "rows");
  }, progressIntervalMs);
  try {
    await connection.run(sql);
  } finally {
    clearInterval(timer);
  }
}

/** Opens a session for `work` and closes it whatever happens. */
export async function withQuery<T>(options: QueryOptions, work: (session: QuerySession) => Promise<T>): Promise<T> {
  const session = await openQuery(options);
  try {
    return await work(session);
  } finally {
    session.close();
  }
}
