import { join } from "node:path";
import { type Digest, sha256 } from "../core/digest.ts";
import { MillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import { cleanedText } from "../frame/cleaning.ts";
import type { Contract } from "../frame/contract.ts";
import { keyVariable } from "../frame/privacy.ts";
import { keyedHash, keyFor } from "../ingest/guard.ts";
import { forgetMessages } from "../ingest/streams/forget-messages.ts";
import { forgetFeedback } from "../monitor/feedback.ts";
import { forgetPredictions } from "../monitor/forget-predictions.ts";
import { chosenCodec } from "../pipeline/workflow/tune-step.ts";
import { appendAudit, readAudit } from "../registry/audit.ts";
import { holdStore } from "../store/gc.ts";
import type { Fence } from "../store/leases.ts";
import type { Store } from "../store/open.ts";
import {
  forgetLines,
  forgetRows,
  type ForgottenSnapshot,
  type KeptOutput,
  type Mention,
  mentionsIn,
  outputsOf,
  removeBytes,
  typesOfLines,
} from "./forget-artifacts.ts";
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

/** What went, or would go, and what has seen it. */
export interface ForgetReport {
  readonly dryRun: boolean;
  readonly snapshots: readonly ForgottenSnapshot[];
  /** Rows that were set aside. */
  readonly quarantinedRows: number;
  readonly predictions: number;
  /** True values of such predictions. */
  readonly feedback: number;
  /** Of the messages that streams keep. */
  readonly messages: number;
  /** Files of the prediction log that a running process still writes: they are left as they are. */
  readonly openLogs: readonly string[];
  /** Versions trained on a snapshot that held such rows, now or when it was forgotten before, and those that go on from them: they may remember. */
  readonly models: readonly ForgottenModel[];
  /** Other artifacts in which the value stands, and files of messages: they are left as they are. */
  readonly mentions: readonly Mention[];
  /** Artifacts too large to be searched for it. */
  readonly unsearched: readonly Mention[];
}

interface ForgottenModel {
  readonly model: string;
  readonly version: number;
  readonly isChampion: boolean;
}

/** A request with what it means to the store. */
interface Asked extends ForgetRequest {
  /** The contracts that have the column, by run. */
  readonly contracts: ReadonlyMap<string, Contract>;
  /** The value as each contract's snapshots hold it, by run. */
  readonly wanted: ReadonlyMap<string, string>;
  /** Tells whoever knows the value that it was this one, and nobody else. */
  readonly mark: string;
}

/**
 * Takes a person's rows out of every snapshot, out of the rows set aside and out of the prediction log, and names the models
 * that saw them. The audit log says what goes before anything does. A snapshot is replaced by one without the rows; its own
 * bytes go last, so that a crash leaves nothing half done and the next call finishes. Messages of streams go from what is
 * kept of them; what was fetched for other sources is thrown away. The source itself is not touched.
 *
 * Throws STORE_IN_USE where a run is under way, COLUMN_MISSING where no contract has the column, DEFINITION_INVALID where
 * all that have it mask it or make it coarser, and PRIVACY_KEY_MISSING.
 */
export async function forget(project: Project, request: ForgetRequest): Promise<ForgetReport> {
  const asked = await askedOf(project.store, request);
  if (request.dryRun) return forgetIn(project, asked, null);
  return holdStore(project.store, project.clock, async (fence) => {
    const planned = await forgetIn(project, asked, null);
    await noteInAudit(project, asked, planned);
    const report = await forgetIn(project, asked, fence);
    // Also what an earlier call had noted and was stopped before it removed.
    const gone = await project.store.database.selectFrom("forgotten").select("digest").execute();
    const digests = gone.map(({ digest }) => digest);
    await removeBytes(project.store, digests, fence);
    return report;
  });
}

async function askedOf(store: Store, request: ForgetRequest): Promise<Asked> {
  const contracts = await contractsWith(store, request.column);
  const wanted = new Map([...contracts].map(([run, contract]) => [run, keptValue(contract, request)]));
  const key = [...contracts.values()].map(request.privacyKeyOf).find((one) => one !== undefined);
  const mark = key === undefined ? sha256(request.value) : keyedHash(request.value, key);
  return { ...request, contracts, wanted, mark };
}

/** Looks for the person everywhere; with a fence, takes them out. */
async function forgetIn(project: Project, asked: Asked, fence: Fence | null): Promise<ForgetReport> {
  const { store } = project;
  const { column, value, contracts, wanted } = asked;
  const dryRun = fence === null;
  const outputs = await outputsOf(store, new Set(contracts.keys()));
  const snapshots: ForgottenSnapshot[] = [];
  let quarantinedRows = 0;
  for (const output of outputs) {
    const [run] = output.runs as [string];
    const removal = { column, value, fence };
    if (output.type === "dataset") {
      const found = await forgetRows(project, output, contracts.get(run)!, wanted.get(run)!, removal);
      if (found) snapshots.push(found);
    } else if (typesOfLines.has(output.type)) {
      const lines = await forgetLines(project, output, wanted.get(run)!, removal);
      // What was no row stands among the rows set aside as well.
      if (output.type === "quarantined-rows") quarantinedRows += lines;
    }
  }
  const values = [...new Set([...wanted.values(), value])];
  // What became true of predictions goes before them: they alone say whose it is.
  const { ids, ...found } = await forgetPredictions(store.folder, column, new Set(values), true);
  const feedback = await forgetFeedback(store, ids, dryRun);
  const { ids: _, ...logged } = dryRun
    ? { ids, ...found }
    : await forgetPredictions(store.folder, column, new Set(values), false, store.hooks);
  const { mentions, unsearched } = await mentionsIn(store, outputs, values);
  const kept = await forgetMessages(join(store.folder, "downloads"), { column, values }, dryRun);
  const batches = kept.mentions.map((file) => ({ run: null, output: `downloads/${file}`, digest: null }));
  return {
    dryRun,
    snapshots,
    quarantinedRows,
    messages: kept.messages,
    ...logged,
    feedback,
    models: await modelsOf(project, asked, new Set(snapshots.flatMap(({ runs }) => runs)), outputs),
    mentions: [...mentions, ...batches],
    unsearched,
  };
}

/** The contract of each run whose pipeline has the column and keeps of it what names one person. */
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
    for (const { name, privacy } of contract?.columns ?? []) {
      known.add(name);
      if (name === column && (privacy === undefined || keyVariable(privacy) !== null)) contracts.set(id, contract!);
    }
  }
  if (contracts.size > 0) return contracts;
  if (!known.has(column))
    throw new MillraceError("COLUMN_MISSING", {
      name: column,
      subject: "the project",
      found: [...known],
      nearest: nearestName(column, [...known]),
    });
  const remedy = "Name the column that identifies persons.";
  const rule = "must name one person";
  throw new MillraceError("DEFINITION_INVALID", { subject: column, rule, actual: "masked or generalised", remedy });
}

