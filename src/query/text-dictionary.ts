import { mix32 } from "../core/rng.ts";

/** Texts of more bytes lie elsewhere. */
const shortBytes = 12;

/** Gives `nBytes` from where the long text of a row begins. */
export type RunReader = (row: number, nBytes: number) => Uint8Array;

/**
 * Codes texts as they leave DuckDB, without making a string of each row: at 3,000,000 rows of two columns this costs a
 * third of an ENUM built beforehand and a tenth of strings.
 *
 * DuckDB hands out 16 bytes a text, as four words: length, then up to 12 bytes of UTF-8 padded with zeros, or 4 bytes
 * and a pointer. Short texts are equal exactly where their words are, so the words are the key of a hash table (open
 * addressing, linear probing, at most half full). Long texts are read by the run: DuckDB copies those of a chunk one
 * behind the other, and one call into the driver costs as much as ten texts found in what it gives. Their key is length,
 * hash and where their bytes are kept. Codes are entries of the table: 0, 1, ... in the order the texts come.
 */
export class TextDictionary {
  readonly #texts: string[] = [];
  #slots: Int32Array = new Int32Array(1024).fill(-1);
  /** Four words for each text, by its code. */
  #keys: Uint32Array = new Uint32Array(4 * 512);
  /** Bytes of the long texts, one behind the other. */
  #kept: DataView = new DataView(new ArrayBuffer(1024));
  #nKept = 0;

  /**
   * Writes the code of each text to `out` from `offset` on; the empty text is -1. `read` gives the UTF-8 of so many bytes
   * from a long text's first on.
   */
  encode(words: Uint32Array, count: number, read: RunReader, out: Int32Array, offset: number): void {
    for (let row = 0; row < count; ++row) {
      const length = words[4 * row]!;
      if (length <= shortBytes) out[offset + row] = length === 0 ? -1 : this.#short(words, 4 * row);
    }
    for (let first = nextLong(words, 0, count); first < count;) {
      const run = runFrom(words, first, count);
      this.#run(words, run, read(first, run.nBytes), out, offset);
      first = run.end;
    }
  }

