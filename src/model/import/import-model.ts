import { MillraceError } from "../../core/errors/error.ts";
import type { ContractColumn } from "../../frame/contract.ts";
import { decodeModel, encodeModel } from "../file.ts";
import type { FittedFeature } from "../fitted-transform.ts";
import type { Model, Task } from "../model.ts";
import type { ImportedColumn, ImportedModel } from "./imported.ts";
import { readJson } from "./json.ts";
import { readLightgbm } from "./lightgbm.ts";
import { isMembers } from "./members.ts";
import { Refusal, refuse } from "./refusal.ts";
import { readUbjson } from "./ubjson.ts";
import { readXgboost } from "./xgboost.ts";

export interface ImportOptions {
  readonly name: string;
  /** The whole file: a LightGBM text model, or an XGBoost model as JSON or UBJ (`booster.save_model`). */
  readonly file: Uint8Array | string;
  /** What the target is called (default "target"). */
  readonly target?: string;
  /** Texts of the labels, in the order of the trainer's classes (default "0", "1" ...). */
  readonly labels?: readonly string[];
  /** By category column: its levels in the order of the trainer's codes, where the file does not say them. */
  readonly levels?: Readonly<Record<string, readonly string[]>>;
  /** What messages call the file (default "the file"). */
  readonly subject?: string;
}

/**
 * A model trained by LightGBM or XGBoost as one of ours: raw scores equal the trainer's bit for bit. The contract is read
 * from the file: columns of numbers and categories, all of which may miss values. The file is parsed strictly as data;
 * throws MODEL_IMPORT_REFUSED where it is damaged or holds what could not be repeated exactly.
 */
export function importModel(options: ImportOptions): Model {
  const { subject = "the file" } = options;
  try {
    // The way through the file format checks every index, name and number once more.
    return decodeModel(encodeModel(modelOf(options, readFile(options))));
  } catch (error) {
    const isExpected = error instanceof Refusal || error instanceof MillraceError;
    if (!isExpected) throw error;
    throw new MillraceError("MODEL_IMPORT_REFUSED", { subject, reason: error.message }, { cause: error });
  }
}

function readFile({ file, levels = {} }: ImportOptions): ImportedModel {
  const bytes = typeof file === "string" ? new TextEncoder().encode(file) : file;
  const brace = 0x7b;
  if (bytes[0] !== brace) return readLightgbm(textOf(bytes));
  // In UBJSON, the type of a length follows; in JSON, a name or blanks.
  const value = bytes[1] === "L".charCodeAt(0) ? readUbjson(bytes) : readJson(bytes);
  return isMembers(value) ? readXgboost(value, levels) : refuse("it is no object");
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return refuse("it is neither a text nor a model of a trainer that is known");
  }
}

function modelOf(options: ImportOptions, { columns, predictor, objective, trainer }: ImportedModel): Model {
  const { name, target = "target" } = options;
  const task: Task =
    predictor.link === "sigmoid" ? "binary" : predictor.link === "softmax" ? "multiclass" : "regression";
  const labels = task === "regression" ? [] : labelsOf(options, predictor.link === "sigmoid" ? 2 : predictor.outputs);
  const targetColumn: ContractColumn =
    task === "regression"
      ? { name: target, kind: "number", missing: 1, onViolation: "warn" }
      : { name: target, kind: "category", missing: 1, onViolation: "warn", levels: labels };
  return {
    name,
    task,
    contract: { columns: [...columns.map(contractColumn), targetColumn] },
    roles: { target, id: null, time: null, group: null, weight: null, sensitive: [] },
    inputs: columns.map((column) => column.name),
    expressions: [],
    features: columns.map(featureOf),
    predictor,
    labels,
    threshold: task === "binary" ? 0.5 : null,
    reference: null,
    parity: null,
    provenance: { importedFrom: trainer, objective },
  };
}

function labelsOf({ labels }: ImportOptions, nLabels: number): readonly string[] {
  if (labels === undefined) return Array.from({ length: nLabels }, (_, k) => String(k));
  if (labels.length !== nLabels) throw new Refusal(`it has ${nLabels} classes, and ${labels.length} labels were given`);
  return labels;
}

/** Levels are not fixed in the contract: LightGBM answers for unknown ones too, as for missing ones. */
function contractColumn({ name, levels }: ImportedColumn): ContractColumn {
  return { name, kind: levels === null ? "number" : "category", missing: 1, onViolation: "warn" };
}

function featureOf({ name, levels }: ImportedColumn): FittedFeature {
  return { feature: name, steps: [levels === null ? { kind: "keep" } : { kind: "codes", levels }] };
}
