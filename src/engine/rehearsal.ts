import type { Compilable, Kysely } from "kysely";
import type { Digest } from "../core/digest.ts";
import type { Fence } from "../store/leases.ts";
import type { Database } from "../store/schema.ts";
import { endQuery, spreadEnd } from "../store/step-ends.ts";
import type { StepRecord, WrittenOutput } from "./context.ts";
import { rowsOf } from "./entry-rows.ts";
import type { StepEntry } from "./journal.ts";
import type { Step } from "./step.ts";

/** So many kinds of steps are thought of; a workflow of many has time to learn the others. */
const mostKinds = 8;

/**
 * Queries of the shapes that will record the steps of a workflow, of steps that never ran, to be made ready and not executed:
 * the first commit of each shape takes some times as long as the next.
 */
export function rehearsal(database: Kysely<Database>, fence: Fence, steps: readonly Step[]): readonly Compilable[] {
  const kinds = new Map(steps.map((step) => [kindOf(step), step]));
  const ends = [...kinds.values()].slice(0, mostKinds).map((step) => rowsOf("", imagined(step), 0));
  return ends.flatMap((end) => [endQuery(database, fence, end), ...spreadEnd(database, fence, end)]);
}

function kindOf({ inputs, outputs, params }: Step): string {
  return [inputs.length, outputs.length, Object.keys(params).length].join();
}

function imagined(step: Step): StepEntry {
  const digestOf = (i: number): Digest => `sha256:${i}`;
  const outputs = step.outputs.map((output, i): [string, WrittenOutput] => [
    output,
    { output, digest: digestOf(i), size: 0, type: "", format: 0 },
  ]);
  const record: StepRecord = {
    outputs: new Map(outputs),
    metrics: new Map([["", 0]]),
    unsynced: new Map(outputs.map(([, { digest }]) => [digest, new Uint8Array()])),
  };
  return {
    name: step.name,
    step,
    attempt: 1,
    position: 0,
    status: "ran",
    startedAt: null,
    durationMs: null,
    cacheKey: { digest: digestOf(0), parts: "", observed: null },
    reason: null,
    inputs: new Map(step.inputs.map((input) => [input, digestOf(0)])),
    record,
    log: null,
    error: null,
  };
}
