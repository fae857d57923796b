import { type Kind, missingCode } from "../../frame/column.ts";
import type { BlockColumn } from "../delimited/block.ts";
import { dictionaryOf } from "./value-dictionary.ts";
import { encodeCodes, encodePresence, packBits, widthFor } from "./page-values.ts";

/**
 * One column's part of a row group, ready to be written: a dictionary page where there is one, and a page of data. It stands
 * in what collectors share: it is to be written before the next is encoded.
 */
export interface EncodedColumn {
  readonly nValues: number;
  readonly nMissing: number;
  readonly dictionary: { readonly bytes: Buffer; readonly size: number } | null;
  readonly data: readonly Buffer[];
}

/** Collects the rows of one column of a row group. */
export interface ColumnCollector {
  /** How many rows of the block, from `start` on, fit in; at least one where the collector is empty. */
  fits(column: BlockColumn, start: number, count: number): number;
  add(column: BlockColumn, start: number, count: number): void;
  /** The rows collected, which are then forgotten. */
  encode(): EncodedColumn;
}

/** What encoding takes for a while, by row: for one column after the other. */
interface Scratch {
  readonly present: Uint8Array<ArrayBuffer>;
  readonly doubles: Float64Array<ArrayBuffer>;
  readonly truths: Uint8Array<ArrayBuffer>;
  readonly codes: Int32Array<ArrayBuffer>;
}

/** Collectors of so many rows at most, for columns of these kinds. */
export function openCollectors(kinds: readonly Kind[], capacity: number): readonly ColumnCollector[] {
  const scratch = {
    present: new Uint8Array(capacity),
    doubles: new Float64Array(capacity),
    truths: new Uint8Array(capacity),
    codes: new Int32Array(capacity),
  };
  return kinds.map((kind) => openCollector(kind, capacity, scratch));
}

function openCollector(kind: Kind, capacity: number, scratch: Scratch): ColumnCollector {
  switch (kind) {
    case "number":
    case "timestamp":
      return new DoubleCollector(kind, capacity, scratch);
    case "boolean":
      return new TruthCollector(capacity, scratch);
    case "category":
      return new LevelCollector(capacity, scratch);
    case "text":
      return new TextCollector(capacity, scratch);
  }
}

/** Doubles as such; times as 64-bit integers of milliseconds. Either through a dictionary where few values occur. */
class DoubleCollector implements ColumnCollector {
  readonly #values: Float64Array;
  readonly #kind: "number" | "timestamp";
  readonly #scratch: Scratch;
  #n = 0;

  constructor(kind: "number" | "timestamp", capacity: number, scratch: Scratch) {
    this.#kind = kind;
    this.#scratch = scratch;
    this.#values = new Float64Array(capacity);
  }

  fits(_column: BlockColumn, _start: number, count: number): number {
    return count;
  }

  add(column: BlockColumn, start: number, count: number): void {
    const { values } = column as Extract<BlockColumn, { readonly kind: "number" | "timestamp" }>;
    this.#values.set(values.subarray(start, start + count), this.#n);
    this.#n += count;
  }

