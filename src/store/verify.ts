import type { Clock } from "../core/clock.ts";
import { isMillraceError, toMillraceError } from "../core/errors/error.ts";
import { feedbackDigest } from "./feedback.ts";
import { keptArtifacts } from "./forgotten.ts";
import { memoDigest } from "./memo.ts";
import { parseMetadataAddress } from "./metadata-address.ts";
import { inspectStore, metadataFile } from "./open.ts";
import type { InspectedStore, StoreOptions } from "./open.ts";
import { rowsOfEnd } from "./step-ends.ts";
import { bytesOf } from "./unsynced.ts";
import { auditSeal, digestOfKeys, digestOfModel, digestOfRun, keysSeal, tallyDigest } from "./seals.ts";

/** One thing that is not as it was written. */
export interface Fault {
  /** What it is about: a file below the store's folder, a run, a model. */
  readonly subject: string;
  readonly problem: string;
  readonly remedy: string;
}

export interface Verification {
  readonly faults: readonly Fault[];
  readonly runs: number;
  readonly artifacts: number;
  /** Bytes whose digest was computed. */
  readonly bytes: number;
}

const restore = "Restore the store from a backup with `millrace restore`.";
const remake = "Delete it and run its pipeline again, or restore the store from a backup with `millrace restore`.";

/**
 * Checks everything the store in `folder` holds against what was written: the database's structure, the seals of runs and
 * models, what the tables say of each other, and the digest of every artifact, where `place` says that they are kept. Changes
 * nothing. `more` adds checks of what only higher floors understand.
 */
export async function verifyStore(
  folder: string,
  clock: Clock,
  more: (inspected: InspectedStore) => Promise<readonly Fault[]> = async () => [],
  place: Pick<StoreOptions, "artifacts" | "metadata"> = {},
): Promise<Verification> {
  const database = place.metadata ? parseMetadataAddress(place.metadata).place : metadataFile;
  let inspected: InspectedStore;
  try {
    inspected = await inspectStore(folder, { clock, ...place });
  } catch (error) {
    return { faults: [faultOf(database, error)], runs: 0, artifacts: 0, bytes: 0 };
  }
  const found = { runs: 0, artifacts: 0, bytes: 0 };
  const checks = [
    () => checkStructure(inspected, database),
    () => checkCounters(inspected, database),
    () => checkAnswers(inspected),
    () => checkMemo(inspected),
    () => checkRuns(inspected, found),
    () => checkModels(inspected),
    () => checkKeys(inspected),
    () => checkFeedback(inspected),
    () => checkTallies(inspected),
    () => checkStepEnds(inspected),
    () => checkArtifacts(inspected, found),
    () => more(inspected),
  ];
  try {
    return { faults: await runChecks(inspected, database, checks), ...found };
  } finally {
    await inspected.store.close();
  }
}

/** All of them as of one moment: runs may go on meanwhile. */
async function runChecks(
  { metadata }: InspectedStore,
  subject: string,
  checks: readonly (() => Promise<readonly Fault[]>)[],
): Promise<readonly Fault[]> {
  const faults: Fault[] = [];
  // A database too damaged for a transaction is checked without: the checks say what is wrong with it.
  const goOn = (): void => {};
  try {
    await metadata.freeze().catch(goOn);
    for (const check of checks) {
      try {
        faults.push(...(await check()));
      } catch (error) {
        // What cannot even be read is a fault, and the other checks go on; PostgreSQL ends a transaction with its first error.
        faults.push(faultOf(subject, error));
        await metadata.thaw().catch(goOn);
        await metadata.freeze().catch(goOn);
      }
    }
    return faults;
  } finally {
    await metadata.thaw().catch(goOn);
  }
}

function faultOf(subject: string, error: unknown): Fault {
  const { message } = toMillraceError(error);
  const remedy = isMillraceError(error) ? error.remedy : restore;
  return { subject, problem: message, remedy };
}

