import type { Digest } from "../core/digest.ts";
import { canonicalJson } from "../core/json.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import type { Store } from "../store/open.ts";
import { recordedKeys, showRun } from "./runs.ts";
import type { RecordedStep, RunDetails } from "./runs.ts";

/** One fact of several runs, in the order they were asked for; undefined where a run has no such fact. */
export interface ComparedFact<T> {
  /** "step.name", or a part of the provenance. */
  readonly name: string;
  readonly values: readonly (T | undefined)[];
  readonly isEqual: boolean;
}

/** What runs have in common and where they differ; each list sorted by name. */
export interface RunComparison {
  readonly runs: readonly { readonly runId: string; readonly workflow: string; readonly status: string }[];
  readonly parameters: readonly ComparedFact<JsonValue>[];
  readonly metrics: readonly ComparedFact<number>[];
  /** What was read from outside: outputs of steps that read no other step's. */
  readonly data: readonly ComparedFact<Digest>[];
  /** What the code of each step was, and what ran it from where. */
  readonly code: readonly ComparedFact<JsonValue>[];
  /** What came out. */
  readonly artifacts: readonly ComparedFact<Digest>[];
}

type Facts<T> = ReadonlyMap<string, T>;

/** Lays two or more runs beside each other. Throws RUN_NOT_FOUND. */
export async function compareRuns(store: Store, ids: readonly string[]): Promise<RunComparison> {
  const runs: RunDetails[] = [];
  const codes: Facts<JsonValue>[] = [];
  for (const id of ids) {
    runs.push(await showRun(store, id));
    codes.push(await codeOf(store, id));
  }
  const source = (step: RecordedStep): boolean => step.inputs.length === 0;
  return {
    runs: runs.map(({ runId, workflow, status }) => ({ runId, workflow, status })),
    parameters: compare(runs.map(parametersOf)),
    metrics: compare(runs.map((run) => factsOf(run, (step) => Object.entries(step.metrics)))),
    data: compare(runs.map((run) => factsOf(run, (step) => (source(step) ? digestsOf(step) : [])))),
    code: compare(runs.map((run, i) => new Map([...provenanceOf(run), ...codes[i]!]))),
    artifacts: compare(runs.map((run) => factsOf(run, (step) => (source(step) ? [] : digestsOf(step))))),
  };
}

function digestsOf(step: RecordedStep): [string, Digest][] {
  return step.outputs.map(({ name, digest }) => [name, digest]);
}

function compare<T extends JsonValue | number>(runs: readonly Facts<T>[]): ComparedFact<T>[] {
  const names = [...new Set(runs.flatMap((facts) => [...facts.keys()]))].sort();
  return names.map((name) => {
    const values = runs.map((facts) => facts.get(name));
    const texts = values.map((value) =>
      value === undefined ? "" : Number.isNaN(value) ? "NaN" : canonicalJson(value),
    );
    return { name, values, isEqual: texts.every((text) => text === texts[0]) };
  });
}

/** By "step.name"; a later attempt's facts stand for the earlier one's. */
function factsOf<T>(run: RunDetails, of: (step: RecordedStep) => readonly (readonly [string, T])[]): Facts<T> {
  return new Map(
    run.steps.flatMap((step) => of(step).map(([name, value]) => [`${step.step}.${name}`, value] as const)),
  );
}

function parametersOf(run: RunDetails): Facts<JsonValue> {
  return new Map([...factsOf(run, (step) => Object.entries(step.params)), ["seed", run.seed]]);
}

/** "source.revision", "lockfile.digest", "node" ... */
function provenanceOf(run: RunDetails): Facts<JsonValue> {
  const facts = new Map<string, JsonValue>();
  for (const [name, value] of Object.entries((run.provenance ?? {}) as JsonObject)) {
    if (value === null || typeof value !== "object" || Array.isArray(value)) facts.set(name, value);
    else for (const [part, inner] of Object.entries(value)) facts.set(`${name}.${part}`, inner);
  }
  return facts;
}

async function codeOf(store: Store, runId: string): Promise<Facts<JsonValue>> {
  return new Map([...(await recordedKeys(store, runId))].map(([step, { code }]) => [`${step}.code`, code]));
}
