import type { CompiledQuery, DatabaseConnection, Driver, QueryResult } from "kysely";
import { isMillraceError } from "../core/errors/error.ts";
import type { Durability, StoreHooks } from "./hooks.ts";
import { createLogSync } from "./log-sync.ts";
import type { LogSync } from "./log-sync.ts";
import {
  allRows,
  beginImmediate,
  bindable,
  busyTimeoutMs,
  emptyLog,
  isBusy,
  rollBack,
  storeError,
  whenFree,
} from "./sqlite.ts";
import type { SqliteDatabase, SqliteStatement, SqliteValue } from "./sqlite.ts";
import { createTurns } from "./turns.ts";

type Synchronous = "full" | "normal";

/** So many statements are kept ready; preparing one takes longer than most take to run. */
const mostPrepared = 200;

interface Prepared {
  readonly statement: SqliteStatement;
  readonly givesRows: boolean;
}

class SqliteConnection implements DatabaseConnection {
  readonly #database: SqliteDatabase;
  readonly #path: string;
  readonly #prepared = new Map<string, Prepared>();

  constructor(database: SqliteDatabase, path: string) {
    this.#database = database;
    this.#path = path;
  }

  executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    return new Promise((resolve) => resolve(this.executeNow<R>(query)));
  }

  executeNow<R>(query: CompiledQuery): QueryResult<R> {
    try {
      return this.execute(query);
    } catch (error) {
      throw storeError(this.#path, error);
    }
  }

  /** Throws the engine's own errors. */
  execute<R>(query: CompiledQuery): QueryResult<R> {
    try {
      const { statement, givesRows } = this.prepare(query.sql);
      const parameters = (query.parameters as SqliteValue[]).map(bindable);
      if (givesRows) return { rows: allRows(statement, parameters) as R[] };
      return { rows: [], numAffectedRows: BigInt(statement.run(...parameters).changes) };
    } catch (error) {
      this.#prepared.delete(query.sql);
      throw error;
    }
  }

  prepare(sql: string): Prepared {
    const found = this.#prepared.get(sql);
    if (found) return found;
    const statement = this.#database.prepare(sql);
    const prepared = { statement, givesRows: statement.columns().length > 0 };
    // The oldest goes: texts that are asked for again and again come back at once.
    if (this.#prepared.size >= mostPrepared) this.#prepared.delete(this.#prepared.keys().next().value!);
    this.#prepared.set(sql, prepared);
    return prepared;
  }

  /** Lets go of every statement; the database can be closed then. */
  forget(): void {
    this.#prepared.clear();
  }

  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    yield await this.executeQuery<R>(query);
  }
}

/** One connection, lent to one query or transaction at a time. */
export class SqliteDriver implements Driver {
  readonly #database: SqliteDatabase;
  readonly #connection: SqliteConnection;
  readonly #path: string;
  readonly #hooks: StoreHooks;
  readonly #log: LogSync;
  readonly #turn = createTurns();
  #release: () => void = () => {};
  /** As the connection is set at present; to set it anew for every commit of a step takes as long as a query. */
  #busyMs = busyTimeoutMs;
  #synchronous: Synchronous = "full";

  constructor(database: SqliteDatabase, path: string, hooks: StoreHooks) {
    this.#database = database;
    this.#connection = new SqliteConnection(database, path);
    this.#path = path;
    this.#hooks = hooks;
    this.#log = createLogSync(path, hooks);
  }

  async init(): Promise<void> {}

  prepare(query: CompiledQuery): void {
    this.#connection.prepare(query.sql);
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    await this.#take();
    this.#set(busyTimeoutMs, "full");
    return this.#connection;
  }

