import { toJsonText } from "../../model/file/json-text.ts";
import { partsOfPredictor } from "../../model/file/predictor-parts.ts";
import type { Model } from "../../model/model.ts";

export type ArrayType = "Float64Array" | "Int32Array" | "Uint32Array" | "Uint8Array";

/** A model as the literals of an exported module: what predicts and what checks rows, and nothing else of the model. */
export interface ModuleParts {
  readonly version: number;
  readonly digest: string;
  /** JSON of the model's plain parts (`toJsonText`). */
  readonly text: string;
  /** The predictor's arrays by path, in base64, little-endian. */
  readonly arrays: readonly (readonly [path: string, type: ArrayType, base64: string])[];
}

/** Members of a predictor that explanations alone read. */
const unread: ReadonlySet<string> = new Set(["gain", "cover"]);

export function partsOf(model: Model, version: number, digest: string): ModuleParts {
  const { name, task, contract, inputs, expressions, features, labels, threshold } = model;
  const { scalars: predictor, arrays: own } = partsOfPredictor(model.predictor);
  const arrays: [string, ArrayType, string][] = [];
  for (const [path, array] of own) {
    if (unread.has(path.slice(path.lastIndexOf(".") + 1))) continue;
    const bytes = Buffer.from(array.buffer, array.byteOffset, array.byteLength);
    arrays.push([path, array.constructor.name as ArrayType, bytes.toString("base64")]);
  }
  const columns = contract.columns.filter((column) => inputs.includes(column.name));
  const plain = { name, task, contract: { columns }, inputs, expressions, features, labels, threshold, predictor };
  return { version, digest, text: toJsonText(plain), arrays };
}