/** How a snapshot holds the value: cleaned as the source was, and hashed where the column is. */
function keptValue(contract: Contract, { column, value, privacyKeyOf }: ForgetRequest): string {
  const { kind, privacy, clean } = contract.columns.find(({ name }) => name === column)!;
  if (kind === "number") return String(Number(value));
  const isText = kind === "text" || kind === "category";
  const text = isText && clean !== undefined ? (cleanedText(value, clean) ?? value) : value;
  return keyVariable(privacy) === null ? text : keyedHash(text, keyFor(contract, privacyKeyOf(contract))!);
}

async function modelsOf(
  { store, registry }: Project,
  { column, mark }: Asked,
  runs: ReadonlySet<string>,
  outputs: readonly KeptOutput[],
): Promise<readonly ForgottenModel[]> {
  const before = (await readAudit(store.database, subjectOf(column)))
    .filter(({ action, details }) => action === "forget" && details["value"] === mark)
    .flatMap(({ details }) => details["models"] as readonly Pick<ForgottenModel, "model" | "version">[]);
  const named = new Set(before.map(({ model, version }) => `${model} ${version}`));
  const versions = await store.database
    .selectFrom("versions")
    .select(["model", "version", "run_id", "digest"])
    .orderBy("model")
    .orderBy("version")
    .execute();
  const champions = new Map((await registry.models()).map(({ model, champion }) => [model, champion]));
  const starts = await startsOf(store, outputs);
  const remembering = new Set<Digest>();
  // A version goes on from one with a lower number.
  for (const { run_id, model, version, digest } of versions) {
    const start = starts.get(run_id);
    const isHeir = start !== undefined && remembering.has(start);
    if (isHeir || runs.has(run_id) || named.has(`${model} ${version}`)) remembering.add(digest);
  }
  return versions
    .filter(({ digest }) => remembering.has(digest))
    .map(({ model, version }) => ({ model, version, isChampion: champions.get(model) === version }));
}

/** The models that trainings went on from, by run. */
async function startsOf(store: Store, outputs: readonly KeptOutput[]): Promise<ReadonlyMap<string, Digest>> {
  const starts = new Map<string, Digest>();
  for (const { type, digest, runs } of outputs) {
    if (type !== chosenCodec.type) continue;
    const { start } = await chosenCodec.read(await store.artifacts.verifiedPath(digest));
    if (start) for (const run of runs) starts.set(run, start.digest);
  }
  return starts;
}

const subjectOf = (column: string): string => `column ${column}`;

async function noteInAudit({ store, clock }: Project, asked: Asked, planned: ForgetReport): Promise<void> {
  const { snapshots, quarantinedRows, predictions, messages, models } = planned;
  const details = {
    column: asked.column,
    value: asked.mark,
    snapshots: snapshots.map(({ snapshot, rows }) => ({ snapshot, rows })),
    quarantinedRows,
    predictions,
    messages,
    models: models.map(({ model, version }) => ({ model, version })),
  };
  const event = { actor: userName(), action: "forget", subject: subjectOf(asked.column), details };
  await store.database.transaction().execute((transaction) => appendAudit(transaction, event, clock.now()));
}
