import type { JsonValue } from "../core/json.ts";
import { MillraceError } from "../core/errors/error.ts";
import { canonicalJson } from "../core/json.ts";
import { invalidDefinition, showValue } from "../frame/definition-fault.ts";
import { digestOf } from "../store/platform-digest.ts";
import type { Handle, OutputKind, StepDefinitionRecord, StepTools, WorkflowSource } from "./define-types.ts";
import { listCodec } from "./list.ts";
import { readOutput, writeOutput } from "./output-codecs.ts";
import { durationMsOf, retryPolicyOf } from "./retry.ts";
import type { Step, StepContext, Workflow } from "./step.ts";

/** The output name by which a handle stands for an element of the list a step is mapped over. */
export const elementOutput = "[element]";
const soleOutput = "output";

/** A workflow as the engine runs it. */
export function compileWorkflow(
  name: string,
  seed: number,
  records: readonly StepDefinitionRecord[],
  source: WorkflowSource | null,
): Workflow {
  const names = new Set(records.map((record) => record.name));
  const leftOut = (source?.defined ?? []).filter((step) => !names.has(step));
  return Object.freeze({ name, seed, steps: records.map((record) => compileStep(record, source)), leftOut });
}

function compileStep(record: StepDefinitionRecord, source: WorkflowSource | null): Step {
  const { definition, over } = record;
  const { name, retry, timeout, memory, slots, tags, runner } = definition;
  const code = source?.codeOf(name) ?? { digest: digestOf(String(definition.run)), parts: undefined };
  const handles = Object.values(definition.inputs ?? {}).filter((handle) => handle.output !== elementOutput);
  const read = [...handles, ...(over ? [over] : []), ...(definition.when ? [definition.when.handle] : [])];
  const lists = handles.filter((handle) => handle.step.over !== null).map(nameOf);
  const at = (option: string): string => `${option} of step "${name}"`;
  return Object.freeze({
    name,
    inputs: [...new Set(read.map(nameOf))],
    ...(lists.length > 0 ? { lists } : {}),
    outputs: definition.outputs ? Object.keys(definition.outputs) : [soleOutput],
    params: paramsOf(record),
    code: code.digest,
    ...(code.parts ? { codeParts: code.parts } : {}),
    ...(slots === undefined ? {} : { slots }),
    ...(retry === undefined ? {} : { retry: retryPolicyOf(at, retry) }),
    ...(timeout === undefined ? {} : { timeoutMs: durationMsOf(at("timeout"), timeout) }),
    ...(memory === undefined ? {} : { memoryMb: memory }),
    ...(tags === undefined ? {} : { tags }),
    ...(over === null ? {} : { over: nameOf(over) }),
    ...(source && runner !== "inline" ? { task: { file: source.file, step: name, env: definition.env ?? [] } } : {}),
    ...(definition.when ? { when: (context: StepContext) => reasonNotTo(record, context) } : {}),
    readsInputsOnly: true as const,
    run: (context: StepContext) => runStep(record, context),
  });
}

/** How outputs are kept is part of what they are. */
function paramsOf({ definition }: StepDefinitionRecord): Step["params"] {
  const { name, params = {}, outputs } = definition;
  try {
    canonicalJson(params);
    return outputs ? { ...params, outputs } : params;
  } catch (error) {
    const actual = error instanceof Error ? error.message : String(error);
    throw invalidDefinition(`params of step "${name}"`, "must be plain JSON", actual);
  }
}

function nameOf(handle: Handle<unknown>): string {
  return `${handle.step.name}.${handle.output}`;
}

/** What a handle holds, decoded from its file; an output of a mapped step is the list of its elements'. */
async function valueOf(handle: Handle<unknown>, context: StepContext): Promise<unknown> {
  const kind = kindOf(handle);
  const digest = context.digestOf(nameOf(handle));
  if (handle.step.over === null) return readOutput(kind, digest, context);
  const { digests } = await listCodec.read(await context.pathOf(digest));
  return Promise.all(digests.map((element) => readOutput(kind, element, context)));
}

function kindOf({ step, output }: Handle<unknown>): OutputKind {
  return step.definition.outputs?.[output] ?? "json";
}

async function elementOf(record: StepDefinitionRecord, context: StepContext): Promise<unknown> {
  const item = context.item!;
  if (item.digest === null) return item.value;
  return readOutput(kindOf(record.over!), item.digest, context);
}

async function reasonNotTo({ definition }: StepDefinitionRecord, context: StepContext): Promise<string | null> {
  const { handle, predicate, reason } = definition.when!;
  const holds = await predicate((await valueOf(handle, context)) as never);
  if (typeof holds !== "boolean") {
    const rule = "must have a condition that answers true or false";
    throw new MillraceError("WORKFLOW_INVALID", { step: definition.name, rule, actual: showValue(holds) });
  }
  return holds ? null : (reason ?? `its condition on "${nameOf(handle)}" does not hold`);
}

async function runStep(record: StepDefinitionRecord, context: StepContext): Promise<void> {
  const { definition } = record;
  const inputs: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [name, handle] of Object.entries(definition.inputs ?? {}))
    inputs[name] = handle.output === elementOutput ? await elementOf(record, context) : await valueOf(handle, context);
  const { rng, clock, progress, runId, record: recordNumbers, scratch } = context;
  const tools: StepTools<Readonly<Record<string, never>>, Readonly<Record<string, JsonValue>>> = {
    inputs: inputs as Readonly<Record<string, never>>,
    params: definition.params ?? {},
    rng,
    clock,
    progress,
    get signal() {
      return context.signal;
    },
    runId,
    record: recordNumbers,
    scratch,
  };
  const returned = await definition.run(tools as never);
  await context.computed();
  await writeReturned(record, returned, context);
}

async function writeReturned(
  { definition }: StepDefinitionRecord,
  returned: unknown,
  context: StepContext,
): Promise<void> {
  const { name: step, outputs } = definition;
  if (!outputs) return writeOutput({ step, output: soleOutput }, "json", returned, context);
  const members = new Map<string, unknown>(
    typeof returned === "object" && returned !== null ? Object.entries(returned) : [],
  );
  const declared = Object.keys(outputs);
  const extra = [...members.keys()].find((name) => !declared.includes(name));
  if (extra !== undefined || typeof returned !== "object" || returned === null) {
    const rule = `an object with ${declared.join(", ")}`;
    const actual = extra === undefined ? showValue(returned) : `another member "${extra}"`;
    throw new MillraceError("STEP_OUTPUT_INVALID", {
      step,
      output: declared[0] ?? "",
      rule,
      actual,
      remedy: "Declare it in `outputs`, or do not return it.",
    });
  }
  for (const output of declared) await writeOutput({ step, output }, outputs[output]!, members.get(output), context);
}
