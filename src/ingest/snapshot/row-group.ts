import { type Kind, missingBoolean, missingCode } from "../../frame/column.ts";
import { stretch } from "../../math/stretch.ts";
import type { BlockColumn } from "../delimited/block.ts";
import { dictionaryOf } from "./value-dictionary.ts";
import { encodeCodes, encodePresence, packBits, widthFor } from "./page-values.ts";
import type { ColumnCollector, EncodedColumn, Scratch } from "./column-collector.ts";
import { presenceKernel } from "./presence-kernel.ts";
import { TextCollector } from "./text-collector.ts";

/** Collectors of so many rows at most, for columns of these kinds. */
export function openCollectors(kinds: readonly Kind[], capacity: number): readonly ColumnCollector[] {
  const scratch = {
    present: new Uint8Array(capacity),
    bits: bitsFor(capacity),
    truths: new Uint8Array(capacity),
    codes: new Int32Array(capacity),
  };
  return kinds.map((kind) => openCollector(kind, capacity, scratch));
}

/** With a byte more, which is written where the last one is full. */
function bitsFor(capacity: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Math.ceil(capacity / 8) + 1);
}

function openCollector(kind: Kind, capacity: number, scratch: Scratch): ColumnCollector {
  switch (kind) {
    case "number":
    case "timestamp":
      return new DoubleCollector(kind, capacity, scratch);
    case "boolean":
      return new TruthCollector(capacity, scratch);
    case "category":
      return new LevelCollector(capacity);
    case "text":
      return new TextCollector(capacity, scratch);
  }
}

/** Doubles as such; times as 64-bit integers of milliseconds. Either through a dictionary where few values occur. */
class DoubleCollector implements ColumnCollector {
  /** Of the rows that have one. */
  #values: Float64Array<ArrayBuffer>;
  /** That of the group before, which is being written. */
  #written: Float64Array<ArrayBuffer> | null = null;
  readonly #bits: Uint8Array;
  readonly #kind: "number" | "timestamp";
  readonly #scratch: Scratch;
  #n = 0;
  #nPresent = 0;

  constructor(kind: "number" | "timestamp", capacity: number, scratch: Scratch) {
    this.#kind = kind;
    this.#scratch = scratch;
    this.#values = new Float64Array(capacity);
    this.#bits = bitsFor(capacity);
  }

  fits(_column: BlockColumn, _start: number, count: number): number {
    return count;
  }

  add(column: BlockColumn, start: number, count: number): void {
    const { values } = column as Extract<BlockColumn, { readonly kind: "number" | "timestamp" }>;
    for (let from = start, end = start + count; from < end;) {
      // The kernel takes eights that begin where a byte of bits does.
      const free = 8 - (this.#n & 7);
      const isWhole = free === 8 && end - from >= 8;
      const taken = Math.min(end - from, isWhole ? Math.min(stretch, (end - from) & -8) : free);
      const added = values.subarray(from, from + taken);
      if (isWhole) this.#keepEights(added);
      else this.#nPresent = keepNumbers(added, this.#values, this.#nPresent, this.#bits, this.#n);
      this.#n += taken;
      from += taken;
    }
  }

  #keepEights(added: Float64Array): void {
    const { keep, given, kept, bits } = presenceKernel();
    given.set(added);
    const n = keep(added.length);
    this.#values.set(kept.subarray(0, n), this.#nPresent);
    this.#bits.set(bits.subarray(0, added.length / 8), this.#n / 8);
    this.#nPresent += n;
  }

