import type { Digest } from "../../core/digest.ts";
import { MillraceError } from "../../core/errors/error.ts";
import { canonicalJson, type JsonObject, type JsonValue } from "../../core/json.ts";
import type { ColumnData } from "../../frame/column.ts";
import { type Frame, takeColumn } from "../../frame/frame.ts";
import { rowsWithCode, splitCode } from "../../frame/split-codes.ts";
import { formatTimestamp } from "../../frame/timestamp.ts";
import type { FittedFeature } from "../../model/fitted-transform.ts";
import type { Model } from "../../model/model.ts";
import type { ModelVersion } from "../../registry/version.ts";
import { hyperparametersOf } from "../../train/implementations.ts";
import type { PipelineSpec } from "../spec.ts";
import type { WorkflowEnvironment } from "./environment.ts";
import type { Labels } from "./target.ts";

/** The version that a training goes on from. */
export interface Start {
  readonly version: number;
  readonly digest: Digest;
}

/**
 * The version a definition asks for; null where it asks for none, or for a champion while there is none. Throws
 * MODEL_NOT_FOUND or VERSION_NOT_FOUND.
 */
export async function findStart(spec: PipelineSpec, environment: WorkflowEnvironment): Promise<Start | null> {
  const { from } = spec.model;
  if (from === undefined) return null;
  const found = from === "champion" ? await championOf(spec, environment) : await versionOf(spec, environment, from);
  return found && { version: found.version, digest: found.digest };
}

/** The pipeline's champion; null where it has no version yet, or none that was promoted. */
export async function championOf(
  { name }: PipelineSpec,
  { registry }: WorkflowEnvironment,
): Promise<ModelVersion | null> {
  const isKnown = (await registry.models()).some((entry) => entry.model === name);
  return isKnown ? registry.champion(name) : null;
}

async function versionOf(
  { name }: PipelineSpec,
  { registry }: WorkflowEnvironment,
  version: number,
): Promise<ModelVersion> {
  const versions = await registry.versions(name);
  const found = versions.find((candidate) => candidate.version === version);
  if (found) return found;
  const numbers = versions.map((candidate) => candidate.version);
  throw new MillraceError("VERSION_NOT_FOUND", { model: name, version: String(version), found: numbers });
}

/** What of this run must be as it was for the earlier version. */
export interface Continuation {
  readonly spec: PipelineSpec;
  readonly labels: Labels;
  readonly hyperparameters: JsonObject;
  /** Fitted on the rows of this run. */
  readonly features: readonly FittedFeature[];
  readonly dataset: Digest;
  readonly split: Digest;
  /** As `firstTestTime` gives it. */
  readonly testsFrom: number | null;
}

/** Hyperparameters that say what a score means, or what holds of every tree. */
const lasting = [
  "loss",
  "classWeights",
  "quantile",
  "huberDelta",
  "tweediePower",
  "truncation",
  "increasing",
  "decreasing",
  "interactions",
] as const;

/** Ways to split by which a row that was learned from is never tested on later, when rows were added. */
const steady: readonly string[] = ["hash", "time", "column"];

/**
 * Throws WARM_START_REFUSED unless the earlier version was boosted by this definition as far as its trees depend on it, and from
 * no row that this run tests on.
 */