  /** The texts in ascending order of code points, and the new code of each old one. */
  finish(): { readonly levels: readonly string[]; readonly newCodes: Int32Array } {
    const order = this.#texts
      .map((_, code) => code)
      .sort((a, b) => compareCodePoints(this.#texts[a]!, this.#texts[b]!));
    const newCodes = new Int32Array(order.length);
    for (let i = 0; i < order.length; ++i) newCodes[order[i]!] = i;
    return { levels: order.map((code) => this.#texts[code]!), newCodes };
  }

  #short(words: Uint32Array, at: number): number {
    const [a, b, c, d] = [words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!];
    const mask = this.#slots.length - 1;
    const keys = this.#keys;
    let slot = hash(a, b, c, d) & mask;
    for (let code = this.#slots[slot]!; code >= 0; code = this.#slots[slot]!) {
      const k = 4 * code;
      if (keys[k + 1] === b && keys[k] === a && keys[k + 2] === c && keys[k + 3] === d) return code;
      slot = (slot + 1) & mask;
    }
    return this.#add(Buffer.from(Uint32Array.of(b, c, d).buffer, 0, a), words.subarray(at, at + 4), slot);
  }

  #run(words: Uint32Array, { first, end }: Run, bytes: Uint8Array, out: Int32Array, offset: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let start = 0;
    for (let row = first; row < end; row = nextLong(words, row + 1, end)) {
      const length = words[4 * row]!;
      out[offset + row] = this.#long(view, start, length);
      start += length;
    }
  }

  #long(bytes: DataView, start: number, length: number): number {
    const mask = this.#slots.length - 1;
    const keys = this.#keys;
    const hashed = hashBytes(bytes, start, length);
    let slot = hashed & mask;
    for (let code = this.#slots[slot]!; code >= 0; code = this.#slots[slot]!) {
      const k = 4 * code;
      const isLike = keys[k] === length && keys[k + 1] === hashed;
      if (isLike && isSame(bytes, start, this.#kept, keys[k + 2]!, length)) return code;
      slot = (slot + 1) & mask;
    }
    const own = Buffer.from(bytes.buffer, bytes.byteOffset + start, length);
    return this.#add(own, Uint32Array.of(length, hashed, this.#keep(own), 0), slot);
  }

  /** Where the bytes stand from now on. */
  #keep(bytes: Uint8Array): number {
    const start = this.#nKept;
    this.#nKept += bytes.length;
    if (this.#nKept > 0xffffffff) throw new RangeError("texts of more than 4 GB");
    if (this.#nKept > this.#kept.byteLength) {
      const grown = new Uint8Array(2 * this.#nKept);
      grown.set(new Uint8Array(this.#kept.buffer));
      this.#kept = new DataView(grown.buffer);
    }
    new Uint8Array(this.#kept.buffer).set(bytes, start);
    return start;
  }

  #add(bytes: Buffer, key: Uint32Array, free: number): number {
    const code = this.#texts.push(bytes.toString("utf8")) - 1;
    const isFull = 4 * code === this.#keys.length;
    if (isFull) this.#grow();
    this.#keys.set(key, 4 * code);
    this.#slots[isFull ? this.#freeSlot(key) : free] = code;
    return code;
  }

  #grow(): void {
    const keys = new Uint32Array(2 * this.#keys.length);
    keys.set(this.#keys);
    this.#slots = new Int32Array(2 * this.#slots.length).fill(-1);
    for (let k = 0; k < this.#keys.length; k += 4) this.#slots[this.#freeSlot(keys.subarray(k, k + 4))] = k / 4;
    this.#keys = keys;
  }

  #freeSlot(key: Uint32Array): number {
    const mask = this.#slots.length - 1;
    let slot = (key[0]! > shortBytes ? key[1]! : hash(key[0]!, key[1]!, key[2]!, key[3]!)) & mask;
    while (this.#slots[slot]! >= 0) slot = (slot + 1) & mask;
    return slot;
  }
}

/** Long texts that lie behind one another in memory, from row `first` to before row `end`; short ones between them lie elsewhere. */
interface Run {
  readonly first: number;
  readonly end: number;
  readonly nBytes: number;
}

/** What is read at once is copied for a moment. */
const mostRunBytes = 1 << 16;

function runFrom(words: Uint32Array, first: number, count: number): Run {
  let nBytes = words[4 * first]!;
  let row = nextLong(words, first + 1, count);
  for (; row < count; row = nextLong(words, row + 1, count)) {
    const isNext = pointerOf(words, row) === pointerOf(words, first) + nBytes;
    if (!isNext || nBytes + words[4 * row]! > mostRunBytes) break;
    nBytes += words[4 * row]!;
  }
  return { first, end: row, nBytes };
}

function nextLong(words: Uint32Array, from: number, count: number): number {
  let row = from;
  while (row < count && words[4 * row]! <= shortBytes) ++row;
  return row;
}

function pointerOf(words: Uint32Array, row: number): number {
  return words[4 * row + 2]! + words[4 * row + 3]! * 0x100000000;
}

function hash(a: number, b: number, c: number, d: number): number {
  return mix32(Math.imul(b, 0x9e3779b1) ^ Math.imul(c, 0x85ebca77) ^ Math.imul(d, 0xc2b2ae3d) ^ a);
}

/** Of more than 4 bytes, four at a time; the last four may overlap those before. */
function hashBytes(bytes: DataView, start: number, length: number): number {
  const last = start + length - 4;
  let mixed = Math.imul(length ^ bytes.getUint32(last, true), 0x9e3779b1);
  for (let at = start; at < last; at += 4) {
    mixed = Math.imul(mixed ^ bytes.getUint32(at, true), 0x85ebca77);
    mixed ^= mixed >>> 15;
  }
  return mix32(mixed) >>> 0;
}

function isSame(a: DataView, fromA: number, b: DataView, fromB: number, length: number): boolean {
  const last = length - 4;
  for (let i = 0; i < last; i += 4) if (a.getUint32(fromA + i, true) !== b.getUint32(fromB + i, true)) return false;
  return a.getUint32(fromA + last, true) === b.getUint32(fromB + last, true);
}

/** The driver decodes a leading U+FEFF away; the first bytes (EF BB BF, little-endian) tell that it was there. */
export function intact(text: string, firstBytes: number): string {
  return (firstBytes & 0xffffff) === 0xbfbbef ? `\uFEFF${text}` : text;
}

/** Order of UTF-8 bytes, which is DuckDB's: UTF-16 puts surrogate pairs before U+E000, code points after. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; ++i) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
