import type { Clock } from "../core/clock.ts";
import type { Digest } from "../core/digest.ts";
import { isMillraceError, MillraceError } from "../core/errors/error.ts";
import { heldLease, keepLease, requireFence } from "../store/leases.ts";
import type { Heartbeat } from "../store/leases.ts";
import type { Store } from "../store/open.ts";
import type { StepsTable } from "../store/run-tables.ts";
import { noteEnd, spreadEnd, spreadEndsOf } from "../store/step-ends.ts";
import { stepQueries } from "../store/step-rows.ts";
import type { StepRows } from "../store/step-rows.ts";
import type { CacheKey } from "./cache-key.ts";
import { createCommitQueue, createLater, gather } from "./commit-queue.ts";
import type { CommitQueue, Later } from "./commit-queue.ts";
import type { StepRecord } from "./context.ts";
import { rowsOf } from "./entry-rows.ts";
import { rehearsal } from "./rehearsal.ts";
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

/** So long an element of a fan-out waits for others to be committed with. */
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
  /** Resolves once everything committed so far is to be found where others look: in all its rows and files. */
  onRecord(): Promise<void>;
  /** As `onRecord`, and lasts: before, nobody is told of it. Throws STORE_UNWRITABLE. */
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
  const attemptsBefore = held.attempt === 1 ? new Map<string, number>() : await stepAttempts(store, held.runId);
  return new StoredJournal(store, clock, held, workflow, attemptsBefore);
}

class StoredJournal implements Journal {
  readonly runId: string;
  readonly held: HeldRun;
  readonly lost: AbortSignal;
  readonly commitTogether: Journal["commitTogether"];
  readonly #store: Store;
  readonly #clock: Clock;
  /** Of each step, those before the run was resumed. */
  readonly #attemptsBefore: ReadonlyMap<string, number>;
  readonly #heartbeat: Heartbeat;
  readonly #queue: CommitQueue;
  readonly #shown: Later;
  readonly #steps: readonly Step[];
  /** What is made ready while the first step computes. */
  #rehearsing: NodeJS.Immediate | undefined;
  /** The rows and files of the last end that was noted as one row. */
  #spreading: Promise<void> = Promise.resolve();

