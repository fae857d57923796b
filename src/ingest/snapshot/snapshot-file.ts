import { type FileHandle, open } from "node:fs/promises";
import { type Kind, missingBoolean } from "../../frame/column.ts";
import type { BlockColumn } from "../delimited/block.ts";
import { decodeCodes, unpackBits, widthFor } from "./page-values.ts";
import { magic, physicalTypes, snapshotWriter } from "./snapshot-writer.ts";
import { decodeThrift, integerOf, listOf, structOf, type ThriftStruct, type ThriftValue } from "./thrift.ts";

/** Where a column's part of a row group stands. */
interface Chunk {
  readonly start: number;
  readonly length: number;
}

/** A file that {@link SnapshotWriter} wrote, opened. Close it. */
export interface SnapshotFile {
  readonly names: readonly string[];
  readonly nRows: number;
  readonly groups: readonly { readonly nRows: number; readonly chunks: readonly Chunk[] }[];
  /**
   * Columns of one row group, each by its position in `names`; one group after the other. A RangeError says that the file is damaged, or that a
   * column is of another kind.
   */
  read(group: number, columns: readonly { readonly position: number; readonly kind: Kind }[]): Promise<BlockColumn[]>;
  close(): Promise<void>;
}

/** Opens a snapshot of ours; null for any other file. Throws a RangeError where a file of ours is damaged. */
export async function openSnapshot(path: string): Promise<SnapshotFile | null> {
  const file = await open(path, "r");
  try {
    const footer = await readFooter(file);
    if (footer === null) await file.close();
    return footer === null ? null : fileOf(file, footer);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readFooter(file: FileHandle): Promise<ThriftStruct | null> {
  const { size } = await file.stat();
  if (size < 12) return null;
  const tail = await readAt(file, size - 8, 8);
  if (tail.toString("latin1", 4) !== magic) return null;
  const length = tail.readUInt32LE(0);
  if (length > size - 12) return null;
  const bytes = await readAt(file, size - 8 - length, length);
  if (!bytes.includes(snapshotWriter)) return null;
  const { fields } = decodeThrift(bytes, 0);
  return textOf(fields.get(6)) === snapshotWriter ? fields : null;
}

function fileOf(file: FileHandle, footer: ThriftStruct): SnapshotFile {
  const [, ...columns] = listOf(footer.get(2));
  const groups = listOf(footer.get(4)).map((group) => ({
    nRows: integerOf(structOf(group).get(3)),
    chunks: listOf(structOf(group).get(1)).map((chunk) => ({
      start: integerOf(structOf(chunk).get(2)),
      length: integerOf(structOf(structOf(chunk).get(3)).get(7)),
    })),
  }));
  const names = columns.map((column) => textOf(structOf(column).get(4)));
  const types = columns.map((column) => integerOf(structOf(column).get(1)));
  const nRows = integerOf(footer.get(3));
  if (groups.reduce((sum, group) => sum + group.nRows, 0) !== nRows) throw damaged();
  // The last chunk read; what is made of it has memory of its own.
  let chunk = Buffer.alloc(0);
  return {
    names,
    nRows,
    groups,
    async read(index, wanted) {
      const group = groups[index]!;
      const read: BlockColumn[] = [];
      for (const { position, kind } of wanted) {
        if (types[position] !== physicalTypes[kind])
          throw new RangeError(`its column "${names[position]}" holds no values of the kind ${kind}`);
        const { start, length } = group.chunks[position]!;
        if (chunk.length < length) chunk = Buffer.from(new ArrayBuffer(length + (length >> 2)));
        read.push(decodeChunk(await readAt(file, start, length, chunk.subarray(0, length)), kind, group.nRows));
      }
      return read;
    },
    close: () => file.close(),
  };
}

/** Bytes of a file from `start` on. Throws a RangeError where it ends before. */
export async function readAt(
  file: FileHandle,
  start: number,
  length: number,
  bytes: Buffer = Buffer.allocUnsafeSlow(length),
): Promise<Buffer> {
  for (let done = 0; done < length;) {
    const { bytesRead } = await file.read(bytes, done, length - done, start + done);
    if (bytesRead === 0) throw new RangeError("the file ends early");
    done += bytesRead;
  }
  return bytes;
}

/** A page of data as it lies in a chunk, with the dictionary that may stand in front. */
interface Page {
  readonly dictionary: Buffer;
  readonly dictionarySize: number;
  readonly isCoded: boolean;
  /** By row: 1 where there is a value. null: there is one in every row. */
  readonly present: Uint8Array | null;
  readonly nPresent: number;
  readonly values: Buffer;
}

function decodeChunk(bytes: Buffer, kind: Kind, nRows: number): BlockColumn {
  const page = openPage(bytes, nRows);
  switch (kind) {
    case "number":
      return { kind, values: spread(page, nRows, doublesOf(page)) };
    case "timestamp":
      return { kind, values: spread(page, nRows, instantsOf(page)) };
    case "boolean":
      return { kind, values: truthsOf(page, nRows) };
    case "category":
      return { kind, ...levelsOf(page, nRows) };
    case "text":
      return { kind, ...textsOf(page, nRows) };
  }
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
    const present = isPresent ? null : new Uint8Array(nRows);
    return { dictionary, dictionarySize, isCoded, present, nPresent: isPresent ? nRows : 0, values };
  }
  const nBytes = Math.ceil(nRows / 8);
  if (presenceLength <= nBytes) throw damaged();
  const present = unpackBits(bytes, start - nBytes, nRows);
  let nPresent = 0;
  for (let row = 0; row < nRows; ++row) nPresent += present[row]!;
  return { dictionary, dictionarySize, isCoded, present, nPresent, values };
}

/** Codes of the rows that have a value. */
function codesOf({ values, dictionarySize, nPresent }: Page): Int32Array<ArrayBuffer> {
  const width = values[0]!;
  if (width !== widthFor(dictionarySize) || (width > 0 && values.length < Math.ceil(nPresent / 8) * width))
    throw damaged();
  const codes = new Int32Array(nPresent);
  decodeCodes(values, 1, width, nPresent, codes);
  return codes;
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

function doublesOf(page: Page): Float64Array<ArrayBuffer> {
  return chosen(page, wordsOf(page));
}

function instantsOf(page: Page): Float64Array<ArrayBuffer> {
  const values = wordsOf(page);
  const words = new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
  for (let i = 0; i < values.length; ++i) values[i] = words[2 * i + 1]! * 4_294_967_296 + (words[2 * i]! >>> 0);
  return chosen(page, values);
}

function chosen(page: Page, values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  if (!page.isCoded) return values;
  const codes = codesOf(page);
  const out = new Float64Array(page.nPresent);
  for (let i = 0; i < out.length; ++i) out[i] = values[codes[i]!]!;
  return out;
}

/** Values row by row; NaN where there is none. */
function spread({ present }: Page, nRows: number, values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  if (present === null) return values.slice();
  const out = new Float64Array(nRows);
  for (let row = 0, i = 0; row < nRows; ++row) {
    const isPresent = present[row]!;
    out[row] = isPresent ? values[i]! : NaN;
    i += isPresent;
  }
  return out;
}

function truthsOf({ present, values, nPresent }: Page, nRows: number): Uint8Array<ArrayBuffer> {
  if (values.length < Math.ceil(nPresent / 8)) throw damaged();
  const out = new Uint8Array(nRows);
  for (let row = 0, i = 0; row < nRows; ++row) {
    const isPresent = present === null ? 1 : present[row]!;
    out[row] = isPresent ? (values[i >> 3]! >> (i & 7)) & 1 : missingBoolean;
    i += isPresent;
  }
  return out;
}

function levelsOf(
  page: Page,
  nRows: number,
): { readonly codes: Int32Array<ArrayBuffer>; readonly levels: readonly string[] } {
  const { dictionary, dictionarySize, present, isCoded } = page;
  if (!isCoded) throw damaged();
  const levels: string[] = [];
  for (let at = 0; levels.length < dictionarySize;) {
    const length = dictionary.readUInt32LE(at);
    levels.push(dictionary.toString("utf8", at + 4, at + 4 + length));
    at += 4 + length;
  }
  const own = codesOf(page);
  if (present === null) return { codes: own, levels };
  const codes = new Int32Array(nRows);
  for (let row = 0, i = 0; row < nRows; ++row) codes[row] = present[row]! ? own[i++]! : -1;
  return { codes, levels };
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
    if (present === null || present[row] === 1) {
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

function damaged(): RangeError {
  return new RangeError("the file is damaged");
}

function textOf(value: ThriftValue | undefined): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString("utf8") : "";
}
