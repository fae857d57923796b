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
  let file: number | null = null;
  let isUnsynced = false;
  let failure: { readonly error: unknown } | null = null;
  let current: Promise<void> = Promise.resolve();
  const sync = async (): Promise<void> => {
    if (failure) throw failure.error;
    try {
      hooks.reached("log.syncing");
      await synced(file!);
      hooks.reached("log.synced");
    } catch (error) {
      failure = { error: unwritableError(path, error) };
      throw failure.error;
    }
  };
  const lasting = (): Promise<void> => {
    if (!isUnsynced) return current;
    isUnsynced = false;
    current = current.then(sync, sync);
    // Whoever asks hears of it; nobody need ask.
    current.catch(() => {});
    return current;
  };
  return {
    open() {
      file ??= openedLog(path);
      return file !== null;
    },
    written: () => void (isUnsynced = true),
    lasting,
    isMistrusted: () => failure !== null,
    emptied() {
      failure = null;
      isUnsynced = false;
      current = Promise.resolve();
    },
    async close() {
      await lasting().catch(() => {});
      if (file !== null) closeSync(file);
      file = null;
    },
  };
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