async function checkStructure({ metadata }: InspectedStore, subject: string): Promise<Fault[]> {
  return (await metadata.structure()).map((problem) => ({ subject, problem, remedy: restore }));
}

async function checkCounters({ store }: InspectedStore, subject: string): Promise<Fault[]> {
  const { database } = store;
  const rows = await database.selectFrom("counters").selectAll().execute();
  const runs = await database
    .selectFrom("runs")
    .select((e) => e.fn.max("sequence").as("most"))
    .executeTakeFirst();
  const leases = await database
    .selectFrom("leases")
    .select((e) => e.fn.max("token").as("most"))
    .executeTakeFirst();
  const [row] = rows;
  const isSound =
    rows.length === 1 &&
    row?.counter === "order" &&
    row.value === -row.twin &&
    row.value >= Math.max(runs?.most ?? 0, leases?.most ?? 0);
  return isSound ? [] : [{ subject, problem: "the store's counter was altered", remedy: restore }];
}

/** What answers for a cache key is the attempt that ran under it. */
async function checkAnswers({ store }: InspectedStore): Promise<Fault[]> {
  const rows = await store.database
    .selectFrom("cache_entries as c")
    .leftJoin("steps as s", (join) =>
      join.onRef("s.run_id", "=", "c.run_id").onRef("s.step", "=", "c.step").onRef("s.attempt", "=", "c.attempt"),
    )
    .select(["c.run_id", "c.step"])
    .where((e) => e.or([e("s.cache_key", "is", null), e("s.cache_key", "<>", e.ref("c.cache_key"))]))
    .execute();
  return rows.map(({ run_id, step }) => ({
    subject: `run ${run_id}`,
    problem: `step "${step}" answers for a cache key that is not its own`,
    remedy: restore,
  }));
}

async function checkMemo({ store }: InspectedStore): Promise<Fault[]> {
  const rows = await store.database.selectFrom("memo").selectAll().execute();
  return rows
    .filter((row) => memoDigest(row.memo_key, row.value) !== row.digest)
    .map((row) => ({
      subject: `memo ${row.memo_key}`,
      problem: "it was altered after it was written",
      remedy: "Nothing: it is not used, and written anew by the next run.",
    }));
}

async function checkRuns({ store }: InspectedStore, found: { runs: number }): Promise<Fault[]> {
  const faults: Fault[] = [];
  const ids = await store.database.selectFrom("runs").select("id").execute();
  found.runs = ids.length;
  const known = new Set(ids.map(({ id }) => id));
  const seals = await store.database.selectFrom("seals").selectAll().where("subject", "like", "run:%").execute();
  for (const { subject, digest } of seals) {
    const id = subject.slice(4);
    const problem = !known.has(id)
      ? "its record is gone"
      : (await digestOfRun(store.database, id)) === digest
        ? null
        : "its record was altered after it ended";
    if (problem !== null) faults.push({ subject: `run ${id}`, problem, remedy: restore });
  }
  return faults;
}

async function checkModels({ store }: InspectedStore): Promise<Fault[]> {
  const versions = await store.database.selectFrom("versions").select("model").distinct().execute();
  const known = new Set(versions.map(({ model }) => model));
  const faults: Fault[] = [];
  const seals = await store.database.selectFrom("seals").selectAll().where("subject", "not like", "run:%").execute();
  for (const { subject, digest } of seals) {
    // The end of the audit log: whoever reads the log checks it.
    if (subject === auditSeal || subject === keysSeal) continue;
    const model = subject.slice(6);
    if (subject.startsWith("model:") && known.has(model) && (await digestOfModel(store.database, model)) === digest)
      continue;
    const problem = "versions, judgements, aliases or rollouts were altered, or are gone";
    faults.push({ subject: subject.replace(":", " "), problem, remedy: restore });
  }
  return faults;
}

