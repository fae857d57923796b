import type { BlockColumn } from "../delimited/block.ts";
import type { ColumnCollector, EncodedColumn, Scratch } from "./column-collector.ts";
import { encodePresence, packBits } from "./page-values.ts";

/** A row group ends before its texts of one column exceed this. */
const mostTextBytes = 1 << 25;

/** Texts as they come, each with its length in front. */
export class TextCollector implements ColumnCollector {
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
    packBits(present, n, this.#scratch.bits);
    const presence = encodePresence(this.#scratch.bits, n, nPresent);
    return { nValues: n, nMissing: n - nPresent, dictionary: null, data: [presence, out] };
  }
}
