import type { CompiledQuery, DatabaseConnection, Driver, QueryResult } from "kysely";
import { MillraceError } from "../../core/errors/error.ts";
import type { Durability, StoreHooks } from "../hooks.ts";
import { createTurns } from "../turns.ts";
import { idleLimitMs, isConnectionLost, isWorthRepeating, lockWaitMs, serverError } from "./faults.ts";
import type { PostgresSession } from "./session.ts";

const changing: ReadonlySet<string> = new Set(["INSERT", "UPDATE", "DELETE"]);
const mostTries = 4;

/** One connection, lent to one query or transaction at a time, in the order they are asked for: as the embedded store does. */
export class PostgresDriver implements Driver {
  readonly #session: PostgresSession;
  readonly #lock: bigint;
  readonly #hooks: StoreHooks;
  readonly #turn = createTurns();
  #release: () => void = () => {};
  #isInTransaction = false;

  constructor(session: PostgresSession, lock: bigint, hooks: StoreHooks) {
    this.#session = session;
    this.#lock = lock;
    this.#hooks = hooks;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    this.#release = await this.#turn();
    this.#session.hold(true);
    return {
      executeQuery: <R>(query: CompiledQuery) => this.#execute<R>(query),
      streamQuery: <R>(query: CompiledQuery) => this.#stream<R>(query),
    };
  }

  async releaseConnection(): Promise<void> {
    this.#isInTransaction = false;
    this.#session.hold(false);
    this.#release();
  }

  async #execute<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    try {
      if (this.#isInTransaction) return await this.#run<R>(query);
      const isReading = query.query.kind === "SelectQueryNode";
      return await this.#again(isReading, () => this.#run<R>(query));
    } catch (error) {
      throw serverError(this.#session.place, error);
    }
  }

  async #run<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const result = await this.#session.query(query.sql, query.parameters);
    const rows = result.rows as R[];
    return changing.has(result.command) ? { rows, numAffectedRows: BigInt(result.rowCount ?? 0) } : { rows };
  }

  async *#stream<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    yield await this.#execute<R>(query);
  }

  /** Connects and tries; a second time where the connection was found broken and `work` changes nothing. */
  async #again<T>(mayRepeat: boolean, work: () => Promise<T>): Promise<T> {
    await this.#session.connect();
    try {
      return await work();
    } catch (error) {
      if (!mayRepeat || !isConnectionLost(error)) throw error;
      this.#session.drop();
    }
    await this.#session.connect();
    return work();
  }

  /**
   * Begins and takes the store's write lock, which the server frees with the transaction, however that ends. A writer that
   * stands still is thrown out after a while, so that it holds up nobody for long.
   */
  #begin(durability: Durability): Promise<unknown> {
    return this.#session.query(
      `begin isolation level read committed; set local lock_timeout = ${lockWaitMs}; ` +
        `set local idle_in_transaction_session_timeout = ${idleLimitMs}; ` +
        (durability === "eventually" ? "set local synchronous_commit = off; " : "") +
        `select pg_advisory_xact_lock(${this.#lock})`,
    );
  }

  async beginTransaction(): Promise<void> {
    try {
      await this.#again(true, () => this.#begin("now"));
      this.#isInTransaction = true;
      this.#hooks.reached("transaction.begun");
    } catch (error) {
      await this.rollbackTransaction();
      throw serverError(this.#session.place, error);
    }
  }

  async commitTransaction(): Promise<void> {
    try {
      this.#hooks.reached("transaction.committing");
      await this.#commit();
    } catch (error) {
      throw serverError(this.#session.place, error);
    }
    this.#hooks.reached("transaction.committed");
  }

  /** A commit without an answer is never repeated: it may have arrived. */
  async #commit(): Promise<void> {
    let answer: string;
    try {
      answer = (await this.#session.query("commit")).command;
    } catch (error) {
      if (!isConnectionLost(error)) throw error;
      const reason = "the connection broke at a commit, which may have arrived or not";
      throw new MillraceError("STORE_UNREACHABLE", { place: this.#session.place, reason }, { cause: error });
    }
    if (answer !== "COMMIT") throw new Error(`a transaction in which a query failed was committed: ${answer}`);
  }

  async rollbackTransaction(): Promise<void> {
    this.#isInTransaction = false;
    if (!this.#session.isConnected) return;
    await this.#session.query("rollback").catch(() => this.#session.drop());
  }

  /**
   * Runs `work` as one transaction, again from its start where the server ended it before the commit was sent. Only
   * what is to last eventually waits for no disk.
   */
  async atOnce<T>(work: (execute: Execute) => Promise<T>, durability: Durability): Promise<T> {
    await this.acquireConnection();
    try {
      for (let tries = 1; ; ++tries) {
        const done = await this.#attempt(work, durability, tries < mostTries);
        if (done) return done.value;
      }
    } catch (error) {
      throw serverError(this.#session.place, error);
    } finally {
      await this.releaseConnection();
    }
  }

  /** Null where it is worth another try. */
  async #attempt<T>(
    work: (execute: Execute) => Promise<T>,
    durability: Durability,
    mayRepeat: boolean,
  ): Promise<{ readonly value: T } | null> {
    await this.#session.connect();
    let value: T;
    try {
      await this.#begin(durability);
      this.#hooks.reached("transaction.begun", durability);
      value = await work((query) => this.#run(query));
      this.#hooks.reached("transaction.committing", durability);
    } catch (error) {
      if (isConnectionLost(error)) this.#session.drop();
      await this.rollbackTransaction();
      if (mayRepeat && isWorthRepeating(error)) return null;
      throw error;
    }
    try {
      await this.#commit();
    } catch (error) {
      await this.rollbackTransaction();
      throw error;
    }
    this.#hooks.reached("transaction.committed", durability);
    return { value };
  }

  async destroy(): Promise<void> {
    await this.#session.close();
  }
}

export type Execute = <R>(query: CompiledQuery<R>) => Promise<QueryResult<R>>;
