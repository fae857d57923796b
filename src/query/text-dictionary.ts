import { mix32 } from "../core/rng.ts";

/** Texts of more bytes lie elsewhere. */
const shortBytes = 12;

/** Gives `nBytes` from where the long text of a row begins, as a string; a leading U+FEFF is lost. */
export type RunReader = (row: number, nBytes: number) => string;

/**
 * Codes texts as they leave DuckDB, without making a string of each row: at 3,000,000 rows of two columns this costs a
 * third of an ENUM built beforehand and a tenth of strings.
 *
 * DuckDB hands out 16 bytes a text, as four words: length, then up to 12 bytes of UTF-8 padded with zeros, or 4 bytes
 * and a pointer. Short texts are equal exactly where their words are, so the words are the key of a hash table (open
 * addressing, linear probing, at most half full). Long texts are read by the run: DuckDB copies those of a chunk one
 * behind the other, and one call into the driver costs as much as ten texts cut out of what it gives.
 */
export class TextDictionary {
  readonly #texts: string[] = [];
  readonly #known = new Map<string, number>();
  #slots: Int32Array = new Int32Array(1024).fill(-1);
  /** Four words for each short text, by slot number in `#slots`. */
  #keys: Uint32Array = new Uint32Array(4 * 512);
  #codes: Int32Array = new Int32Array(512);
  #nShort = 0;

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
      this.#long(words, run, read, out, offset);
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
    for (let entry = this.#slots[slot]!; entry >= 0; entry = this.#slots[slot]!) {
      const k = 4 * entry;
      if (keys[k + 1] === b && keys[k] === a && keys[k + 2] === c && keys[k + 3] === d) return this.#codes[entry]!;
      slot = (slot + 1) & mask;
    }
    const code = this.#add(Buffer.from(Uint32Array.of(b, c, d).buffer, 0, a).toString("utf8"));
    this.#remember(words.subarray(at, at + 4), slot, code);
    return code;
  }

  #long(words: Uint32Array, run: Run, read: RunReader, out: Int32Array, offset: number): void {
    const text = read(run.first, run.nBytes);
    // As many units as bytes: all of them are ASCII, and bytes count characters.
    const isAscii = text.length === run.nBytes;
    let start = 0;
    for (let row = run.first; row < run.end; row = nextLong(words, row + 1, run.end)) {
      const length = words[4 * row]!;
      const own = isAscii ? text.slice(start, start + length) : intact(read(row, length), words[4 * row + 1]!);
      out[offset + row] = this.#add(own);
      start += length;
    }
  }

  #remember(key: Uint32Array, slot: number, code: number): void {
    if (this.#nShort === this.#codes.length) {
      this.#grow();
      slot = this.#freeSlot(key);
    }
    this.#keys.set(key, 4 * this.#nShort);
    this.#codes[this.#nShort] = code;
    this.#slots[slot] = this.#nShort++;
  }

  #grow(): void {
    const keys = new Uint32Array(2 * this.#keys.length);
    keys.set(this.#keys);
    this.#keys = keys;
    const codes = new Int32Array(2 * this.#codes.length);
    codes.set(this.#codes);
    this.#codes = codes;
    this.#slots = new Int32Array(2 * this.#slots.length).fill(-1);
    for (let entry = 0; entry < this.#nShort; ++entry) {
      this.#slots[this.#freeSlot(keys.subarray(4 * entry, 4 * entry + 4))] = entry;
    }
  }

  #freeSlot(key: Uint32Array): number {
    const mask = this.#slots.length - 1;
    let slot = hash(key[0]!, key[1]!, key[2]!, key[3]!) & mask;
    while (this.#slots[slot]! >= 0) slot = (slot + 1) & mask;
    return slot;
  }

  #add(text: string): number {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const code = this.#texts.push(text) - 1;
    this.#known.set(text, code);
    return code;
  }
}

/** Long texts that lie behind one another in memory, from row `first` to before row `end`; short ones between them lie elsewhere. */
interface Run {
  readonly first: number;
  readonly end: number;
  readonly nBytes: number;
}

/** What is read at once is a string of its own for a moment. */
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
