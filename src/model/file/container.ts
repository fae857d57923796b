import { sha256 } from "../../core/digest.ts";

/** A numeric array of the file; safetensors calls them tensors. */
export type NumericArray = Float64Array | Int32Array | Uint32Array | Uint8Array;

/** What a model file holds, before anything is known about models: texts by name and arrays by name. */
export interface Container {
  readonly formatVersion: number;
  readonly texts: ReadonlyMap<string, string>;
  readonly arrays: ReadonlyMap<string, NumericArray>;
}

const dtypes = {
  F64: { bytes: 8, create: (buffer: ArrayBuffer): NumericArray => new Float64Array(buffer) },
  I32: { bytes: 4, create: (buffer: ArrayBuffer): NumericArray => new Int32Array(buffer) },
  U32: { bytes: 4, create: (buffer: ArrayBuffer): NumericArray => new Uint32Array(buffer) },
  U8: { bytes: 1, create: (buffer: ArrayBuffer): NumericArray => new Uint8Array(buffer) },
} as const;

type Dtype = keyof typeof dtypes;

const maxHeaderBytes = 100_000_000;
const formatName = "millrace-model";
const opening = `{"__metadata__":{"format":"${formatName}","formatVersion":"`;
const signed =
  /^\{"__metadata__":\{"format":"millrace-model","formatVersion":"(\d{1,9})","digest":"sha256:([0-9a-f]{64})"/;
const noDigest = "0".repeat(64);

/**
 * The bytes of a container: 8 bytes header length (little-endian), JSON header padded with spaces to a multiple of 8,
 * then the arrays without holes, widest elements first, so that each is aligned to its elements. The metadata opens with
 * format, version and the digest of the header (itself read as zeros); `arrayDigests` holds one digest an array.
 */
export function encodeContainer({ formatVersion, texts, arrays }: Container): Uint8Array {
  const ordered = [...arrays].sort(([, a], [, b]) => b.BYTES_PER_ELEMENT - a.BYTES_PER_ELEMENT);
  const digests: Record<string, string> = {};
  const table: Record<string, object> = {};
  let end = 0;
  for (const [name, array] of ordered) {
    const begin = end;
    end += array.byteLength;
    digests[name] = sha256(bytesOf(array));
    table[name] = { dtype: dtypeOf(array), shape: [array.length], data_offsets: [begin, end] };
  }
  const metadata = {
    format: formatName,
    formatVersion: String(formatVersion),
    digest: `sha256:${noDigest}`,
    arrayDigests: JSON.stringify(digests),
    ...Object.fromEntries(texts),
  };
  const header = new TextEncoder().encode(JSON.stringify({ __metadata__: metadata, ...table }));
  const out = new Uint8Array(8 + Math.ceil(header.length / 8) * 8 + end);
  const headerBytes = out.subarray(8, out.length - end);
  headerBytes.fill(0x20);
  headerBytes.set(header);
  const digestAt = `${opening}${formatVersion}","digest":"`.length;
  headerBytes.set(new TextEncoder().encode(sha256(headerBytes)), digestAt);
  new DataView(out.buffer).setBigUint64(0, BigInt(headerBytes.length), true);
  let at = out.length - end;
  for (const [, array] of ordered) {
    out.set(bytesOf(array), at);
    at += array.byteLength;
  }
  return out;
}

/** Why bytes are no model file at all; undefined where they begin as one. */
export function foreignReason(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return "the file is empty";
  const shown = String.fromCharCode(...bytes.subarray(0, 8 + opening.length));
  const known = opening.slice(0, Math.max(0, bytes.length - 8));
  if (bytes.length > 8 && shown.slice(8) === known) return undefined;
  if (shown.startsWith("PK")) return "it is a ZIP archive";
  if (bytes[0] === 0x80 && bytes[1]! >= 2 && bytes[1]! <= 5) return "it is a Python pickle";
  if (shown.startsWith("\u001f\u008b")) return "it is a gzip archive";
  if (shown.startsWith("\u0089HDF")) return "it is an HDF5 file";
  if (shown.trimStart().startsWith("{")) return "it is a JSON text";
  if (shown.startsWith('{"', 8)) return "it is a safetensors file of another program";
  return "it does not begin as one";
}

/** The format version bytes claim; undefined where that cannot be read. */
export function claimedVersion(bytes: Uint8Array): number | undefined {
  const shown = String.fromCharCode(...bytes.subarray(8 + opening.length, 8 + opening.length + 20));
  const match = /^(\d{1,9})","/.exec(shown);
  return match ? Number(match[1]) : undefined;
}

/**
 * Reads a container back piece by piece, checking every length and offset and, where asked to, digest; throws RangeError with
 * the reason.
 */
export function* decodeContainer(bytes: Uint8Array, wantsDigests: boolean): Generator<undefined, Container, undefined> {
  const headerLength = headerLengthOf(bytes);
  const headerBytes = bytes.subarray(8, 8 + headerLength);
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(headerBytes);
  const match = signed.exec(text);
  if (!match) throw new RangeError("the header does not open with format, version and digest");
  if (wantsDigests && sha256(text.replace(match[2]!, noDigest)) !== `sha256:${match[2]}`)
    throw new RangeError("the header does not have its digest");
  yield;
  const { __metadata__: metadata, ...table } = JSON.parse(text) as Record<string, unknown>;
  const texts = textsOf(metadata);
  const arrays = new Map<string, NumericArray>();
  for (const [name, array] of arraysOf(table, bytes.subarray(8 + headerLength))) {
    arrays.set(name, array);
    yield;
  }
  if (wantsDigests) checkDigests(arrays, texts.get("arrayDigests") ?? "{}");
  for (const name of ["format", "formatVersion", "digest", "arrayDigests"]) texts.delete(name);
  return { formatVersion: Number(match[1]), texts, arrays };
}

function headerLengthOf(bytes: Uint8Array): number {
  if (bytes.length < 8) throw new RangeError(`it ends after ${bytes.length} bytes`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(maxHeaderBytes)) throw new RangeError(`a header of ${length} bytes is larger than any`);
  if (8 + Number(length) > bytes.length) throw new RangeError(`it ends within its header, after ${bytes.length} bytes`);
  if (Number(length) % 8 !== 0) throw new RangeError("the header is not padded to a multiple of 8 bytes");
  return Number(length);
}

function textsOf(metadata: unknown): Map<string, string> {
  if (typeof metadata !== "object" || metadata === null) throw new RangeError("__metadata__ is no object");
  const texts = new Map<string, string>();
  for (const [name, text] of Object.entries(metadata)) {
    if (typeof text !== "string") throw new RangeError(`__metadata__.${name} is no text`);
    texts.set(name, text);
  }
  return texts;
}

function* arraysOf(
  table: Readonly<Record<string, unknown>>,
  data: Uint8Array,
): Generator<readonly [string, NumericArray]> {
  let expected = 0;
  for (const [name, entry] of Object.entries(table)) {
    const { dtype, length, begin, end } = entryOf(name, entry);
    if (begin !== expected) throw new RangeError(`array "${name}" begins at ${begin}, not where the last one ends`);
    if (end - begin !== length * dtypes[dtype].bytes || end > data.length)
      throw new RangeError(`array "${name}" of ${length} ${dtype} does not fit bytes ${begin} to ${end}`);
    const copy = new Uint8Array(end - begin);
    copy.set(data.subarray(begin, end));
    yield [name, dtypes[dtype].create(copy.buffer)];
    expected = end;
  }
  if (expected !== data.length) throw new RangeError(`its arrays take ${expected} bytes, it has ${data.length}`);
}

function entryOf(name: string, entry: unknown): { dtype: Dtype; length: number; begin: number; end: number } {
  const isObject = typeof entry === "object" && entry !== null;
  const { dtype, shape, data_offsets: offsets, ...rest } = (isObject ? entry : {}) as Record<string, unknown>;
  const isSound =
    typeof dtype === "string" &&
    Object.hasOwn(dtypes, dtype) &&
    areSizes(shape, 1) &&
    areSizes(offsets, 2) &&
    offsets[0]! <= offsets[1]! &&
    Object.keys(rest).length === 0;
  if (!isSound) throw new RangeError(`the header describes array "${name}" wrongly`);
  return { dtype: dtype as Dtype, length: shape[0]!, begin: offsets[0]!, end: offsets[1]! };
}

function areSizes(value: unknown, count: number): value is readonly number[] {
  return (
    Array.isArray(value) && value.length === count && value.every((size) => Number.isSafeInteger(size) && size >= 0)
  );
}

function checkDigests(arrays: ReadonlyMap<string, NumericArray>, json: string): void {
  const digests = new Map(Object.entries(JSON.parse(json) as Record<string, unknown>));
  if (digests.size !== arrays.size) throw new RangeError("it does not have one digest an array");
  for (const [name, array] of arrays)
    if (digests.get(name) !== sha256(bytesOf(array))) throw new RangeError(`array "${name}" does not have its digest`);
}

function bytesOf(array: NumericArray): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function dtypeOf(array: NumericArray): Dtype {
  if (array instanceof Float64Array) return "F64";
  if (array instanceof Int32Array) return "I32";
  return array instanceof Uint32Array ? "U32" : "U8";
}