  async #take(): Promise<void> {
    this.#release = await this.#turn();
  }

  #set(busyMs: number, synchronous: Synchronous): void {
    if (busyMs !== this.#busyMs) this.#database.exec(`pragma busy_timeout = ${busyMs}`);
    this.#busyMs = busyMs;
    if (synchronous !== this.#synchronous) this.#database.exec(`pragma synchronous = ${synchronous}`);
    this.#synchronous = synchronous;
  }

  async beginTransaction(): Promise<void> {
    await this.#leaveMistrustedLog();
    await beginImmediate(this.#database, this.#path);
    try {
      this.#hooks.reached("transaction.begun");
    } catch (error) {
      rollBack(this.#database);
      throw storeError(this.#path, error);
    }
  }

  async commitTransaction(): Promise<void> {
    try {
      this.#hooks.reached("transaction.committing");
      this.#database.exec("commit");
    } catch (error) {
      throw storeError(this.#path, error);
    }
    this.#hooks.reached("transaction.committed");
  }

  async rollbackTransaction(): Promise<void> {
    rollBack(this.#database);
  }

  async releaseConnection(): Promise<void> {
    this.#release();
  }

  async snapshot(target: string): Promise<void> {
    await this.acquireConnection();
    try {
      this.#database.prepare("vacuum into ?").run(target);
    } catch (error) {
      throw storeError(target, error);
    } finally {
      this.#release();
    }
  }

  /** Reads past the query layer's own way to a connection, which takes longer than most queries. */
  async rowsOf<Row>(query: CompiledQuery<Row>): Promise<readonly Row[]> {
    await this.#take();
    try {
      return this.#rowsNow(query);
    } finally {
      this.#release();
    }
  }

  #rowsNow<Row>(query: CompiledQuery<Row>): readonly Row[] {
    try {
      return this.#connection.executeNow<Row>(query).rows;
    } catch (error) {
      if (!isMillraceError(error) || error.code !== "STORE_BUSY" || this.#busyMs === busyTimeoutMs) throw error;
    }
    // Readers are in nobody's way but for moments: the engine waits for those.
    this.#set(busyTimeoutMs, this.#synchronous);
    return this.#connection.executeNow<Row>(query).rows;
  }

  /**
   * Runs `work` as one transaction without once going back to the event loop, so that the write lock is never held while
   * code of a step computes. Where it need not last at once its pages are in the log when this returns, which outlives the
   * process, and nothing is synced: the sync of a later commit covers them, and that of `lasting` those that are to last soon.
   */
  atOnce<T>(work: (execute: Execute) => T, asked: Durability): Promise<T> {
    return this.#write(asked, (durability) => {
      this.#database.exec("begin immediate");
      try {
        this.#hooks.reached("transaction.begun", durability);
        const result = work((query) => this.#connection.executeNow(query));
        this.#hooks.reached("transaction.committing", durability);
        this.#database.exec("commit");
        return result;
      } catch (error) {
        rollBack(this.#database);
        throw storeError(this.#path, error);
      }
    });
  }

  /** As `atOnce`, of one query: the engine makes it a transaction by itself, in half the time. */
  alone<R>(query: CompiledQuery<R>, asked: Durability): Promise<QueryResult<R>> {
    return this.#write(asked, (durability) => {
      try {
        this.#hooks.reached("transaction.begun", durability);
        this.#hooks.reached("transaction.committing", durability);
        return this.#connection.execute(query);
      } catch (error) {
        throw isBusy(error) ? error : storeError(this.#path, error);
      }
    });
  }

  async #write<T>(asked: Durability, transaction: (durability: Durability) => T): Promise<T> {
    await this.#take();
    const durability = asked === "soon" && !this.#log.open() ? "now" : asked;
    try {
      await this.#leaveMistrustedLog();
      this.#set(0, durability === "now" ? "full" : "normal");
      return await whenFree(this.#path, () => {
        const result = transaction(durability);
        if (durability === "soon") this.#log.written();
        this.#hooks.reached("transaction.committed", durability);
        return result;
      });
    } finally {
      this.#release();
    }
  }

  /** Resolves once everything written so far to last soon does. */
  lasting(): Promise<void> {
    return this.#log.lasting();
  }

  /** After a sync that failed the system may say of the next one that all is well: nothing is built on such a log. */
  async #leaveMistrustedLog(): Promise<void> {
    if (!this.#log.isMistrusted()) return;
    this.#set(busyTimeoutMs, "full");
    await emptyLog(this.#database, this.#path, this.#hooks);
    this.#log.emptied();
  }

  async destroy(): Promise<void> {
    await this.#log.close();
    this.#connection.forget();
    try {
      this.#hooks.reached("log.emptying");
      // The engine does so itself only where no statement is left open, and garbage collection decides that.
      this.#database.exec("pragma busy_timeout = 0; pragma wal_checkpoint(truncate)");
      this.#hooks.reached("log.emptied");
    } catch {
      // Others are at work, or the disk is full: the log stays, and is as durable as the file.
    }
    this.#database.close();
  }
}

export type Execute = <R>(query: CompiledQuery<R>) => QueryResult<R>;