/** A key that nobody made, or a role that nobody gave, would open the server. */
async function checkKeys({ store: { database } }: InspectedStore): Promise<Fault[]> {
  const seal = await database.selectFrom("seals").select("digest").where("subject", "=", keysSeal).executeTakeFirst();
  const first = await database.selectFrom("keys").select("id").limit(1).executeTakeFirst();
  const isSound = seal ? seal.digest === (await digestOfKeys(database)) : first === undefined;
  return isSound ? [] : [{ subject: "keys", problem: "keys of the server were altered, or are gone", remedy: restore }];
}

const feedbackAtOnce = 10_000;

async function checkFeedback({ store: { database } }: InspectedStore): Promise<Fault[]> {
  const faults: Fault[] = [];
  let [model, id] = ["", ""];
  for (;;) {
    const rows = await database
      .selectFrom("feedback")
      .selectAll()
      .where((e) => e.or([e("model", ">", model), e.and([e("model", "=", model), e("prediction_id", ">", id)])]))
      .orderBy("model")
      .orderBy("prediction_id")
      .limit(feedbackAtOnce)
      .execute();
    for (const row of rows)
      if (feedbackDigest(row) !== row.digest)
        faults.push({ subject: `feedback on ${row.prediction_id}`, problem: "it was altered", remedy: restore });
    const last = rows.at(-1);
    if (!last || rows.length < feedbackAtOnce) return faults;
    [model, id] = [last.model, last.prediction_id];
  }
}

async function checkTallies({ store }: InspectedStore): Promise<Fault[]> {
  const rows = await store.database.selectFrom("rollout_tallies").selectAll().execute();
  return rows
    .filter(({ digest, ...content }) => tallyDigest(content) !== digest)
    .map(({ model, sequence }) => ({
      subject: `rollout ${sequence} of ${model}`,
      problem: "what a server counted was altered",
      remedy: "Nothing: it is not counted.",
    }));
}

async function checkStepEnds({ store }: InspectedStore): Promise<Fault[]> {
  const ends = await store.database.selectFrom("step_ends").selectAll().execute();
  return ends
    .filter((end) => rowsOfEnd(end) === null)
    .map(({ run_id }) => ({
      subject: `run ${run_id}`,
      problem: "the end of its last step was altered",
      remedy: "Nothing: the step runs again when the run is resumed.",
    }));
}

function isOutOfReach(error: unknown): boolean {
  const codes: readonly string[] = ["OBJECTS_UNREACHABLE", "OBJECTS_DENIED", "BUCKET_MISSING", "PACKAGE_MISSING"];
  return isMillraceError(error) && codes.includes(error.code);
}

async function checkArtifacts(
  { store }: InspectedStore,
  found: { artifacts: number; bytes: number },
): Promise<Fault[]> {
  const rows = await store.database.selectFrom("unsynced").selectAll().execute();
  const putBack = new Set(rows.filter((row) => bytesOf(row) !== null).map(({ digest }) => digest));
  const faults = rows
    .filter(({ digest }) => !putBack.has(digest))
    .map(({ digest }) => ({
      subject: `unsynced ${digest}`,
      problem: "the bytes to write its file from were altered",
      remedy: "Nothing where its file is whole: they go when the store is next opened.",
    }));
  for (const { digest, size } of await keptArtifacts(store.database)) {
    let problem: string | null;
    try {
      problem = await store.artifacts.problemOf(digest, size);
    } catch (error) {
      // A bucket out of reach says nothing of one artifact, and would say it of each.
      if (isOutOfReach(error)) return [...faults, faultOf("artifacts", error)];
      problem = isMillraceError(error) ? error.message : String(error);
    }
    found.artifacts += 1;
    found.bytes += size;
    // Whoever opens the store next writes the file anew.
    if (problem !== null && !putBack.has(digest))
      faults.push({ subject: store.artifacts.nameOf(digest), problem, remedy: remake });
  }
  return faults;
}
