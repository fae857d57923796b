import type { NumericArray } from "../../model/file/container.ts";
import { toJsonText } from "../../model/file/json-text.ts";
import { partsOfPredictor } from "../../model/file/predictor-parts.ts";
import type { Model } from "../../model/model.ts";

export type ArrayType = "Float64Array" | "Int32Array" | "Uint32Array" | "Uint8Array";

/** One array of a predictor; most of what opening a module takes is reading its text, so that each byte counts. */
export type ModuleArray = readonly [
  /** Where it belongs: "threshold", "members.0.left". */
  paths: readonly string[],
  type: ArrayType,
  /** What is written instead, of the same numbers. */
  written: ArrayType | "Int8Array" | "Int16Array",
  /** Little-endian. */
  base64: string,
];

/** A model as the literals of an exported module: what predicts and what checks rows, and nothing else of the model. */
export interface ModuleParts {
  readonly version: number;
  readonly digest: string;
  /** JSON of the model's plain parts (`toJsonText`). */
  readonly text: string;
  readonly arrays: readonly ModuleArray[];
}

/** Members of a predictor that explanations alone read. */
const unread: ReadonlySet<string> = new Set(["gain", "cover"]);

export function partsOf(model: Model, version: number, digest: string): ModuleParts {
  const { name, task, contract, inputs, expressions, features, labels, threshold } = model;
  const { scalars: predictor, arrays: own } = partsOfPredictor(model.predictor);
  const columns = contract.columns.filter((column) => inputs.includes(column.name));
  const plain = { name, task, contract: { columns }, inputs, expressions, features, labels, threshold, predictor };
  return { version, digest, text: toJsonText(plain), arrays: [...own].flatMap(([path]) => arraysAt(path, own)) };
}

/** What is written of the array at a path; a tree's thresholds and values are one, for no node has both. */
function arraysAt(path: string, all: ReadonlyMap<string, NumericArray>): ModuleArray[] {
  const nameAt = path.lastIndexOf(".") + 1;
  const [predictor, name] = [path.slice(0, nameAt), path.slice(nameAt)];
  const array = all.get(path)!;
  const limits = all.get(`${predictor}threshold`);
  if (unread.has(name) || (limits && name === "value")) return [];
  if (array !== limits) return [moduleArray([path], array)];
  const [feature, values] = [all.get(`${predictor}feature`)!, all.get(`${predictor}value`)!];
  const either = limits.map((limit, node) => (feature[node]! < 0 ? values[node]! : limit));
  return [moduleArray([path, `${predictor}value`], either)];
}

function moduleArray(paths: readonly string[], array: NumericArray): ModuleArray {
  const type = array.constructor.name as ArrayType;
  const narrow = array.BYTES_PER_ELEMENT === 4 ? narrowed(array) : array;
  const bytes = Buffer.from(narrow.buffer, narrow.byteOffset, narrow.byteLength);
  return [paths, type, narrow.constructor.name as ModuleArray[2], bytes.toString("base64")];
}

/** The same whole numbers in fewer bytes each, where all fit. */
function narrowed(array: NumericArray): NumericArray | Int8Array | Int16Array {
  const fits = (least: number, most: number): boolean => [...array].every((value) => value >= least && value <= most);
  if (fits(-128, 127)) return Int8Array.from(array);
  return fits(-32_768, 32_767) ? Int16Array.from(array) : array;
}
