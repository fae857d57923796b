import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../core/clock.ts";
import { type Digest, sha256 } from "../core/digest.ts";
import { MillraceError } from "../core/errors/error.ts";
import type { Contract, ContractColumn } from "../frame/contract.ts";
import { columnOf, type Frame, takeRows } from "../frame/frame.ts";
import { keyVariable } from "../frame/privacy.ts";
import { parseTimestamp } from "../frame/timestamp.ts";
import { datasetCodec } from "../ingest/dataset.ts";
import { keyedHash, keyFor } from "../ingest/guard.ts";
import { forgetMessages } from "../ingest/streams/forget-messages.ts";
import { forgetPredictions } from "../monitor/forget-predictions.ts";
import { appendAudit } from "../registry/audit.ts";
import { holdStore } from "../store/gc.ts";
import { noteForgotten, presentArtifacts } from "../store/forgotten.ts";
import type { Store } from "../store/open.ts";
import { userName } from "./models.ts";
import type { Project } from "./project.ts";

/** Whose rows are to go: those with this value in this column of a contract, as a source would hold it. */
export interface ForgetRequest {
  readonly column: string;
  readonly value: string;
  /** Only says what would go. */
  readonly dryRun: boolean;
  /** The key under which columns of a contract are kept as hashes. */
  readonly privacyKeyOf: (contract: Contract) => string | undefined;
}

export interface ForgottenSnapshot {
  readonly snapshot: Digest;
  /** What holds the other rows; null before they are taken out. */
  readonly replacement: Digest | null;
  readonly rows: number;
  readonly runs: readonly string[];
}

/** What went, or would go, and what has seen it. */
export interface ForgetReport {
  readonly dryRun: boolean;
  readonly snapshots: readonly ForgottenSnapshot[];
  /** Rows that were set aside. */
  readonly quarantinedRows: number;
  readonly predictions: number;
  /** Of the messages that streams keep. */
  readonly messages: number;
  /** Files of the prediction log that a running process still writes. */
  readonly openLogs: readonly string[];
  /** Versions trained on a snapshot that held such rows, which they may remember. */
  readonly models: readonly { readonly model: string; readonly version: number; readonly isChampion: boolean }[];
  /** Other artifacts of those runs in which the value stands, and files of messages: they are left as they are. */
  readonly mentions: readonly Mention[];
}

/** `run` and `digest` are null for a file of the store that is no artifact. */
interface Mention {
  readonly run: string | null;
  readonly output: string;
  readonly digest: Digest | null;
}

interface Output {
  readonly run: string;
  readonly step: string;
  readonly output: string;
  readonly digest: Digest;
  readonly type: string;
  readonly size: number;
}

/**
 * Takes a person's rows out of every snapshot, out of the rows set aside and out of the prediction log, and names the models
 * that saw them. A snapshot is replaced by one without the rows; its own bytes go last, so that a crash leaves nothing half
 * done and the next call finishes. Messages of streams go from what is kept of them; what was fetched for other sources is
 * thrown away. The source itself is not touched.
 *
 * Throws STORE_IN_USE where a run is under way, COLUMN_MISSING where no contract has the column, PRIVACY_KEY_MISSING.
 */
export async function forget(project: Project, request: ForgetRequest): Promise<ForgetReport> {
  if (request.dryRun) return forgetIn(project, request);
  return holdStore(project.store, project.clock, async () => {
    const report = await forgetIn(project, request);
    // Also what an earlier call had noted and was stopped before it removed.
    const gone = await project.store.database.selectFrom("forgotten").select("digest").execute();
    await project.store.artifacts.remove(gone.map(({ digest }) => digest));
    return report;
  });
}

