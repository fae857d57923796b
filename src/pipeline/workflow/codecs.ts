import fs from "node:fs/promises";
import type { Codec } from "../../engine/step.ts";
import { decodeModel, encodeModel } from "../../model/file.ts";
import type { Model } from "../../model/model.ts";

/** JSON text. Numbers that JSON cannot say (NaN, infinities) become null. */
export function jsonCodec<T>(type: string): Codec<T> {
  return {
    type,
    format: 1,
    write: (value, path) => fs.writeFile(path, `${JSON.stringify(value)}\n`),
    read: async (path) => JSON.parse(await fs.readFile(path, "utf8")) as T,
  };
}

/** One byte a row: 0 train, 1 validation, 2 test, 255 left out. */
export const splitCodec: Codec<Uint8Array> = {
  type: "split",
  format: 1,
  write: (value, path) => fs.writeFile(path, value),
  read: async (path) => new Uint8Array(await fs.readFile(path)),
};

export const modelCodec: Codec<Model> = {
  type: "model",
  format: 1,
  write: (value, path) => fs.writeFile(path, encodeModel(value)),
  read: async (path) => decodeModel(await fs.readFile(path)),
};
