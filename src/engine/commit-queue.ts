import type { StepEntry } from "./journal.ts";

/** Entries that wait to be passed on. */
export interface Later {
  add(entry: StepEntry): void;
  /** Nothing waits any more under this name. */
  forget(name: string): void;
  end(): void;
}

/** Passes entries on after a while, unless they are forgotten before. */
export function createLater(afterMs: number, pass: (entry: StepEntry) => void): Later {
  const waiting = new Map<string, NodeJS.Timeout>();
  const forget = (name: string): void => {
    clearTimeout(waiting.get(name));
    waiting.delete(name);
  };
  return {
    forget,
    add(entry) {
      forget(entry.name);
      waiting.set(
        entry.name,
        setTimeout(() => {
          waiting.delete(entry.name);
          pass(entry);
        }, afterMs),
      );
    },
    end() {
      for (const name of waiting.keys()) forget(name);
    },
  };
}

/** Collects what comes within `togetherMs` for one call. */
export function gather(
  togetherMs: number,
  commit: (entries: readonly StepEntry[]) => Promise<void>,
): (entry: StepEntry) => Promise<void> {
  let gathered: StepEntry[] = [];
  let committed: Promise<void> | null = null;
  const afterAWhile = async (): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, togetherMs));
    const entries = gathered;
    gathered = [];
    committed = null;
    await commit(entries);
  };
  return (entry) => {
    gathered.push(entry);
    return (committed ??= afterAWhile());
  };
}

export interface CommitQueue {
  note(entry: StepEntry): void;
  /** Resolves once everything noted so far is committed. */
  flush(): Promise<void>;
  /** What is noted and not yet committed, once nothing is being committed; it is the caller's from then on. */
  drain(): Promise<readonly StepEntry[]>;
}

/** One transaction at a time; what is noted while it runs goes into the next one. */
export function createCommitQueue(write: (entries: readonly StepEntry[]) => Promise<void>): CommitQueue {
  let waiting: StepEntry[] = [];
  let current: Promise<unknown> = Promise.resolve();
  let next: Promise<void> | null = null;
  const commit = async (): Promise<void> => {
    const entries = waiting;
    waiting = [];
    next = null;
    if (entries.length === 0) return;
    try {
      await write(entries);
    } catch (error) {
      // Whoever waits for an attempt that ran hears that it is not committed; the rest may be committed later.
      waiting = [...entries.filter((entry) => entry.status !== "ran"), ...waiting];
      throw error;
    }
  };
  return {
    note: (entry) => void waiting.push(entry),
    flush() {
      if (next === null) {
        next = current.then(commit, commit);
        current = next;
      }
      return next;
    },
    async drain() {
      await current.catch(() => {});
      const entries = waiting;
      waiting = [];
      return entries;
    },
  };
}
