import { closeSync, fsync, openSync } from "node:fs";
import type { StoreHooks } from "./hooks.ts";
import { unwritableError } from "./unwritable.ts";

/** Makes the log of a database last in a thread of its own, while others compute. */
export interface LogSync {
  /** False where there is no log to sync. Before a commit that is to be synced: a disk tells its errors to whoever had the file open. */
  open(): boolean;
  /** Notes a commit that did not wait for the disk. */
  written(): void;
  /** Resolves once everything written so far lasts. Throws STORE_UNWRITABLE. */
  lasting(): Promise<void>;
  /** Whether a sync failed: what was written since the one before may never last, whatever the next one says. */
  isMistrusted(): boolean;
  /** Notes that all of the log is in the database itself, and lasts. */
  emptied(): void;
  /** Waits for what was written to last, if it may. */
  close(): Promise<void>;
}

/** That of the database at `path`. */
export function createLogSync(path: string, hooks: StoreHooks): LogSync {
  return new ThreadedLogSync(path, hooks);
}

class ThreadedLogSync implements LogSync {
  readonly #path: string;
  readonly #hooks: StoreHooks;
  #file: number | null = null;
  #isUnsynced = false;
  #failure: { readonly error: unknown } | null = null;
  #current: Promise<void> = Promise.resolve();

  constructor(path: string, hooks: StoreHooks) {
    this.#path = path;
    this.#hooks = hooks;
  }

  open(): boolean {
    this.#file ??= openedLog(this.#path);
    return this.#file !== null;
  }

  written(): void {
    this.#isUnsynced = true;
  }

  lasting(): Promise<void> {
    if (!this.#isUnsynced) return this.#current;
    this.#isUnsynced = false;
    const sync = (): Promise<void> => this.#sync();
    this.#current = this.#current.then(sync, sync);
    // Whoever asks hears of it; nobody need ask.
    this.#current.catch(() => {});
    return this.#current;
  }

  isMistrusted(): boolean {
    return this.#failure !== null;
  }

  emptied(): void {
    this.#failure = null;
    this.#isUnsynced = false;
    this.#current = Promise.resolve();
  }

  async close(): Promise<void> {
    await this.lasting().catch(() => {});
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }

  async #sync(): Promise<void> {
    if (this.#failure) throw this.#failure.error;
    try {
      this.#hooks.reached("log.syncing");
      await synced(this.#file!);
      this.#hooks.reached("log.synced");
    } catch (error) {
      const failure = unwritableError(this.#path, error);
      this.#failure = { error: failure };
      throw failure;
    }
  }
}

/** Null for a database in memory. */
function openedLog(path: string): number | null {
  try {
    return openSync(`${path}-wal`, "r+");
  } catch {
    return null;
  }
}

function synced(file: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fsync(file, (error) => (error ? reject(error) : resolve()));
  });
}
