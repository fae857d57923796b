import type { GateRule } from "../evaluate/gate-rule.ts";
import { metricsOf } from "../metrics/metric-names.ts";
import type { Contract, ContractColumn } from "../frame/contract.ts";
import { invalidDefinition, showValue, uncalled } from "../frame/definition-fault.ts";
import type { Features } from "../frame/expression-types.ts";
import { contractOf, type NamesOf, type Schema } from "../frame/schema.ts";
import type { SourceDescription } from "../ingest/source.ts";
import type { EstimatorChoice } from "../model/estimator.ts";
import { checkEstimatorChoice } from "../train/implementations.ts";
import type { Roles, Task } from "../model/model.ts";
import { completeSplit, type SplitOptions } from "../prepare/split-options.ts";
import { cleanSpec, withCleaning } from "./clean-options.ts";
import { rowChecks, snapshotRules } from "./check-options.ts";
import { approvalRules, monitorSpec, retrainSpec, seedOf, stepSpecs } from "./operation-options.ts";
import { acceptedColumns, columnList, noSuchColumn } from "./column-list.ts";
import { expressionsOf, preparationsOf, withClips } from "./feature-options.ts";
import { refuseUnknownOptions } from "./option-names.ts";
import { rolesOf } from "./roles.ts";
import type { PipelineSpec } from "./spec.ts";
import { featureColumnsOf } from "./workflow/features.ts";
import type { Definition, OnlyOptions, OptionName, Pipeline } from "./types.ts";

/**
 * Defines a pipeline from data to a live model. Everything but `name`, `data`, `schema` and `model` has a default.
 *
 * The compiler checks names, kinds, metrics and options; what it cannot see is checked when the definition is read and
 * throws DEFINITION_INVALID, HYPERPARAMETER_INVALID, COLUMN_MISSING, COLUMN_NAME_INVALID or COLUMN_NAME_DUPLICATE.
 */
export function pipeline<
  S extends Schema,
  T extends NamesOf<S>["targetable"] = never,
  F extends Features = Features,
  W extends Exclude<NamesOf<S>["number"], T> = never,
  Given extends string = never,
>(definition: Definition<S, T, F, W, Given> & OnlyOptions<Given>): Pipeline<S, T, W, F> {
  const given = definition as unknown as GivenDefinition;
  const spec = specOf(given);
  return Object.freeze({
    name: spec.name,
    schema: definition.schema,
    target: definition.target,
    weight: definition.weight,
    featureNames: Object.freeze(spec.expressions.map(({ name }) => name)) as Pipeline<S, T, W, F>["featureNames"],
    spec,
  });
}

/** A definition as it may really arrive: written in JavaScript, or past the compiler. */
export type GivenDefinition = { readonly [K in OptionName]?: unknown };

/** Every option of pipeline(). */
export const optionNames: Readonly<Record<OptionName, true>> = {
  name: true,
  data: true,
  schema: true,
  checks: true,
  clean: true,
  expect: true,
  target: true,
  id: true,
  time: true,
  group: true,
  weight: true,
  sensitive: true,
  features: true,
  prepare: true,
  split: true,
  model: true,
  gate: true,
  allow: true,
  retrain: true,
  monitor: true,
  approvals: true,
  seed: true,
  steps: true,
};

function specOf(given: GivenDefinition): PipelineSpec {
  if (typeof given !== "object" || given === null)
    throw invalidDefinition("pipeline()", "takes one object of options", showValue(given));
  refuseUnknownOptions("pipeline()", given, Object.keys(optionNames));
  const declared = contractOf(given.schema as Schema);
  const clean = cleanSpec(given.clean, declared);
  const contract = withCleaning(declared, clean);
  const roles = rolesOf(given, contract);
  const task = taskOf(contract, roles.target, given.model);
  if (task === "ranking" && roles.group === null)
    throw invalidDefinition("group", "must name the column whose rows are ranked among each other", "none");
  const expressions = expressionsOf(given.features, contract, roles);
  const split = splitOptions(given.split, contract);
  const model = modelOf(given.model, task);
  const spec: PipelineSpec = {
    name: nameOf(given.name),
    source: sourceOf(given.data),
    contract,
    checks: rowChecks(given.checks, contract),
    clean,
    expect: snapshotRules(given.expect, roles, contract),
    roles,
    inputs: inputsOf(contract, roles),
    task,
    expressions,
    prepare: withClips(preparationsOf(given.prepare, contract, roles, expressions), clean, roles),
    split: completeSplit(split, roles, task),
    ...(split.folds !== undefined && { folds: foldColumn(split.folds, contract, roles, model) }),
    model,
    gate: gateOf(given.gate, task, contract),
    allow: acceptedColumns(given.allow, contract),
    steps: stepSpecs(given.steps),
    retrain: retrainSpec(given.retrain),
    monitor: monitorSpec(given.monitor, (subject, names) => columnList(subject, names, contract)),
    ...(given.approvals !== undefined && { approvals: approvalRules(given.approvals) }),
    seed: seedOf(given.seed),
  };
  refuseWithoutFeature(spec);
  return Object.freeze(spec);
}

function inputsOf(contract: Contract, roles: Roles): readonly string[] {
  const inputs = contract.columns
    .map(({ name }) => name)
    .filter((name) => name !== roles.target && name !== roles.weight);
  if (inputs.length > 0) return Object.freeze(inputs);
  const rule = "must declare a column beside target and weight";
  throw invalidDefinition("schema", rule, "none", "Declare what to predict from.");
}

