import { type Kind, missingBoolean, missingCode } from "../../frame/column.ts";
import { stretch } from "../../math/stretch.ts";
import type { BlockColumn } from "../delimited/block.ts";
import { countBits, decodeCodes, widthFor } from "./page-values.ts";
import { decodeThrift, integerOf, structOf } from "./thrift.ts";

/** Of all kinds but texts. */
export type ColumnValues = Float64Array<ArrayBuffer> | Uint8Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

/** What reading takes for a while. */
export interface ChunkMemory {
  /** In turn. */
  readonly chunks: [Buffer, Buffer];
  codes: Int32Array<ArrayBuffer>;
  doubles: Float64Array<ArrayBuffer>;
}

export function createChunkMemory(): ChunkMemory {
  return {
    chunks: [Buffer.alloc(0), Buffer.alloc(0)],
    codes: new Int32Array(0),
    doubles: new Float64Array(0),
  };
}

/** Room for the bytes of a chunk, with more of it than was there where that is needed. */
export function chunkRoom({ chunks }: ChunkMemory, turn: 0 | 1, length: number): Buffer {
  if (chunks[turn].length < length) chunks[turn] = Buffer.from(new ArrayBuffer(length + (length >> 2)));
  return chunks[turn].subarray(0, length);
}

/** A page of data as it lies in a chunk, with the dictionary that may stand in front. */
interface Page {
  readonly dictionary: Buffer;
  readonly dictionarySize: number;
  readonly isCoded: boolean;
  /** By row a bit, the lowest first: 1 where there is a value. null: there is one in every row. */
  readonly present: Uint8Array | null;
  readonly nPresent: number;
  readonly values: Buffer;
}

/**
 * The values of a column's part of a row group, in `room` where there is one. Throws a RangeError where the bytes are no chunk
 * of ours.
 */
export function decodeChunk(
  bytes: Buffer,
  kind: Kind,
  nRows: number,
  room: ColumnValues | null,
  memory: ChunkMemory,
): BlockColumn {
  const page = openPage(bytes, nRows);
  switch (kind) {
    case "number":
      return { kind, values: spread(page, doublesOf(page, memory), doublesIn(room, nRows)) };
    case "timestamp":
      return { kind, values: spread(page, instantsOf(page, memory), doublesIn(room, nRows)) };
    case "boolean":
      return { kind, values: truthsOf(page, room instanceof Uint8Array ? room : new Uint8Array(nRows)) };
    case "category":
      return { kind, ...levelsOf(page, memory, room instanceof Int32Array ? room : new Int32Array(nRows)) };
    case "text":
      return { kind, ...textsOf(page, nRows) };
  }
}

function doublesIn(room: ColumnValues | null, nRows: number): Float64Array<ArrayBuffer> {
  return room instanceof Float64Array ? room : new Float64Array(nRows);
}

function openPage(bytes: Buffer, nRows: number): Page {
  let dictionary = bytes.subarray(0, 0);
  let dictionarySize = 0;
  let { fields, end } = decodeThrift(bytes, 0);
  if (integerOf(fields.get(1)) === 2) {
    const length = integerOf(fields.get(2));
    dictionary = bytes.subarray(end, end + length);
    dictionarySize = integerOf(structOf(fields.get(7)).get(1));
    ({ fields, end } = decodeThrift(bytes, end + length));
  }
  const shape = structOf(fields.get(5));
  if (integerOf(shape.get(1)) !== nRows || end + integerOf(fields.get(2)) !== bytes.length) throw damaged();
  const presenceLength = bytes.readUInt32LE(end);
  const start = end + 4 + presenceLength;
  if (start > bytes.length) throw damaged();
  const isCoded = integerOf(shape.get(2)) !== 0;
  const values = bytes.subarray(start);
  // An even head is one run of equal bits.
  if (bytes[end + 4]! % 2 === 0) {
    const isPresent = bytes[start - 1] === 1;
    const present = isPresent ? null : new Uint8Array(Math.ceil(nRows / 8));
    return { dictionary, dictionarySize, isCoded, present, nPresent: isPresent ? nRows : 0, values };
  }
  const nBytes = Math.ceil(nRows / 8);
  if (presenceLength <= nBytes) throw damaged();
  // A copy, for values may be moved over them.
  const present = Uint8Array.from(bytes.subarray(start - nBytes, start));
  return { dictionary, dictionarySize, isCoded, present, nPresent: countBits(present, nRows), values };
}

