import type { StepEntry } from "./journal.ts";

/** Entries that wait to be passed on. */
export interface Later {
  add(entry: StepEntry): void;
  /** Nothing waits any more under this name. */
  forget(name: string): void;
  end(): void;
}

/** A timer, and the entry it is for; null while it is for none. */
interface Place {
  readonly timer: NodeJS.Timeout;
  entry: StepEntry | null;
}

/**
 * Passes entries on after a while, unless they are forgotten before. The timer of one that was forgotten runs on, for the
 * next: to set one anew costs little, to make and clear one for each of many short steps does not.
 */
export function createLater(afterMs: number, pass: (entry: StepEntry) => void): Later {
  const waiting = new Map<string, Place>();
  const free = new Set<Place>();
  const forget = (name: string): void => {
    const place = waiting.get(name);
    if (place === undefined) return;
    waiting.delete(name);
    place.entry = null;
    free.add(place);
  };
  const newPlace = (): Place => {
    const timer = setTimeout(() => {
      const { entry } = place;
      free.delete(place);
      if (entry === null) return;
      waiting.delete(entry.name);
      pass(entry);
    }, afterMs);
    const place: Place = { timer, entry: null };
    return place;
  };
  return {
    forget,
    add(entry) {
      forget(entry.name);
      const [place = newPlace()] = free;
      free.delete(place);
      place.entry = entry;
      place.timer.refresh();
      waiting.set(entry.name, place);
    },
    end() {
      for (const name of waiting.keys()) forget(name);
      for (const { timer } of free) clearTimeout(timer);
      free.clear();
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