function refuseWithoutFeature(spec: PipelineSpec): void {
  if (featureColumnsOf(spec).length > 0) return;
  const remedy = "Name one in `prepare`, or derive one in `features`.";
  const actual = "columns with a role or dropped alone";
  throw invalidDefinition("the definition", "must leave the model a feature", actual, remedy);
}

function nameOf(name: unknown): string {
  if (typeof name === "string" && /^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) return name;
  const rule = 'must be 1 to 63 small letters, digits and "-", a letter or a digit first';
  throw invalidDefinition("name", rule, showValue(name), 'Give a name such as "house-prices".');
}

function sourceOf(data: unknown): SourceDescription {
  const isSource = typeof data === "object" && data !== null && "kind" in data && "path" in data;
  if (isSource && typeof data.path === "string" && data.path !== "") return data as SourceDescription;
  throw invalidDefinition(
    "data",
    "must be made by csv(), parquet(), json(), sqlite(), rows(), sql(), join() or their kin",
    showValue(data),
  );
}

/**
 * A category target whose levels are declared is binary with two of them, else multiclass. Without declared levels it
 * is multiclass here, as its type says; the levels are known only once the data is read. Without a target, and for one of
 * numbers, the model says which of the two tasks it learns.
 */
function taskOf(contract: Contract, target: string | null, model: unknown): Task {
  const column = contract.columns.find(({ name }) => name === target);
  if (!column) return learns(model, "anomaly") ? "anomaly" : "clustering";
  if (column.kind === "number") return learns(model, "ranking") ? "ranking" : "regression";
  if (column.kind === "boolean") return "binary";
  if (column.kind === "category") return column.levels?.length === 2 ? "binary" : "multiclass";
  const rule = "must be a number, boolean or category column";
  throw invalidDefinition("target", rule, `${showValue(target)} of kind ${column.kind}`);
}

function learns(model: unknown, task: Task): boolean {
  if (typeof model !== "object" || model === null || !("tasks" in model)) return false;
  return Object.hasOwn(model.tasks as object, task);
}

function splitOptions(split: unknown, contract: Contract): SplitOptions {
  if (split === undefined) return {};
  if (typeof split !== "object" || split === null)
    throw invalidDefinition("split", "must be an object", showValue(split));
  refuseUnknownOptions("split", split, ["by", "test", "validation", "gap", "column", "folds"]);
  const options = split as SplitOptions;
  const ways = ["random", "hash", "target", "time", "group", "column"];
  if (options.by !== undefined && !ways.includes(options.by))
    throw invalidDefinition("split.by", `must be one of ${ways.join(", ")}`, showValue(options.by));
  const words = contract.columns.filter(({ kind }) => kind === "category" || kind === "text").map(({ name }) => name);
  if (options.column !== undefined && !words.includes(options.column))
    throw noSuchColumn("split.column", options.column, words);
  return options;
}

/** Where nothing is cross-validated, nobody would look at the column. */
function foldColumn(folds: string, contract: Contract, roles: Roles, model: EstimatorChoice): string {
  const named = contract.columns.filter(
    ({ name, kind }) => kind !== "timestamp" && ![roles.target, roles.weight].includes(name),
  );
  const names = named.map(({ name }) => name);
  if (!names.includes(folds)) throw noSuchColumn("split.folds", folds, names);
  if (model.tuning !== null || model.members !== undefined) return folds;
  const rule = "is for models that are cross-validated: tune(), auto(), stack(), blend() and calibrated()";
  throw invalidDefinition("split.folds", rule, `${model.estimator}()`);
}

function modelOf(model: unknown, task: Task): EstimatorChoice {
  const isEstimator = typeof model === "object" && model !== null && "estimator" in model && "tasks" in model;
  if (!isEstimator)
    throw invalidDefinition(
      "model",
      "must be an estimator such as boosting(), forest(), linear(), kmeans() or auto()",
      showValue(model),
      uncalled(model),
    );
  const { tasks, ...choice } = model as EstimatorChoice & { readonly tasks: Readonly<Record<string, true>> };
  if (Object.hasOwn(tasks, task)) {
    checkEstimatorChoice(choice);
    return Object.freeze(choice);
  }
  const remedy =
    task === "clustering"
      ? "Name a target, or use kmeans() or isolationForest()."
      : "Use boosting(), linear() or auto().";
  const can = Object.keys(tasks).join(", ");
  throw invalidDefinition("model", `must learn the task ${task}`, `${choice.estimator}() for ${can}`, remedy);
}

function gateOf(gate: unknown, task: Task, contract: Contract): readonly GateRule[] {
  if (gate === undefined) return Object.freeze([]);
  if (!Array.isArray(gate)) throw invalidDefinition("gate", "must be a list of rules", showValue(gate));
  const metrics: readonly string[] = metricsOf(task);
  const groupable = contract.columns.filter(isGroupable).map(({ name }) => name);
  for (const rule of gate as unknown[]) {
    const isRule = typeof rule === "object" && rule !== null && "rule" in rule && "metric" in rule;
    if (!isRule)
      throw invalidDefinition("gate", "takes rules made by atLeast(), atMost() or beatsChampion()", showValue(rule));
    const { metric, slice } = rule as GateRule;
    if (!metrics.includes(metric))
      throw invalidDefinition("gate", `of a ${task} task judges ${metrics.join(", ")}`, showValue(metric));
    if (slice !== undefined && !groupable.includes(slice)) throw noSuchColumn("gate: slice", slice, groupable);
  }
  return Object.freeze([...(gate as GateRule[])]);
}

function isGroupable({ kind }: ContractColumn): boolean {
  return kind === "category" || kind === "boolean";
}
