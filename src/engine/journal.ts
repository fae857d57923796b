import type { Compilable } from "kysely";
import type { Clock } from "../core/clock.ts";
import type { Digest } from "../core/digest.ts";
import { isMillraceError, MillraceError } from "../core/errors/error.ts";
import { compileOnce } from "../store/compile-once.ts";
import { keepLease, requireFence } from "../store/leases.ts";
import type { Store } from "../store/open.ts";
import type { StepsTable } from "../store/run-tables.ts";
import type { CacheKey } from "./cache-key.ts";
import { emptyRecord } from "./context.ts";
import type { StepRecord } from "./context.ts";
import { entryQueries } from "./entry-queries.ts";
import { beginRun, endRun, stepAttempts, takeOverRun } from "./run-record.ts";
import type { HeldRun, NewRun } from "./run-record.ts";
import type { StepLog } from "./step-log.ts";
import type { RunResult, Step, Workflow } from "./step.ts";

export interface StepEntry {
  /** Name in the record: the step's, with "[index]" for an element of a fan-out. */
  readonly name: string;
  readonly step: Step;
  /** From 1. */
  readonly attempt: number;
  readonly position: number;
  readonly status: StepsTable["status"];
  readonly startedAt: number | null;
  readonly durationMs: number | null;
  readonly cacheKey: CacheKey | null;
  readonly reason: string | null;
  readonly inputs: ReadonlyMap<string, Digest>;
  readonly record: StepRecord;
  /** What it prints; null for an attempt that is not made. */
  readonly log: StepLog | null;
  readonly error: MillraceError | null;
}

const togetherMs = 20;

/** A step shows as running once it has run so long: most are done before, and are written once. */
const showAfterMs = 60;

/** The record of one run. What need not last by itself waits for the next commit, so that a cached run costs two. */
export interface Journal {
  readonly runId: string;
  readonly held: HeldRun;
  /** Aborted once another process took the run over; whatever is committed then is refused with FENCED. */
  readonly lost: AbortSignal;
  /** Notes an entry; it is committed with the next one that must last. */
  note(entry: StepEntry): void;
  /** Shows an entry to other processes soon, without making anybody wait for it. */
  show(entry: StepEntry): void;
  /**
   * Commits an entry, its artifacts and its lineage; entries of steps that end together share one transaction. It outlives
   * this process when this resolves, a power loss once `lasting` says so; what was committed before it lasts by then.
   */
  commit(entry: StepEntry): Promise<void>;
  /** Commits an entry that nothing waits for alone, with others that come within a few milliseconds. */
  commitTogether(entry: StepEntry): Promise<void>;
  /** Resolves once everything committed so far lasts: before, nobody is told of it. Throws STORE_UNWRITABLE. */
  lasting(): Promise<void>;
  finish(result: Pick<RunResult, "status" | "durationMs">, error: MillraceError | null): Promise<void>;
}

/** How a run begins: anew, with what is known of it, or where an interrupted one stopped. */
export interface RunStart extends Pick<NewRun, "provenance" | "definition"> {
  /** The interrupted run to go on with, under its own id. */
  readonly resume?: string;
}

/** Begins or takes over the record of a run: from now on it shows as running, by this process. */
export async function startJournal(
  store: Store,
  clock: Clock,
  workflow: Workflow,
  start: RunStart = {},
): Promise<Journal> {
  const held = await hold(store, clock, workflow, start);
  const { runId, fence } = held;
  const attemptsBefore = held.attempt === 1 ? new Map<string, number>() : await stepAttempts(store, runId);
  const lost = new AbortController();
  const heartbeat = keepLease(store, fence, () => lost.abort());
  const queriesOf = (entries: readonly StepEntry[]): readonly Compilable[] =>
    entries.flatMap((entry) => entryQueries(store.database, runId, entry, attemptsBefore.get(entry.name) ?? 0));
  // That a step runs is only shown: nothing is lost with it.
  const mustLast = (entries: readonly StepEntry[]): boolean => entries.some(({ status }) => status !== "running");
  const committed = (entries: readonly StepEntry[]): void => {
    // That a step runs is noted without its outputs, which its record may hold already.
    const ended = entries.filter(({ status }) => status !== "running");
    const unsynced = ended.map(({ record }) => record.unsynced).filter(({ size }) => size > 0);
    if (unsynced.length > 0) store.unsynced.settleSoon();
    // Of a thousand elements not all are to be kept in memory.
    for (const bytes of unsynced) bytes.clear();
  };
  const queue = createCommitQueue(async (entries) => {
    if (!mustLast(entries)) return store.write(queriesOf(entries), fence, "eventually");
    const before = store.lasting();
    await store.write(queriesOf(entries), fence, "soon");
    committed(entries);
    store.lasting().catch(() => {});
    // Not two commits at once are without their sync. Whether it failed is for whoever waits for it to hear.
    return before.catch(() => {});
  });
  const shown = createLater((entry) => {
    queue.note(entry);
    // What goes wrong here goes wrong again at the commit that waits for it.
    queue.flush().catch(() => {});
  });
  const note = (entry: StepEntry): void => {
    shown.forget(entry.name);
    queue.note(entry);
  };
  return {
    runId,
    held,
    lost: lost.signal,
    note,
    show: shown.add,
    commit(entry) {
      note(entry);
      return queue.flush();
    },
    commitTogether: gather((entries) => {
      for (const entry of entries) note(entry);
      return queue.flush();
    }),
    lasting: () => store.lasting(),
    async finish({ status, durationMs }, error) {
      heartbeat.stop();
      shown.end();
      const entries = await queue.drain();
      const ending = { status, finished_at: clock.now(), duration_ms: durationMs };
      await store.database.transaction().execute(async (transaction) => {
        await requireFence(transaction, fence);
        for (const query of queriesOf(entries)) await transaction.executeQuery(query.compile());
        await endRun(transaction, held, ending, error);
      });
      committed(entries);
    },
  };
}

