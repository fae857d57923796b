import type { Issue } from "../../frame/contract.ts";
import { invalidRows } from "../../frame/invalid-rows.ts";
import { frameFromRows } from "../../frame/rows.ts";
import { fromJsonText } from "../../model/file/json-text.ts";
import type { Model } from "../../model/model.ts";
import { answersOf, predictRows, type Answer } from "../../model/predict.ts";
import type { ArrayType, ModuleParts } from "./parts.ts";

/** What an exported module is to who imports it. */
export interface ModelModule {
  /** Which model this is and what it answers. */
  readonly model: ModuleIdentity;
  /** The answer for one row; throws as `predictMany` does. */
  predict(row: unknown): Answer;
  /** One answer a row, as the server gives them; throws REQUEST_INVALID with `issues` where a row breaks the contract. */
  predictMany(rows: readonly unknown[]): Answer[];
  /** The first 1,000 places where rows break the contract; none where `predictMany` would answer. */
  check(rows: readonly unknown[]): readonly Issue[];
}

export interface ModuleIdentity extends Pick<Model, "name" | "task" | "inputs" | "labels" | "threshold"> {
  readonly version: number;
  readonly digest: string;
}

/** A model from its parts: bundled with all it imports, this is the code of every exported module. */
export function openModule(parts: ModuleParts): ModelModule {
  const model = modelOf(parts);
  const { name, task, inputs, labels, threshold } = model;
  const { version, digest } = parts;
  const predictMany = (rows: readonly unknown[]): Answer[] => {
    const { predictions, issues, nIssues } = predictRows(model, rows);
    if (issues.length > 0) throw Object.assign(invalidRows(issues, nIssues), { issues });
    return answersOf(model, predictions);
  };
  return {
    model: Object.freeze({ name, version, digest, task, inputs, labels, threshold }),
    predict: (row) => predictMany([row])[0]!,
    predictMany,
    check: (rows) => frameFromRows(rows, model.contract, model.inputs).issues,
  };
}

function modelOf({ text, arrays }: ModuleParts): Model {
  const { predictor, ...plain } = fromJsonText(text) as Omit<Model, keyof typeof unasked>;
  for (const [path, type, base64] of arrays) {
    const names = path.split(".");
    let part = predictor as unknown as Record<string, unknown>;
    for (const name of names.slice(0, -1)) part = part[name] as Record<string, unknown>;
    part[names.at(-1)!] = createArray[type](bufferOf(base64));
  }
  return Object.freeze({ ...plain, ...unasked, predictor });
}

/** Parts of a model that no prediction asks. */
const unasked = Object.freeze({
  roles: { target: null, id: null, time: null, group: null, weight: null, sensitive: [] },
  reference: null,
  parity: null,
  provenance: {},
});

const createArray: Readonly<Record<ArrayType, (buffer: ArrayBuffer) => ArrayBufferView>> = {
  Float64Array: (buffer) => new Float64Array(buffer),
  Int32Array: (buffer) => new Int32Array(buffer),
  Uint32Array: (buffer) => new Uint32Array(buffer),
  Uint8Array: (buffer) => new Uint8Array(buffer),
};

/** What platforms have that decode base64 at once; `atob` is everywhere, and slower by milliseconds on a large model. */
interface Platform {
  readonly Uint8Array: { fromBase64?(text: string): Uint8Array<ArrayBuffer> };
  readonly Buffer?: { from(text: string, encoding: "base64"): Uint8Array };
}

function bufferOf(base64: string): ArrayBuffer {
  const platform = globalThis as unknown as Platform;
  if (platform.Uint8Array.fromBase64) return platform.Uint8Array.fromBase64(base64).buffer;
  if (platform.Buffer) return new Uint8Array(platform.Buffer.from(base64, "base64")).buffer;
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; ++i) bytes[i] = text.charCodeAt(i);
  return bytes.buffer;
}