export function requireSame(earlier: Model, { version }: Start, run: Continuation): void {
  const { spec, labels, features, hyperparameters } = run;
  const { provenance } = earlier;
  const { refuse, same } = judge(`version ${version} of ${spec.name}`);
  if (provenance["estimator"] !== "boosting")
    refuse("it must be one that boosting() learned here", JSON.stringify(provenance["estimator"] ?? null));
  same("target and task", [earlier.roles.target, earlier.task], [spec.roles.target, spec.task]);
  same("the labels", earlier.labels, labels);
  same("the inputs", kindsOf(earlier), kindsOf(spec));
  same("derived features", earlier.expressions, spec.expressions);
  same("features and their preparation", stepsOf(earlier.features), stepsOf(features));
  const then = provenance["hyperparameters"] as JsonObject;
  const table = hyperparametersOf("boosting");
  // A release from before a hyperparameter did as its default says.
  for (const name of lasting) same(`the values of ${name}`, then[name] ?? table[name]!.default, hyperparameters[name]);
  const isSameSplit = provenance["dataset"] === run.dataset && provenance["split"] === run.split;
  if (isSameSplit) return;
  if (!steady.includes(spec.split.by))
    refuse(
      "with other data, rows must be split by hash, time or a column, or it may have learned from rows of the new test split",
      `split by ${spec.split.by}`,
      'Set split: { by: "hash" } with an id, or by time, and leave warmStart() out once: a model is to learn by that split first.',
    );
  same("with other data, the split, its seed and roles", provenance["division"] ?? "not on record", divisionOf(spec));
  const seen = provenance["seenUntil"] as number | undefined;
  if (seen !== undefined && run.testsFrom !== null && run.testsFrom <= seen)
    refuse(
      `with other data, all test rows must be later than what it has seen, the last of it ${formatTimestamp(seen)}`,
      formatTimestamp(run.testsFrom),
      "Run it over newer rows, too, or leave warmStart() out, so that a model is learned anew.",
    );
}

interface Judge {
  refuse(rule: string, actual: string, remedy?: string): never;
  same(what: string, then: unknown, now: unknown): void;
}

function judge(subject: string): Judge {
  const refuse: Judge["refuse"] = (rule, actual, remedy) => {
    throw new MillraceError("WARM_START_REFUSED", { subject, rule, actual, remedy });
  };
  const same: Judge["same"] = (what, then, now) => {
    const [was, is] = [then, now].map((value) => canonicalJson((value ?? null) as JsonValue));
    if (was !== is) refuse(`${what} must be as they were for it, ${shortened(was!)}`, shortened(is!));
  };
  return { refuse, same };
}

/** What a model remembers of its split, for trainings that go on from it; `start` is the version it went on from itself. */
export function splitMemory(spec: PipelineSpec, dataset: Frame, split: Uint8Array, start: Model | null): JsonObject {
  const division = divisionOf(spec);
  if (spec.split.by !== "time") return { division };
  const before = (start?.provenance["seenUntil"] ?? -Infinity) as number;
  const times = timesOf(spec, dataset, rowsWithCode(split, splitCode.train, splitCode.validation));
  return { division, seenUntil: times.reduce((latest, time) => Math.max(latest, time), before) };
}

/** The time of the first test row, UTC milliseconds; null where rows are not split by time or none are tested on. */
export function firstTestTime(spec: PipelineSpec, dataset: Frame, split: Uint8Array): number | null {
  const rows = spec.split.by === "time" ? rowsWithCode(split, splitCode.test) : new Uint32Array(0);
  return rows.length === 0 ? null : timesOf(spec, dataset, rows).reduce((first, time) => Math.min(first, time));
}

function timesOf({ roles }: PipelineSpec, dataset: Frame, rows: Uint32Array): Float64Array {
  const column = takeColumn(dataset, roles.time!, rows);
  return (column as ColumnData & { kind: "timestamp" }).values;
}

/** All of a definition that decides which part of the split a row belongs to. */
export function divisionOf({ split, roles, seed }: PipelineSpec): JsonObject {
  return { ...split, id: roles.id, group: roles.group, time: roles.time, seed };
}

/** The columns a request sends, with their kinds. */
function kindsOf({ inputs, contract }: Pick<Model, "inputs" | "contract">): (readonly [name: string, kind: string])[] {
  return contract.columns.filter(({ name }) => inputs.includes(name)).map(({ name, kind }) => [name, kind]);
}

/** Each feature with the kinds of its transforms: what those learned may differ. */
function stepsOf(features: readonly FittedFeature[]): (readonly [feature: string, ...kinds: string[]])[] {
  return features.map(({ feature, steps }) => [feature, ...steps.map(({ kind }) => kind)]);
}

function shortened(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}
