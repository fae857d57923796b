import { readFile, writeFile } from "node:fs/promises";
import type { Digest } from "../core/digest.ts";
import type { Contract, ContractColumn } from "../frame/contract.ts";
import { columnOf, type Frame, takeRows } from "../frame/frame.ts";
import { parseTimestamp } from "../frame/timestamp.ts";
import { datasetCodec } from "../ingest/dataset.ts";
import { noteForgotten, presentArtifacts } from "../store/forgotten.ts";
import { type Fence, requireFence } from "../store/leases.ts";
import type { Store } from "../store/open.ts";
import type { Project } from "./project.ts";

export interface ForgottenSnapshot {
  readonly snapshot: Digest;
  /** What holds the other rows; null before they are taken out. */
  readonly replacement: Digest | null;
  readonly rows: number;
  readonly runs: readonly string[];
}

/** Where a value stands beside what is taken out. `run` and `digest` are null for a file of the store that is no artifact. */
export interface Mention {
  readonly run: string | null;
  readonly output: string;
  readonly digest: Digest | null;
}

/** One artifact with the runs it is an output of. */
export interface KeptOutput {
  readonly digest: Digest;
  readonly runs: readonly string[];
  readonly output: string;
  readonly type: string;
  readonly size: number;
}

/** Whose rows go, and on whose authority; a fence of null = they are only counted. */
export interface Removal {
  readonly column: string;
  /** The value as a source holds it. */
  readonly value: string;
  readonly fence: Fence | null;
}

/** Artifacts of these runs whose bytes are still there, or what stands for them now. */
export async function outputsOf(store: Store, runs: ReadonlySet<string>): Promise<readonly KeptOutput[]> {
  const rows = await store.database
    .selectFrom("step_outputs")
    .innerJoin("artifacts", "artifacts.digest", "step_outputs.digest")
    .select(["run_id", "step", "output", "step_outputs.digest as digest", "type", "size"])
    .execute();
  const present = await presentArtifacts(store.database);
  const found = new Map<Digest, KeptOutput & { readonly runs: string[] }>();
  for (const { run_id, step, output, type, size, ...row } of rows) {
    if (!runs.has(run_id)) continue;
    const digest = present(row.digest);
    const known = found.get(digest) ?? { digest, runs: [], output: `${step}.${output}`, type, size };
    if (!known.runs.includes(run_id)) known.runs.push(run_id);
    found.set(digest, known);
  }
  return [...found.values()];
}

/** Takes the rows with a value out of a snapshot; null where it has none. Only the column is read to find them. */
export async function forgetRows(
  project: Project,
  { digest, runs }: KeptOutput,
  contract: Contract,
  wanted: string,
  { column, fence }: Removal,
): Promise<ForgottenSnapshot | null> {
  const { store } = project;
  const path = await store.artifacts.verifiedPath(digest);
  const rule = contract.columns.find(({ name }) => name === column)!;
  const { nRows, kept } = rowsWithout(await datasetCodec({ columns: [rule] }).read(path), rule, wanted);
  if (kept.length === nRows) return null;
  const rows = nRows - kept.length;
  if (fence === null) return { snapshot: digest, replacement: null, rows, runs };
  const codec = datasetCodec(contract);
  const partial = store.artifacts.temporaryPath();
  await codec.write(takeRows(await codec.read(path), kept), partial);
  return { snapshot: digest, replacement: await replace(project, digest, partial, fence), rows, runs };
}

/** The rows that do not hold the value, compared as texts, and times by the instant. */
function rowsWithout(frame: Frame, { name }: ContractColumn, wanted: string): { nRows: number; kept: Uint32Array } {
  const column = columnOf(frame, name);
  const code = column.kind === "category" ? column.levels.indexOf(wanted) : -1;
  const instant = column.kind === "timestamp" ? parseTimestamp(wanted) : NaN;
  const isTheirs = (row: number): boolean => {
    if (column.kind === "category") return code >= 0 && column.codes[row] === code;
    if (column.kind === "timestamp") return column.values[row] === instant;
    return String(column.values[row]) === wanted;
  };
  const all = new Uint32Array(frame.nRows).map((_, row) => row);
  return { nRows: frame.nRows, kept: all.filter((row) => !isTheirs(row)) };
}

/** Puts a file in the place of an artifact: first the record of it, then the bytes go. */
async function replace({ store, clock }: Project, digest: Digest, path: string, fence: Fence): Promise<Digest> {
  const replacement = await store.artifacts.adopt(path);
  await store.database.transaction().execute(async (transaction) => {
    await requireFence(transaction, fence);
    await noteForgotten(transaction, { digest, replacement }, clock.now());
  });
  await removeBytes(store, [digest], fence);
  return replacement.digest;
}

/** Under the write lock and the fence: no run that began since takes in what is being removed. */
export async function removeBytes(store: Store, digests: readonly Digest[], fence: Fence): Promise<void> {
  await store.database.transaction().execute(async (transaction) => {
    await requireFence(transaction, fence);
    await store.artifacts.remove(digests);
  });
}

interface QuarantinedLine {
  readonly row: number | null;
  readonly values?: Readonly<Record<string, unknown>>;
}

/** Artifacts of lines: rows that were set aside, and what was none. */
export const typesOfLines: ReadonlySet<string> = new Set(["quarantined-rows", "refused-rows"]);

/** Lines of rows that were set aside: values stand under the names of the columns; what was no row stands as its text. */
export async function forgetLines(
  project: Project,
  { digest }: KeptOutput,
  wanted: string,
  { column, value, fence }: Removal,
): Promise<number> {
  const { store } = project;
  const text = await readFile(await store.artifacts.verifiedPath(digest), "utf8");
  const lines = text.split("\n").filter((line) => line !== "");
  const kept = lines.filter((line) => {
    const { row, values = {} } = JSON.parse(line) as QuarantinedLine;
    if (row === null) return !standsIn(line, value);
    return !Object.hasOwn(values, column) || String(values[column]) !== wanted;
  });
  if (kept.length === lines.length) return 0;
  if (fence !== null) {
    const path = store.artifacts.temporaryPath();
    await writeFile(path, kept.map((line) => `${line}\n`).join(""));
    await replace(project, digest, path, fence);
  }
  return lines.length - kept.length;
}

/** A short text stands anywhere. */
function standsIn(text: string | Buffer, value: string): boolean {
  return value.length >= 4 && text.includes(value);
}

const largestSearched = 64 * 1024 * 1024;
const rewritten: ReadonlySet<string> = new Set(["dataset", ...typesOfLines]);

/** Artifacts that are left as they are and hold one of the values, and those too large to be searched. */
export async function mentionsIn(
  store: Store,
  outputs: readonly KeptOutput[],
  values: readonly string[],
): Promise<{ readonly mentions: readonly Mention[]; readonly unsearched: readonly Mention[] }> {
  const mentions: Mention[] = [];
  const unsearched: Mention[] = [];
  for (const { digest, runs, output, type, size } of outputs) {
    if (rewritten.has(type)) continue;
    const mention = { run: runs[0]!, output, digest };
    if (size > largestSearched) unsearched.push(mention);
    else {
      const bytes = Buffer.from(await store.artifacts.readBytes(digest));
      if (values.some((value) => standsIn(bytes, value))) mentions.push(mention);
    }
  }
  return { mentions, unsearched };
}
