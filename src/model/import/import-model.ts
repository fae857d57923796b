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
import { isSklearn, readSklearn } from "./sklearn.ts";
import { readUbjson } from "./ubjson.ts";
import { readXgboost } from "./xgboost.ts";

export interface ImportOptions {
  readonly name: string;
  /**
   * The whole file: a LightGBM text model, an XGBoost model as JSON or UBJ (`booster.save_model`), or what the exporter of
   * scikit-learn models wrote (`millrace import --exporter`).
   */
  readonly file: Uint8Array | string;
  /** What the target is called (default "target"). */
  readonly target?: string;
  /** Texts of the labels, in the order of the trainer's classes (default: as the file names them, or "0", "1" ...). */
  readonly labels?: readonly string[];
  /** By category column: its levels in the order of the trainer's codes, where the file does not say them. */
  readonly levels?: Readonly<Record<string, readonly string[]>>;
  /** What messages call the file (default "the file"). */
  readonly subject?: string;
}

/**
 * A model trained by LightGBM, XGBoost or scikit-learn as one of ours: raw scores of the first two equal the trainer's bit
 * for bit (docs/formats.md says what holds for the third). The contract is read from the file: columns of numbers and
 * categories, which may miss values where the trainer answers then. The file is parsed strictly as data; throws
 * MODEL_IMPORT_REFUSED where it is damaged or holds what could not be repeated exactly.
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
  if (!isMembers(value)) return refuse("it is no object");
  return isSklearn(value) ? readSklearn(value) : readXgboost(value, levels);
}

/** A tree has some twenty lines; each takes many times its byte in memory. */
const mostLines = 2 ** 22;
const mostTextBytes = 2 ** 28;

function textOf(bytes: Uint8Array): string {
  const newline = 0x0a;
  let nLines = 0;
  for (let i = 0; i < bytes.length; ++i) nLines += bytes[i] === newline ? 1 : 0;
  if (nLines > mostLines || bytes.length > mostTextBytes) refuse("it is longer than any model");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return refuse("it is neither a text nor a model of a trainer that is known");
  }
}

function modelOf(options: ImportOptions, imported: ImportedModel): Model {
  const { columns, predictor, objective, trainer } = imported;
  const { name, target = "target" } = options;
  const isNumber = predictor.link === "identity" || predictor.link === "log";
  const task: Task = isNumber ? "regression" : predictor.outputs === 1 ? "binary" : "multiclass";
  const labels = isNumber ? [] : labelsOf(options, imported);
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

function labelsOf({ labels }: ImportOptions, { labels: known, predictor }: ImportedModel): readonly string[] {
  const nLabels = Math.max(2, predictor.outputs);
  if (labels === undefined) return known ?? Array.from({ length: nLabels }, (_, k) => String(k));
  if (labels.length !== nLabels) throw new Refusal(`it has ${nLabels} classes, and ${labels.length} labels were given`);
  return labels;
}

/** Levels are not fixed in the contract: unknown ones are answered, too, as missing ones are. */
function contractColumn({ name, levels, isRequired = false }: ImportedColumn): ContractColumn {
  const kind = levels === null ? "number" : "category";
  return { name, kind, missing: isRequired ? 0 : 1, onViolation: isRequired ? "fail" : "warn" };
}

function featureOf({ name, levels, steps = [] }: ImportedColumn): FittedFeature {
  return { feature: name, steps: levels !== null ? [{ kind: "codes", levels }] : [{ kind: "keep" }, ...steps] };
}