  encode(): EncodedColumn {
    const [n, nPresent, kept] = [this.#n, this.#nPresent, this.#values];
    this.#n = 0;
    this.#nPresent = 0;
    if (this.#kind === "timestamp") toIntegers(kept, nPresent);
    const presence = encodePresence(this.#bits, n, nPresent);
    const words = new Uint32Array(kept.buffer, 0, 2 * nPresent);
    const coded = dictionaryOf(words, nPresent, this.#scratch.codes);
    const counts = { nValues: n, nMissing: n - nPresent };
    if (coded === null) {
      [this.#values, this.#written] = [this.#written ?? new Float64Array(kept.length), kept];
      return { ...counts, dictionary: null, data: [presence, Buffer.from(kept.buffer, 0, 8 * nPresent)] };
    }
    const { dictionary, size } = coded;
    return {
      ...counts,
      dictionary: { bytes: dictionary, size },
      data: [presence, encodeCodes(this.#scratch.codes, nPresent, widthFor(size))],
    };
  }
}

/** Puts those that are numbers to `kept` from `at` on, and which they are to `bits` from bit `n` on; where the kept ones end. */
function keepNumbers(values: Float64Array, kept: Float64Array, at: number, bits: Uint8Array, n: number): number {
  let end = at;
  let bit = n;
  let byte = bits[bit >> 3]! & ((1 << (bit & 7)) - 1);
  for (let i = 0, count = values.length; i < count; ++i) {
    const value = values[i]!;
    const isPresent = value === value ? 1 : 0;
    kept[end] = value;
    end += isPresent;
    byte |= isPresent << (bit & 7);
    if ((++bit & 7) !== 0) continue;
    bits[(bit >> 3) - 1] = byte;
    byte = 0;
  }
  bits[bit >> 3] = byte;
  return end;
}

/** Whole milliseconds in place as 64-bit integers, low word first. */
function toIntegers(values: Float64Array<ArrayBuffer>, n: number): void {
  const words = new Int32Array(values.buffer);
  for (let from = 0; from < n; from += stretch) {
    const some = values.subarray(from, Math.min(n, from + stretch));
    splitWords(some, words.subarray(2 * from));
  }
}

function splitWords(values: Float64Array, words: Int32Array): void {
  for (let i = 0, n = values.length; i < n; ++i) {
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
    for (let from = 0; from < n; from += stretch) {
      const some = this.#values.subarray(from, Math.min(n, from + stretch));
      nPresent += keepTruths(some, kept.subarray(nPresent), present.subarray(from));
    }
    const truths = Buffer.allocUnsafe(Math.ceil(nPresent / 8));
    packBits(kept, nPresent, truths);
    packBits(present, n, this.#scratch.bits);
    const data = [encodePresence(this.#scratch.bits, n, nPresent), truths];
    return { nValues: n, nMissing: n - nPresent, dictionary: null, data };
  }
}

/** How many are kept. */
function keepTruths(values: Uint8Array, kept: Uint8Array, present: Uint8Array): number {
  let end = 0;
  for (let i = 0, n = values.length; i < n; ++i) {
    const value = values[i]!;
    const isPresent = value === missingBoolean ? 0 : 1;
    present[i] = isPresent;
    kept[end] = value;
    end += isPresent;
  }
  return end;
}

/** Levels through a dictionary of those that occur in the row group, in the order they come. */
class LevelCollector implements ColumnCollector {
  /** Of the rows that have a level. */
  readonly #codes: Int32Array;
  readonly #bits: Uint8Array;
  #n = 0;
  #nPresent = 0;
  #known = new Map<string, number>();
  #levels: string[] = [];
  /** Of the block seen last: the group's code of each of its codes, from that of missing values on; less than that until it is known. */
  #block: BlockColumn | null = null;
  #groupCodes = new Int32Array(0);

  constructor(capacity: number) {
    this.#codes = new Int32Array(capacity);
    this.#bits = bitsFor(capacity);
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
    for (let from = start, end = start + count; from < end; from += stretch)
      this.#addCodes(codes.subarray(from, Math.min(end, from + stretch)), levels);
  }

  #addCodes(codes: Int32Array, levels: readonly string[]): void {
    const groupCodes = this.#groupCodes;
    const own = this.#codes;
    const bits = this.#bits;
    let end = this.#nPresent;
    let bit = this.#n;
    let byte = bits[bit >> 3]! & ((1 << (bit & 7)) - 1);
    for (let i = 0, n = codes.length; i < n; ++i) {
      const code = codes[i]!;
      let groupCode = groupCodes[code + 1]!;
      if (groupCode < missingCode) groupCodes[code + 1] = groupCode = this.#codeOf(levels[code]!);
      own[end] = groupCode;
      const isPresent = (groupCode >>> 31) ^ 1;
      end += isPresent;
      byte |= isPresent << (bit & 7);
      if ((++bit & 7) !== 0) continue;
      bits[(bit >> 3) - 1] = byte;
      byte = 0;
    }
    bits[bit >> 3] = byte;
    this.#nPresent = end;
    this.#n = bit;
  }

  encode(): EncodedColumn {
    const [n, nPresent, levels] = [this.#n, this.#nPresent, this.#levels];
    const data = [encodePresence(this.#bits, n, nPresent), encodeCodes(this.#codes, nPresent, widthFor(levels.length))];
    this.#n = 0;
    this.#nPresent = 0;
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
