import { MillraceError } from "../core/errors/error.ts";
import type { JsonObject } from "../core/json.ts";
import { invalidDefinition, showValue } from "../frame/definition-fault.ts";
import { compileWorkflow, elementOutput } from "./compile.ts";
import type {
  AnyStep,
  CheckedReturn,
  Condition,
  DefinedStep,
  DefinedWorkflow,
  FileReference,
  Handle,
  Inputs,
  MappedStep,
  OutputValues,
  Outputs,
  StepDefinition,
  StepDefinitionRecord,
} from "./define-types.ts";

/**
 * Defines a step of a workflow. What `run` returns is its artifact: plain JSON, or by `outputs` bytes, typed arrays and
 * files. It must depend on its inputs, parameters and `rng` alone, for its answer is kept and reused.
 */
export function step<R, I extends Inputs = {}, const P extends JsonObject = {}, const O extends Outputs = never>(
  definition: StepDefinition<I, P, O, R> & CheckedReturn<NoInfer<O>, NoInfer<R>>,
): DefinedStep<OutputValues<O, R>> {
  const erased = definition as unknown as StepDefinitionRecord["definition"];
  if (typeof erased !== "object" || erased === null || typeof erased.run !== "function")
    throw invalidDefinition("step()", "takes an object with a name and run", showValue(definition));
  return definedStep({ name: erased.name, definition: erased, over: null });
}

/**
 * Runs a step once for each element of a list. `make` is called once, with a handle that stands for an element; each
 * output of the result is the list of the elements' outputs, in their order.
 */
export function map<T, V>(list: Handle<readonly T[]>, make: (element: Handle<T>) => DefinedStep<V>): MappedStep<V> {
  if (!isHandle(list)) throw invalidDefinition("map()", "takes the output of a step first", showValue(list));
  const element: Handle<T> = Object.freeze({ step: list.step, output: elementOutput });
  const { record } = make(element);
  if (record.over !== null)
    throw invalidDefinition(`map() of "${record.name}"`, "takes a step of its own", "a mapped one");
  const mapped = { ...record, over: list as Handle<readonly unknown[]> };
  return definedStep(mapped) as unknown as MappedStep<V>;
}

/** A condition on an output, for `when` of a step; where it does not hold, the step is skipped for this reason. */
export function onlyIf<T>(
  handle: Handle<T>,
  predicate: (value: T) => boolean | Promise<boolean>,
  reason?: string,
): Condition {
  return Object.freeze({ handle, predicate: predicate as Condition["predicate"], reason: reason ?? null });
}

/** Names a file that a step wrote, as the value of an output of kind "file". */
export function file(path: string): FileReference {
  return Object.freeze({ path });
}

/**
 * Defines a workflow by the steps wanted; those they need come with them. Run it with `millrace run` as the default
 * export of a file in `pipelines/`. Throws DEFINITION_INVALID.
 */
export function workflow(definition: {
  readonly name: string;
  readonly steps: readonly AnyStep[];
  /** Root of all randomness; default 1. */
  readonly seed?: number;
}): DefinedWorkflow {
  const { name, steps, seed = 1 } = definition;
  if (typeof name !== "string" || !/^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) {
    const rule = 'must be 1 to 63 small letters, digits and "-", a letter or a digit first';
    throw invalidDefinition("name", rule, showValue(name));
  }
  if (!Array.isArray(steps) || steps.length === 0)
    throw invalidDefinition("steps", "must be a list of at least one step", showValue(steps));
  if (!Number.isSafeInteger(seed)) throw invalidDefinition("seed", "must be a whole number", showValue(seed));
  const records = withNeeded(steps.map((one) => one?.record));
  return Object.freeze({
    name,
    isWorkflow: true as const,
    compile: (source: Parameters<DefinedWorkflow["compile"]>[0]) => compileWorkflow(name, seed, records, source),
  });
}

/** The steps with all they need, each after what it needs. */
function withNeeded(wanted: readonly (StepDefinitionRecord | undefined)[]): readonly StepDefinitionRecord[] {
  const ordered = new Set<StepDefinitionRecord>();
  const visit = (record: StepDefinitionRecord): void => {
    if (ordered.has(record)) return;
    for (const handle of handlesOf(record)) visit(handle.step);
    ordered.add(record);
  };
  for (const record of wanted) {
    if (record === undefined)
      throw new MillraceError("DEFINITION_INVALID", {
        subject: "steps",
        rule: "must hold what step() or map() made",
        actual: "something else",
      });
    visit(record);
  }
  return [...ordered];
}

/** Every output a step reads. */
function handlesOf({ definition, over }: StepDefinitionRecord): readonly Handle<unknown>[] {
  const inputs = Object.values(definition.inputs ?? {});
  return [...inputs, ...(over ? [over] : []), ...(definition.when ? [definition.when.handle] : [])];
}

function definedStep(record: StepDefinitionRecord): DefinedStep<never> {
  const names = record.definition.outputs ? Object.keys(record.definition.outputs) : ["output"];
  const handles = names.map((output): [string, Handle<unknown>] => [output, Object.freeze({ step: record, output })]);
  const outputs = Object.freeze(Object.fromEntries(handles));
  return Object.freeze({ record, outputs, output: outputs["output"] }) as unknown as DefinedStep<never>;
}

function isHandle(value: unknown): value is Handle<unknown> {
  return typeof value === "object" && value !== null && "step" in value && "output" in value;
}