async function forgetIn(project: Project, request: ForgetRequest): Promise<ForgetReport> {
  const { store } = project;
  const contracts = await contractsWith(store, request.column);
  const outputs = await outputsOf(store, [...contracts.keys()]);
  const wanted = (run: string): string => keptValue(contracts.get(run)!, request);
  const snapshots: ForgottenSnapshot[] = [];
  for (const [digest, group] of groupedBy(outputs.filter(({ type }) => type === "dataset"))) {
    const contract = contracts.get(group[0]!.run)!;
    const found = await forgetRows(project, digest, contract, request, wanted(group[0]!.run));
    if (found) snapshots.push({ ...found, runs: [...new Set(group.map(({ run }) => run))] });
  }
  const runs = new Set(snapshots.flatMap((snapshot) => snapshot.runs));
  let quarantinedRows = 0;
  for (const [digest, group] of groupedBy(outputs.filter(({ type }) => type === "quarantined-rows")))
    quarantinedRows += await forgetLines(project, digest, request, wanted(group[0]!.run));
  const values = new Set([...contracts.keys()].map(wanted));
  const logged = await forgetPredictions(store.folder, request.column, values, request.dryRun);
  const models = await modelsOf(project, runs);
  const mentions = await mentionsIn(store, outputs, runs, new Set([...values, request.value]));
  const { messages, mentions: batches } = await forgetMessages(
    join(store.folder, "downloads"),
    request,
    request.dryRun,
  );
  const report: ForgetReport = {
    dryRun: request.dryRun,
    snapshots,
    quarantinedRows,
    messages,
    ...logged,
    models,
    mentions: [...mentions, ...batches.map((file) => ({ run: null, output: `downloads/${file}`, digest: null }))],
  };
  if (!request.dryRun) await noteInAudit(project, request, report, contracts);
  return report;
}

/** The contract of each run whose pipeline has the column. */
async function contractsWith(store: Store, column: string): Promise<ReadonlyMap<string, Contract>> {
  const runs = await store.database
    .selectFrom("runs")
    .select(["id", "definition"])
    .where("definition", "is not", null)
    .orderBy("sequence")
    .execute();
  const known = new Set<string>();
  const contracts = new Map<string, Contract>();
  for (const { id, definition } of runs) {
    const { contract } = JSON.parse(definition!) as { readonly contract?: Contract };
    for (const { name } of contract?.columns ?? []) known.add(name);
    if (contract?.columns.some(({ name }) => name === column)) contracts.set(id, contract);
  }
  if (contracts.size > 0) return contracts;
  throw new MillraceError("COLUMN_MISSING", { name: column, subject: "the snapshots", found: [...known] });
}

/** How a snapshot holds the value: hashed, made coarser or as it is. What is coarse or masked names nobody. */
function keptValue(contract: Contract, { column, value, privacyKeyOf }: ForgetRequest): string {
  const { kind, privacy } = contract.columns.find(({ name }) => name === column)!;
  if (keyVariable(privacy) !== null) return keyedHash(value, keyFor(contract, privacyKeyOf(contract))!);
  if (privacy !== undefined) {
    const rule = "must name one person";
    const remedy = "Name the column that identifies persons.";
    throw new MillraceError("DEFINITION_INVALID", { subject: column, rule, actual: "masked or generalised", remedy });
  }
  return kind === "number" ? String(Number(value)) : value;
}

/** Outputs of runs whose bytes are still there. */
async function outputsOf(store: Store, runs: readonly string[]): Promise<readonly Output[]> {
  const wanted = new Set(runs);
  const rows = await store.database
    .selectFrom("step_outputs")
    .innerJoin("artifacts", "artifacts.digest", "step_outputs.digest")
    .select(["run_id as run", "step", "output", "step_outputs.digest as digest", "type", "size"])
    .execute();
  const present = await presentArtifacts(store.database);
  return rows.flatMap((row) => {
    const digest = wanted.has(row.run) ? present(row.digest) : null;
    return digest === null ? [] : [{ ...row, digest }];
  });
}

function groupedBy(outputs: readonly Output[]): ReadonlyMap<Digest, readonly Output[]> {
  const groups = new Map<Digest, Output[]>();
  for (const output of outputs) groups.set(output.digest, [...(groups.get(output.digest) ?? []), output]);
  return groups;
}

async function forgetRows(
  { store, clock }: Project,
  snapshot: Digest,
  contract: Contract,
  { column, dryRun }: ForgetRequest,
  wanted: string,
): Promise<Omit<ForgottenSnapshot, "runs"> | null> {
  const codec = datasetCodec(contract);
  const frame = await codec.read(await store.artifacts.verifiedPath(snapshot));
  const isTheirs = holds(
    frame,
    contract.columns.find(({ name }) => name === column)!,
    wanted,
  );
  const kept = new Uint32Array(frame.nRows).map((_, row) => row).filter((row) => !isTheirs(row));
  const rows = frame.nRows - kept.length;
  if (rows === 0) return null;
  if (dryRun) return { snapshot, replacement: null, rows };
  const path = store.artifacts.temporaryPath();
  await codec.write(takeRows(frame, kept), path);
  return { snapshot, replacement: await replace(store, clock, snapshot, path), rows };
}