  encode(): EncodedColumn {
    const n = this.#n;
    this.#n = 0;
    const values = this.#values;
    const { present, doubles: kept } = this.#scratch;
    let nPresent = 0;
    for (let i = 0; i < n; ++i) {
      const value = values[i]!;
      const isPresent = value === value ? 1 : 0;
      present[i] = isPresent;
      kept[nPresent] = value;
      nPresent += isPresent;
    }
    if (this.#kind === "timestamp") toIntegers(kept, nPresent);
    const presence = encodePresence(present, n, nPresent);
    const words = new Uint32Array(kept.buffer, 0, 2 * nPresent);
    const coded = dictionaryOf(words, nPresent, this.#scratch.codes);
    const counts = { nValues: n, nMissing: n - nPresent };
    if (coded === null)
      return { ...counts, dictionary: null, data: [presence, Buffer.from(kept.buffer, 0, 8 * nPresent)] };
    const { dictionary, size } = coded;
    return {
      ...counts,
      dictionary: { bytes: dictionary, size },
      data: [presence, encodeCodes(this.#scratch.codes, nPresent, widthFor(size))],
    };
  }
}

/** Whole milliseconds in place as 64-bit integers, low word first. */
function toIntegers(values: Float64Array, n: number): void {
  const words = new Int32Array(values.buffer);
  for (let i = 0; i < n; ++i) {
    const value = Math.floor(values[i]!);
    const high = Math.floor(value / 4_294_967_296);
    words[2 * i] = (value - high * 4_294_967_296) | 0;
    words[2 * i + 1] = high;
  }
}

class TruthCollector implements ColumnCollector {
  readonly #scratch: Scratch;
  readonly #values: Uint8Array;
  #n = 0;

  constructor(capacity: number, scratch: Scratch) {
    this.#scratch = scratch;
    this.#values = new Uint8Array(capacity);
  }

  fits(_column: BlockColumn, _start: number, count: number): number {
    return count;
  }

  add(column: BlockColumn, start: number, count: number): void {
    const { values } = column as Extract<BlockColumn, { readonly kind: "boolean" }>;
    this.#values.set(values.subarray(start, start + count), this.#n);
    this.#n += count;
  }

  encode(): EncodedColumn {
    const n = this.#n;
    this.#n = 0;
    const { present, truths: kept } = this.#scratch;
    let nPresent = 0;
    for (let i = 0; i < n; ++i) {
      const value = this.#values[i]!;
      const isPresent = value === 255 ? 0 : 1;
      present[i] = isPresent;
      kept[nPresent] = value;
      nPresent += isPresent;
    }
    const bits = Buffer.alloc(Math.ceil(nPresent / 8));
    packBits(kept, nPresent, bits, 0);
    const data = [encodePresence(present, n, nPresent), bits];
    return { nValues: n, nMissing: n - nPresent, dictionary: null, data };
  }
}

/** Levels through a dictionary of those that occur in the row group, in the order they come. */
class LevelCollector implements ColumnCollector {
  readonly #scratch: Scratch;
  readonly #codes: Int32Array;
  #n = 0;
  #known = new Map<string, number>();
  #levels: string[] = [];
  /** Of the block seen last: the group's code of each of its codes, from that of missing values on; less than that until it is known. */
  #block: BlockColumn | null = null;
  #groupCodes = new Int32Array(0);

  constructor(capacity: number, scratch: Scratch) {
    this.#scratch = scratch;
    this.#codes = new Int32Array(capacity);
  }

  fits(_column: BlockColumn, _start: number, count: number): number {
    return count;
  }

  add(column: BlockColumn, start: number, count: number): void {
    const { codes, levels } = column as Extract<BlockColumn, { readonly kind: "category" }>;
    if (this.#block !== column) {
      this.#block = column;
      this.#groupCodes = new Int32Array(levels.length + 1).fill(-2);
      this.#groupCodes[0] = missingCode;
    }
    const groupCodes = this.#groupCodes;
    const own = this.#codes;
    const shift = this.#n - start;
    for (let row = start, end = start + count; row < end; ++row) {
      const code = codes[row]!;
      let groupCode = groupCodes[code + 1]!;
      if (groupCode < missingCode) groupCodes[code + 1] = groupCode = this.#codeOf(levels[code]!);
      own[row + shift] = groupCode;
    }
    this.#n += count;
  }

  encode(): EncodedColumn {
    const n = this.#n;
    const own = this.#codes;
    const { present, codes: kept } = this.#scratch;
    let nPresent = 0;
    for (let i = 0; i < n; ++i) {
      const code = own[i]!;
      const isPresent = code < 0 ? 0 : 1;
      present[i] = isPresent;
      kept[nPresent] = code;
      nPresent += isPresent;
    }
    const levels = this.#levels;
    const data = [encodePresence(present, n, nPresent), encodeCodes(kept, nPresent, widthFor(levels.length))];
    this.#n = 0;
    this.#known = new Map();
    this.#levels = [];
    this.#block = null;
    return {
      nValues: n,
      nMissing: n - nPresent,
      dictionary: { bytes: withLengths(levels), size: levels.length },
      data,
    };
  }

  #codeOf(level: string): number {
    const known = this.#known.get(level);
    if (known !== undefined) return known;
    const code = this.#levels.push(level) - 1;
    this.#known.set(level, code);
    return code;
  }
}

function withLengths(texts: readonly string[]): Buffer {
  const lengths = texts.map((text) => Buffer.byteLength(text));
  const bytes = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + length + 4, 0));
  let at = 0;
  for (const [i, text] of texts.entries()) {
    bytes.writeUInt32LE(lengths[i]!, at);
    at += 4 + bytes.write(text, at + 4);
  }
  return bytes;
}

/** A row group ends before its texts of one column exceed this. */
const mostTextBytes = 1 << 25;

/** Texts as they come, each with its length in front. */
class TextCollector implements ColumnCollector {
  readonly #scratch: Scratch;
  readonly #lengths: Int32Array;
  #chunks: Buffer[] = [];
  #nBytes = 0;
  #n = 0;

  constructor(capacity: number, scratch: Scratch) {
    this.#scratch = scratch;
    this.#lengths = new Int32Array(capacity);
  }

  fits(column: BlockColumn, start: number, count: number): number {
    const { ends } = column as Extract<BlockColumn, { readonly kind: "text" }>;
    const first = start === 0 ? 0 : ends[start - 1]!;
    const most = first + mostTextBytes - this.#nBytes;
    if (ends[start + count - 1]! <= most) return count;
    let fitting = 0;
    while (fitting < count && ends[start + fitting]! <= most) ++fitting;
    return fitting === 0 && this.#n === 0 ? 1 : fitting;
  }

  add(column: BlockColumn, start: number, count: number): void {
    const { ends, bytes } = column as Extract<BlockColumn, { readonly kind: "text" }>;
    const first = start === 0 ? 0 : ends[start - 1]!;
    let last = first;
    for (let row = start; row < start + count; ++row) {
      this.#lengths[this.#n++] = ends[row]! - last;
      last = ends[row]!;
    }
    this.#chunks.push(Buffer.from(bytes.buffer, bytes.byteOffset + first, last - first));
    this.#nBytes += last - first;
  }

  encode(): EncodedColumn {
    const n = this.#n;
    const { present } = this.#scratch;
    let nPresent = 0;
    for (let i = 0; i < n; ++i) nPresent += present[i] = this.#lengths[i]! > 0 ? 1 : 0;
    const texts = Buffer.concat(this.#chunks);
    const out = Buffer.allocUnsafe(texts.length + 4 * nPresent);
    let [at, from] = [0, 0];
    for (let i = 0; i < n; ++i) {
      const length = this.#lengths[i]!;
      if (length === 0) continue;
      out.writeUInt32LE(length, at);
      texts.copy(out, at + 4, from, from + length);
      at += 4 + length;
      from += length;
    }
    this.#n = 0;
    this.#chunks = [];
    this.#nBytes = 0;
    return { nValues: n, nMissing: n - nPresent, dictionary: null, data: [encodePresence(present, n, nPresent), out] };
  }
}