  constructor(
    store: Store,
    clock: Clock,
    held: HeldRun,
    { steps }: Workflow,
    attemptsBefore: ReadonlyMap<string, number>,
  ) {
    this.#steps = steps;
    const lost = new AbortController();
    this.#store = store;
    this.#clock = clock;
    this.runId = held.runId;
    this.held = held;
    this.lost = lost.signal;
    this.#attemptsBefore = attemptsBefore;
    this.#heartbeat = keepLease(store, held.fence, () => lost.abort());
    this.#queue = createCommitQueue((entries) => this.#write(entries));
    this.#shown = createLater(showAfterMs, (entry) => {
      this.#queue.note(entry);
      // What goes wrong here goes wrong again at the commit that waits for it.
      this.#queue.flush().catch(() => {});
    });
    this.commitTogether = gather(togetherMs, (entries) => {
      for (const entry of entries) this.note(entry);
      return this.#queue.flush();
    });
  }

  note(entry: StepEntry): void {
    this.#shown.forget(entry.name);
    this.#queue.note(entry);
  }

  show(entry: StepEntry): void {
    this.#shown.add(entry);
    this.#rehearsing ??= setImmediate(() => this.#rehearse());
  }

  #rehearse(): void {
    const { database } = this.#store;
    this.#store.prepare([heldLease(database, this.held.fence), ...rehearsal(database, this.held.fence, this.#steps)]);
    this.#store.unsynced.makeReady();
  }

  commit(entry: StepEntry): Promise<void> {
    this.note(entry);
    return this.#queue.flush();
  }

  onRecord(): Promise<void> {
    return this.#spreading;
  }

  async lasting(): Promise<void> {
    await Promise.all([this.#store.lasting(), this.#spreading]);
  }

  async finish(
    { status, durationMs }: Pick<RunResult, "status" | "durationMs">,
    error: MillraceError | null,
  ): Promise<void> {
    this.#heartbeat.stop();
    this.#shown.end();
    clearImmediate(this.#rehearsing);
    const entries = await this.#queue.drain();
    const made = await Promise.allSettled([this.#spreading, this.#makeFiles(entries)]);
    const ending = { status, finished_at: this.#clock.now(), duration_ms: durationMs };
    await this.#store.database.transaction().execute(async (transaction) => {
      await requireFence(transaction, this.held.fence);
      await spreadEndsOf(transaction, this.runId);
      const queries = entries.flatMap((entry) => stepQueries(this.#store.database, this.#rowsOf(entry)));
      for (const query of queries) await transaction.executeQuery(query.compile());
      await endRun(transaction, this.held, ending, error);
    });
    this.#committed(entries);
    // What could not be made is made from the rows that are written now; where not even so, by whoever opens the store next.
    if (made.some(({ status }) => status === "rejected")) await this.#store.unsynced.putBack().catch(() => {});
  }

  async #write(entries: readonly StepEntry[]): Promise<void> {
    clearImmediate(this.#rehearsing);
    // At most one end waits for its rows.
    await this.#spreading;
    const rows = entries.map((entry) => this.#rowsOf(entry));
    const { fence } = this.held;
    // That a step runs is only shown: nothing is lost with it.
    if (entries.every(({ status }) => status === "running")) {
      await this.#store.write(this.#queriesOf(rows), fence, "eventually");
      return;
    }
    const before = this.#store.lasting();
    const [end] = rows;
    if (end && entries.length === 1 && this.#mayBeNoted(end)) {
      await noteEnd(this.#store, fence, end);
      this.#spreadSoon(entries, end);
    } else {
      await this.#makeFiles(entries);
      await this.#store.write(this.#queriesOf(rows), fence, "soon");
      this.#committed(entries);
      this.#store.lasting().catch(() => {});
    }
    // Not two commits at once are without their sync. Whether it failed is for whoever waits for it to hear.
    await before.catch(() => {});
  }

  #rowsOf(entry: StepEntry): StepRows {
    return rowsOf(this.runId, entry, this.#attemptsBefore.get(entry.name) ?? 0);
  }

  #queriesOf(rows: readonly StepRows[]): ReturnType<typeof stepQueries> {
    return rows.flatMap((one) => stepQueries(this.#store.database, one));
  }

  /** Whether one row can stand for an end at first: none of its files is made yet, so that nobody can have looked for one. */
  #mayBeNoted({ outputs, metrics }: StepRows): boolean {
    const { unsynced } = this.#store;
    // JSON can say no others.
    const isSayable = metrics.every(({ value }) => Number.isFinite(value));
    return isSayable && outputs.length > 0 && outputs.every(({ digest }) => unsynced.isAnnounced(digest));
  }

  /** Makes an end last and writes its files and rows once the steps that waited for it have begun. */
  #spreadSoon(entries: readonly StepEntry[], end: StepRows): void {
    this.#spreading = new Promise((resolve) => setImmediate(resolve)).then(async () => {
      this.#store.lasting().catch(() => {});
      await this.#makeFiles(entries);
      await this.#store.write(spreadEnd(this.#store.database, this.held.fence, end), this.held.fence, "eventually");
      this.#committed(entries);
    });
    // Whoever waits for it hears of it; nobody need.
    this.#spreading.catch(() => {});
  }

  async #makeFiles(entries: readonly StepEntry[]): Promise<void> {
    for (const { record } of entries) await this.#store.unsynced.make(record.unsynced.keys());
  }

  #committed(entries: readonly StepEntry[]): void {
    // That a step runs is noted without its outputs, which its record may hold already.
    const ended = entries.filter(({ status }) => status !== "running");
    const unsynced = ended.map(({ record }) => record.unsynced).filter(({ size }) => size > 0);
    if (unsynced.length > 0) this.#store.unsynced.settleSoon();
    // Of a thousand elements not all are to be kept in memory.
    for (const bytes of unsynced) bytes.clear();
  }
}

async function hold(
  store: Store,
  clock: Clock,
  workflow: Workflow,
  { resume, provenance, definition }: RunStart,
): Promise<HeldRun> {
  if (resume !== undefined) {
    // Of what its holder noted last the files may not be made. Where they cannot be, the run is still to be resumed.
    await store.unsynced.putBack();
    return takeOverRun(store, clock, resume);
  }
  return beginRun(store, clock, {
    workflow: workflow.name,
    seed: workflow.seed,
    ...(provenance === undefined ? {} : { provenance }),
    ...(definition === undefined ? {} : { definition }),
  });
}

/** The error of a step as one of the catalogue. */
export function stepError(step: string, error: unknown): MillraceError {
  if (isMillraceError(error)) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new MillraceError("STEP_FAILED", { step, reason }, { cause: error });
}
