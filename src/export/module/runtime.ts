import type { Issue } from "../../frame/contract.ts";
import { invalidRows } from "../../frame/invalid-rows.ts";
import { frameFromRows } from "../../frame/rows.ts";
import { fromJsonText } from "../../model/file/json-text.ts";
import type { Model } from "../../model/model.ts";
import { answersOf, predictRows, type Answer } from "../../model/predict.ts";
import type { ModuleArray, ModuleParts } from "./parts.ts";

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
  for (const [paths, type, written, base64] of arrays) {
    const array = createArray[written](bufferOf(base64));
    const whole = written === type ? array : createArray[type](array);
    for (const path of paths) {
      const names = path.split(".");
      let part = predictor as unknown as Record<string, unknown>;
      for (const name of names.slice(0, -1)) part = part[name] as Record<string, unknown>;
      part[names.at(-1)!] = whole;
    }
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

type Numbers = ArrayBufferView & ArrayLike<number>;

/** Arrays by name, of bytes or of the numbers of another array. */
const createArray: Readonly<Record<ModuleArray[2], (from: ArrayBuffer | Numbers) => Numbers>> = {
  Float64Array: (from) => new Float64Array(from as ArrayBuffer),
  Int8Array: (from) => new Int8Array(from as ArrayBuffer),
  Int16Array: (from) => new Int16Array(from as ArrayBuffer),
  Int32Array: (from) => new Int32Array(from as ArrayBuffer),
  Uint32Array: (from) => new Uint32Array(from as ArrayBuffer),
  Uint8Array: (from) => new Uint8Array(from as ArrayBuffer),
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