/** Codes of the rows that have a value, in memory that the next ones take. */
function codesOf({ values, dictionarySize, nPresent }: Page, memory: ChunkMemory): Int32Array {
  const width = values[0]!;
  if (width !== widthFor(dictionarySize) || (width > 0 && values.length < Math.ceil(nPresent / 8) * width))
    throw damaged();
  if (memory.codes.length < nPresent) memory.codes = new Int32Array(nPresent);
  decodeCodes(values, 1, width, nPresent, memory.codes);
  return memory.codes;
}

/** The 8-byte values, moved a little within the chunk's memory to where an array may stand. */
function wordsOf(page: Page): Float64Array<ArrayBuffer> {
  const { dictionary, dictionarySize, values, nPresent, isCoded } = page;
  const bytes = isCoded ? dictionary : values;
  const size = isCoded ? dictionarySize : nPresent;
  if (bytes.length !== 8 * size) throw damaged();
  const start = bytes.byteOffset - (bytes.byteOffset % 8);
  const whole = new Uint8Array(bytes.buffer as ArrayBuffer);
  whole.copyWithin(start, bytes.byteOffset, bytes.byteOffset + bytes.length);
  return new Float64Array(whole.buffer, start, size);
}

function doublesOf(page: Page, memory: ChunkMemory): Float64Array {
  return chosen(page, wordsOf(page), memory);
}

function instantsOf(page: Page, memory: ChunkMemory): Float64Array {
  const values = wordsOf(page);
  const words = new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
  for (let from = 0; from < values.length; from += stretch)
    toInstants(words.subarray(2 * from), values.subarray(from, from + stretch));
  return chosen(page, values, memory);
}

/** In place: the words are those of the values. */
function toInstants(words: Int32Array, values: Float64Array): void {
  for (let i = 0, n = values.length; i < n; ++i) values[i] = words[2 * i + 1]! * 4_294_967_296 + (words[2 * i]! >>> 0);
}

function chosen(page: Page, values: Float64Array, memory: ChunkMemory): Float64Array {
  if (!page.isCoded) return values;
  const { nPresent } = page;
  const codes = codesOf(page, memory);
  if (memory.doubles.length < nPresent) memory.doubles = new Float64Array(nPresent);
  const out = memory.doubles;
  for (let from = 0; from < nPresent; from += stretch)
    choose(values, codes.subarray(from, Math.min(nPresent, from + stretch)), out.subarray(from));
  return out;
}

function choose(values: Float64Array, codes: Int32Array, out: Float64Array): void {
  for (let i = 0, n = codes.length; i < n; ++i) out[i] = values[codes[i]!]!;
}

/** Puts the values in their rows; NaN where there is none. */
function spread(
  { present, nPresent }: Page,
  values: Float64Array,
  out: Float64Array<ArrayBuffer>,
): Float64Array<ArrayBuffer> {
  if (present === null) {
    out.set(values.subarray(0, nPresent));
    return out;
  }
  let i = 0;
  for (let row = 0; row < out.length; row += stretch)
    i += spreadSome(present.subarray(row >> 3), values.subarray(i, nPresent), out.subarray(row, row + stretch));
  return out;
}