/** Whether a row holds the value, compared as texts, and times by the instant. */
function holds(frame: Frame, { name }: ContractColumn, wanted: string): (row: number) => boolean {
  const column = columnOf(frame, name);
  switch (column.kind) {
    case "category": {
      const code = column.levels.indexOf(wanted);
      return (row) => code >= 0 && column.codes[row] === code;
    }
    case "text":
      return (row) => column.values[row] === wanted;
    case "timestamp":
      return (row) => column.values[row] === parseTimestamp(wanted);
    default:
      return (row) => String(column.values[row]) === wanted;
  }
}

/** Puts a file in the place of an artifact: first the record of it, then the bytes go. */
async function replace(store: Store, clock: Clock, digest: Digest, path: string): Promise<Digest> {
  const replacement = await store.artifacts.adopt(path);
  await store.database
    .transaction()
    .execute((transaction) => noteForgotten(transaction, { digest, replacement }, clock.now()));
  await store.artifacts.remove([digest]);
  return replacement.digest;
}

/** Lines of rows that were set aside: their values stand under the names of the columns. */
async function forgetLines(
  { store, clock }: Project,
  digest: Digest,
  { column, dryRun }: ForgetRequest,
  wanted: string,
): Promise<number> {
  const text = await readFile(await store.artifacts.verifiedPath(digest), "utf8");
  const lines = text.split("\n").filter((line) => line !== "");
  const kept = lines.filter((line) => {
    const { values } = JSON.parse(line) as { readonly values?: Readonly<Record<string, unknown>> };
    return values === undefined || !Object.hasOwn(values, column) || String(values[column]) !== wanted;
  });
  if (kept.length === lines.length) return 0;
  if (!dryRun) {
    const path = store.artifacts.temporaryPath();
    await writeFile(path, kept.map((line) => `${line}\n`).join(""));
    await replace(store, clock, digest, path);
  }
  return lines.length - kept.length;
}

async function modelsOf({ store, registry }: Project, runs: ReadonlySet<string>): Promise<ForgetReport["models"]> {
  const versions = await store.database
    .selectFrom("versions")
    .select(["model", "version", "run_id"])
    .orderBy("model")
    .orderBy("version")
    .execute();
  const champions = new Map((await registry.models()).map(({ model, champion }) => [model, champion]));
  return versions
    .filter(({ run_id }) => runs.has(run_id))
    .map(({ model, version }) => ({ model, version, isChampion: champions.get(model) === version }));
}

const largestSearched = 64 * 1024 * 1024;

async function mentionsIn(
  store: Store,
  outputs: readonly Output[],
  runs: ReadonlySet<string>,
  values: ReadonlySet<string>,
): Promise<ForgetReport["mentions"]> {
  const mentions: Mention[] = [];
  const rewritten = ["dataset", "quarantined-rows"];
  for (const [digest, [first]] of groupedBy(outputs.filter(({ run }) => runs.has(run)))) {
    if (rewritten.includes(first!.type) || first!.size > largestSearched) continue;
    const bytes = Buffer.from(await store.artifacts.readBytes(digest));
    // A short number stands anywhere.
    if ([...values].some((value) => value.length >= 4 && bytes.includes(value)))
      mentions.push({ run: first!.run, output: `${first!.step}.${first!.output}`, digest });
  }
  return mentions;
}

/** Who it was must not stand in the log of all things: a digest tells that it was this one to whoever knows the value. */
async function noteInAudit(
  { store, clock }: Project,
  request: ForgetRequest,
  report: ForgetReport,
  contracts: ReadonlyMap<string, Contract>,
): Promise<void> {
  const key = [...contracts.values()].map(request.privacyKeyOf).find((one) => one !== undefined);
  const rows = report.snapshots.reduce((sum, snapshot) => sum + snapshot.rows, 0);
  const details = {
    column: request.column,
    value: key === undefined ? sha256(request.value) : keyedHash(request.value, key),
    snapshots: report.snapshots.map(({ snapshot, replacement }) => ({ snapshot, replacement })),
    rows,
    quarantinedRows: report.quarantinedRows,
    predictions: report.predictions,
    messages: report.messages,
    models: report.models.map(({ model, version }) => ({ model, version })),
  };
  const event = { actor: userName(), action: "forget", subject: `column ${request.column}`, details };
  await store.database.transaction().execute((transaction) => appendAudit(transaction, event, clock.now()));
}
