import type { JsonObject, JsonValue } from "../../core/json.ts";
import type { ContractColumn } from "../../frame/contract.ts";
import type { Model } from "../../model/model.ts";
import type { Answer } from "../../model/predict.ts";
import { inputColumns } from "../contract-schema.ts";
import { refuse, rowOf } from "./request-rows.ts";

const integers = new Set(["UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64"]);
const floats = new Set(["FP16", "FP32", "FP64"]);

interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: readonly unknown[];
}

function datatypeOf(column: ContractColumn): string {
  if (column.kind === "boolean") return "BOOL";
  if (column.kind !== "number") return "BYTES";
  return column.integer ? "INT64" : "FP64";
}

/** The tensors a model takes, one a column, of any number of rows. */
export function inputTensors(model: Model): JsonObject[] {
  return inputColumns(model).map((column) => ({ name: column.name, datatype: datatypeOf(column), shape: [-1] }));
}

/** The tensors a model answers: `prediction`, or `label` and `probabilities`; and the id of each prediction. */
export function outputTensors(model: Model): JsonObject[] {
  const ids: JsonObject = { name: "prediction_id", datatype: "BYTES", shape: [-1] };
  if (model.task === "regression" || model.task === "ranking" || model.task === "anomaly")
    return [{ name: "prediction", datatype: "FP64", shape: [-1] }, ids];
  if (model.task === "clustering") return [{ name: "prediction", datatype: "INT64", shape: [-1] }, ids];
  const datatype = labelType(model);
  return [
    { name: "label", datatype, shape: [-1] },
    { name: "probabilities", datatype: "FP64", shape: [-1, model.labels.length] },
    ids,
  ];
}

function labelType(model: Model): string {
  return model.labels.every((label) => typeof label === "boolean") ? "BOOL" : "BYTES";
}

/** Answers as the tensors of `outputTensors`, row-major. */
export function answerTensors(model: Model, answers: readonly Answer[], ids: readonly string[]): JsonObject[] {
  const data = new Map<string, JsonValue>([["prediction_id", [...ids]]]);
  if (model.task !== "binary" && model.task !== "multiclass") data.set("prediction", answers as readonly number[]);
  else {
    const given = answers as readonly Exclude<Answer, number>[];
    data.set(
      "label",
      given.map(({ label }) => (labelType(model) === "BOOL" ? label : String(label))),
    );
    data.set(
      "probabilities",
      given.flatMap(({ probabilities }) => model.labels.map((label) => probabilities[String(label)]!)),
    );
  }
  return outputTensors(model).map((tensor) => {
    const shape = (tensor.shape as readonly number[]).map((size) => (size === -1 ? answers.length : size));
    return { ...tensor, shape, data: data.get(tensor.name as string)! };
  });
}

/** The rows of request tensors: one of shape [n] or [n, 1] a column, or a single one of shape [n, columns]. */
export function tensorRows(inputs: unknown, model: Model): readonly unknown[] {
  if (!Array.isArray(inputs) || inputs.length === 0) return refuse('the body has no tensors in "inputs"');
  const tensors = inputs.map(readTensor);
  const [only] = tensors;
  const width = model.inputs.length;
  if (
    tensors.length === 1 &&
    only!.shape.length === 2 &&
    only!.shape[1] === width &&
    !model.inputs.includes(only!.name)
  )
    return Array.from({ length: only!.shape[0]! }, (_, row) =>
      rowOf(model.inputs, only!.data.slice(row * width, (row + 1) * width)),
    );
  const names = tensors.map(({ name }) => name);
  if (new Set(names).size < names.length) return refuse("two input tensors have one name");
  const length = only!.shape[0]!;
  for (const { name, shape } of tensors)
    if (shape[0] !== length || shape.length > 2 || (shape[1] ?? 1) !== 1)
      return refuse(`the input tensor ${JSON.stringify(name.slice(0, 100))} must be of shape [${length}]`);
  return Array.from({ length }, (_, row) =>
    rowOf(
      names,
      tensors.map(({ data }) => data[row]),
    ),
  );
}

function readTensor(given: unknown): Tensor {
  if (given === null || typeof given !== "object") return refuse("an input tensor is no object");
  const { name, shape, datatype, data }: Record<string, unknown> = { ...given };
  if (typeof name !== "string") return refuse("an input tensor has no name");
  const called = `the input tensor ${JSON.stringify(name.slice(0, 100))}`;
  if (!isShape(shape)) return refuse(`${called} has no shape`);
  if (typeof datatype !== "string" || !isDatatype(datatype)) return refuse(`${called} has no known datatype`);
  if (!Array.isArray(data)) return refuse(`${called} has no data`);
  const flat = (data as unknown[]).flat(Infinity) as unknown[];
  const size = shape.reduce((product, length) => product * length, 1);
  if (flat.length !== size) return refuse(`${called} has ${flat.length} values, its shape asks for ${size}`);
  const stranger = flat.find((value) => !holds(datatype, value));
  if (stranger !== undefined) return refuse(`${called} has a value that is no ${datatype}`);
  return { name, shape, data: flat };
}

function isShape(shape: unknown): shape is readonly number[] {
  return (
    Array.isArray(shape) && shape.length > 0 && shape.every((length) => Number.isSafeInteger(length) && length >= 1)
  );
}

function isDatatype(datatype: string): boolean {
  return datatype === "BOOL" || datatype === "BYTES" || integers.has(datatype) || floats.has(datatype);
}

/** JSON has no NaN, so null stands for a missing value of any type. */
function holds(datatype: string, value: unknown): boolean {
  if (value === null) return true;
  if (datatype === "BOOL") return typeof value === "boolean";
  if (datatype === "BYTES") return typeof value === "string";
  return floats.has(datatype) ? typeof value === "number" : Number.isInteger(value);
}
