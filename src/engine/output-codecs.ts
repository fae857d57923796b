import { copyFile, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Digest } from "../core/digest.ts";
import { MillraceError } from "../core/errors/error.ts";
import type { FileReference, NumberArray, OutputKind } from "./define-types.ts";
import type { StepContext } from "./step.ts";

/** Where a returned value stands, for messages. */
interface Place {
  readonly step: string;
  readonly output: string;
}

const arrayTypes = {
  float64: Float64Array,
  float32: Float32Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  uint8clamped: Uint8ClampedArray,
};
type ArrayTypeName = keyof typeof arrayTypes;
const headerBytes = 16;

function invalid(place: Place, rule: string, actual: string, remedy?: string): MillraceError {
  return new MillraceError("STEP_OUTPUT_INVALID", { ...place, rule, actual, remedy });
}

/** Writes a returned value as an output of its kind. Throws STEP_OUTPUT_INVALID for one that is none. */
export async function writeOutput(place: Place, kind: OutputKind, value: unknown, context: StepContext): Promise<void> {
  const codec = { type: kind, format: 1 };
  if (kind === "file") {
    await context.writeFile(place.output, codec, await fileProducer(place, value, context));
    return;
  }
  await context.writeBytes(place.output, codec, outputBytes(place, kind, value));
}

function outputBytes(place: Place, kind: Exclude<OutputKind, "file">, value: unknown): Uint8Array {
  switch (kind) {
    case "json":
      return Buffer.from(jsonText(place, value));
    case "bytes":
      if (!(value instanceof Uint8Array)) throw invalid(place, "a Uint8Array", show(value));
      return value;
    case "array":
      return arrayBytes(place, value);
  }
}

/** Reads an artifact of a kind; every reader gets a copy of its own. */
export async function readOutput(kind: OutputKind, digest: Digest, context: StepContext): Promise<unknown> {
  switch (kind) {
    case "json":
      return JSON.parse(textOf(await context.bytesOf(digest))) as unknown;
    case "bytes":
      return new Uint8Array(await context.bytesOf(digest));
    case "array":
      return arrayFrom(await context.bytesOf(digest));
    case "file":
      return Object.freeze({ path: await context.pathOf(digest) }) satisfies FileReference;
  }
}

function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("utf8");
}

/** JSON text of a value that JSON says completely: reading it gives the value back. */
function jsonText(place: Place, value: unknown): string {
  if (value === undefined) throw invalid(place, "a value", "nothing", "Return a value, null if there is none.");
  refuseUnsayable(place, value, place.output, []);
  return `${JSON.stringify(value)}\n`;
}

function refuseUnsayable(place: Place, value: unknown, at: string, above: readonly object[]): void {
  const refuse = (actual: string): never => {
    throw invalid(place, "what JSON can say", `${actual} at ${at}`);
  };
  if (value === null || typeof value === "string" || typeof value === "boolean") return;
  if (typeof value === "number") {
    if (!Number.isFinite(value))
      throw invalid(place, "finite numbers", `${value} at ${at}`, "Use null for what is missing.");
    return;
  }
  if (typeof value !== "object") return refuse(typeof value === "undefined" ? "undefined" : `a ${typeof value}`);
  if (above.includes(value)) return refuse("a value that contains itself");
  const path = [...above, value];
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; ++i) refuseUnsayable(place, (value as unknown[])[i], `${at}[${i}]`, path);
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  // Objects of another realm (a module loaded apart) have another Object.prototype, which itself has none.
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  if (!isPlain || "toJSON" in value) return refuse(`a ${value.constructor?.name ?? "object of a class"}`);
  for (const [name, member] of Object.entries(value))
    if (member !== undefined) refuseUnsayable(place, member, `${at}.${name}`, path);
}

/** Sixteen bytes that name the element type, then the elements in little-endian order. */
function arrayBytes(place: Place, value: unknown): Uint8Array {
  const name = (Object.keys(arrayTypes) as ArrayTypeName[]).find((key) => value instanceof arrayTypes[key]);
  if (name === undefined) throw invalid(place, "a typed array of numbers", show(value));
  const array = value as NumberArray;
  const bytes = new Uint8Array(headerBytes + array.byteLength);
  bytes.set(new TextEncoder().encode(name.padEnd(headerBytes)));
  bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), headerBytes);
  return bytes;
}

function arrayFrom(file: Uint8Array): NumberArray {
  const name = new TextDecoder().decode(file.subarray(0, headerBytes)).trimEnd() as ArrayTypeName;
  // A copy, because an element may not begin anywhere; not Buffer's slice(), which copies nothing.
  const bytes = new Uint8Array(file.subarray(headerBytes));
  const Type = arrayTypes[name];
  return new Type(bytes.buffer, 0, bytes.byteLength / Type.BYTES_PER_ELEMENT);
}

async function fileProducer(
  place: Place,
  value: unknown,
  context: StepContext,
): Promise<(path: string) => Promise<void>> {
  const from = typeof value === "object" && value !== null && "path" in value ? value.path : undefined;
  if (typeof from !== "string") throw invalid(place, "file(path)", show(value));
  const found = await stat(from).catch(() => undefined);
  if (!found?.isFile()) throw invalid(place, "a file that exists", `"${from}"`, "Write the file before returning it.");
  const isOwn = dirname(from) === (await context.scratch());
  return (path) => (isOwn ? rename(from, path) : copyFile(from, path));
}

function show(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (typeof value !== "object") return `a ${typeof value}`;
  return `a ${value.constructor?.name ?? "plain object"}`;
}