async function hold(
  store: Store,
  clock: Clock,
  workflow: Workflow,
  { resume, provenance, definition }: RunStart,
): Promise<HeldRun> {
  if (resume !== undefined) return takeOverRun(store, clock, resume);
  return beginRun(store, clock, {
    workflow: workflow.name,
    seed: workflow.seed,
    ...(provenance === undefined ? {} : { provenance }),
    ...(definition === undefined ? {} : { definition }),
  });
}

/** Passes entries on after a while, unless they are forgotten before. */
function createLater(pass: (entry: StepEntry) => void): {
  add(entry: StepEntry): void;
  forget(name: string): void;
  end(): void;
} {
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
        }, showAfterMs),
      );
    },
    end() {
      for (const name of waiting.keys()) forget(name);
    },
  };
}

/** Collects what comes within a few milliseconds for one call. */
function gather(commit: (entries: readonly StepEntry[]) => Promise<void>): (entry: StepEntry) => Promise<void> {
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

interface CommitQueue {
  note(entry: StepEntry): void;
  /** Resolves once everything noted so far is committed. */
  flush(): Promise<void>;
  /** What is noted and not yet committed, once nothing is being committed; it is the caller's from then on. */
  drain(): Promise<readonly StepEntry[]>;
}

/** One transaction at a time; what is noted while it runs goes into the next one. */
function createCommitQueue(write: (entries: readonly StepEntry[]) => Promise<unknown>): CommitQueue {
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

/** What an earlier attempt with the same cache key wrote and recorded; null where an artifact of it is gone. */
export async function findCached(store: Store, step: Step, cacheKey: Digest): Promise<StepRecord | null> {
  const { database } = store;
  const answer = compileOnce(database, "answered by", [cacheKey], () =>
    database.selectFrom("cache_entries").select(["run_id", "step", "attempt"]).where("cache_key", "=", cacheKey),
  );
  const [found] = await store.read(answer);
  if (!found) return null;
  const outputs = await store.database
    .selectFrom("step_outputs")
    .innerJoin("artifacts", "artifacts.digest", "step_outputs.digest")
    .select(["output", "artifacts.digest", "size", "type", "format"])
    .where("run_id", "=", found.run_id)
    .where("step", "=", found.step)
    .where("attempt", "=", found.attempt)
    .execute();
  if (outputs.length !== step.outputs.length) return null;
  for (const { digest, size } of outputs) if ((await store.artifacts.sizeOf(digest)) !== size) return null;
  const metrics = await store.database
    .selectFrom("metrics")
    .select(["metric", "value"])
    .where("run_id", "=", found.run_id)
    .where("step", "=", found.step)
    .where("attempt", "=", found.attempt)
    .execute();
  return {
    ...emptyRecord(),
    outputs: new Map(outputs.map((row) => [row.output, row])),
    metrics: new Map(metrics.map((row) => [row.metric, row.value ?? Number.NaN])),
  };
}

/** The error of a step as one of the catalogue. */
export function stepError(step: string, error: unknown): MillraceError {
  if (isMillraceError(error)) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new MillraceError("STEP_FAILED", { step, reason }, { cause: error });
}