/** How many values were spread. */
function spreadSome(present: Uint8Array, values: Float64Array, out: Float64Array): number {
  const nRows = out.length;
  const nValues = values.length;
  let i = 0;
  let row = 0;
  // Eight rows at a time without a branch each, as long as there are values to read for all of them.
  for (; row + 8 <= nRows && i + 8 <= nValues; row += 8) {
    const bits = present[row >> 3]!;
    for (let k = 0; k < 8; ++k) {
      out[row + k] = values[i]!;
      i += (bits >> k) & 1;
    }
    for (let missing = ~bits & 255; missing !== 0; missing &= missing - 1)
      out[row + 31 - Math.clz32(missing & -missing)] = NaN;
  }
  for (; row < nRows; ++row) out[row] = isIn(present, row) ? values[i++]! : NaN;
  return i;
}

function isIn(present: Uint8Array | null, row: number): boolean {
  return present === null || ((present[row >> 3]! >> (row & 7)) & 1) === 1;
}

function truthsOf({ present, values, nPresent }: Page, out: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (values.length < Math.ceil(nPresent / 8)) throw damaged();
  for (let row = 0, i = 0; row < out.length; row += stretch) {
    const some = out.subarray(row, row + stretch);
    i = spreadTruths(present === null ? null : present.subarray(row >> 3), values, i, some);
  }
  return out;
}

/** Those from bit `start` on; the bit they end before. */
function spreadTruths(present: Uint8Array | null, bits: Uint8Array, start: number, out: Uint8Array): number {
  let i = start;
  for (let row = 0, n = out.length; row < n; ++row) {
    const isPresent = present === null ? 1 : (present[row >> 3]! >> (row & 7)) & 1;
    out[row] = isPresent === 1 ? (bits[i >> 3]! >> (i & 7)) & 1 : missingBoolean;
    i += isPresent;
  }
  return i;
}

function levelsOf(
  page: Page,
  memory: ChunkMemory,
  out: Int32Array<ArrayBuffer>,
): { readonly codes: Int32Array<ArrayBuffer>; readonly levels: readonly string[] } {
  const { dictionary, dictionarySize, present, isCoded } = page;
  if (!isCoded) throw damaged();
  const levels: string[] = [];
  for (let at = 0; levels.length < dictionarySize;) {
    const length = dictionary.readUInt32LE(at);
    levels.push(dictionary.toString("utf8", at + 4, at + 4 + length));
    at += 4 + length;
  }
  const own = codesOf(page, memory);
  for (let row = 0, i = 0; row < out.length; row += stretch) {
    const some = out.subarray(row, row + stretch);
    i += spreadCodes(present === null ? null : present.subarray(row >> 3), own.subarray(i), some);
  }
  return { codes: out, levels };
}

/** How many codes were spread. */
function spreadCodes(present: Uint8Array | null, codes: Int32Array, out: Int32Array): number {
  let i = 0;
  for (let row = 0, n = out.length; row < n; ++row) {
    const isPresent = present === null ? 1 : (present[row >> 3]! >> (row & 7)) & 1;
    out[row] = isPresent === 1 ? codes[i]! : missingCode;
    i += isPresent;
  }
  return i;
}

function textsOf(
  page: Page,
  nRows: number,
): { readonly ends: Int32Array<ArrayBuffer>; readonly bytes: Uint8Array<ArrayBuffer> } {
  const { values, present, nPresent, isCoded } = page;
  if (isCoded) throw damaged();
  const ends = new Int32Array(nRows);
  const bytes = Buffer.from(new ArrayBuffer(Math.max(0, values.length - 4 * nPresent)));
  let [at, end] = [0, 0];
  for (let row = 0; row < nRows; ++row) {
    if (isIn(present, row)) {
      const length = values.readUInt32LE(at);
      values.copy(bytes, end, at + 4, at + 4 + length);
      at += 4 + length;
      end += length;
    }
    ends[row] = end;
  }
  if (end !== bytes.length) throw damaged();
  return { ends, bytes };
}

export function damaged(): RangeError {
  return new RangeError("the file is damaged");
}
