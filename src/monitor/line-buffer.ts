import { crc32 } from "node:zlib";
import { prefixLength, prefixOf } from "./log-line.ts";

const leastBytes = 4096;

/** The prefix, in which only the digits of the checksum change: as a text made anew it was a fifth of what a line costs. */
const prefix = Buffer.from(prefixOf(0), "latin1");
const lastDigit = prefix.lastIndexOf("0");
const digits = Buffer.from("0123456789abcdef", "latin1");

/** Lines that wait for the disk, as the bytes that will be written: kept as texts they would be copied again and again. */
export class LineBuffer {
  #bytes: Buffer = Buffer.allocUnsafe(0);
  #length = 0;
  #nLines = 0;
  /** What was taken last: so much will come again. */
  #lastLength = 0;

  /** Of all lines, in bytes. */
  get length(): number {
    return this.#length;
  }

  get nLines(): number {
    return this.#nLines;
  }

  /**
   * Adds an entry, an object as JSON without newlines, as one line; false, and nothing, where all would take more than `mostBytes`.
   * The first member, `crc`, is the CRC-32 of the object without it: the file stays readable by every JSON-lines tool, and a torn
   * or damaged line is still told apart.
   */
  add(body: string, mostBytes: number): boolean {
    // A UTF-16 unit takes at most three bytes of UTF-8.
    this.#reserve(this.#length + prefixLength + 3 * body.length + 1);
    const bytes = this.#bytes;
    // The prefix ends where the body's own "{" stands, which only the checksum reads.
    const start = this.#length + prefixLength - 1;
    const end = start + bytes.write(body, start);
    if (end + 1 > mostBytes) return false;
    this.#writePrefix(crc32(bytes.subarray(start, end)));
    bytes[end] = 0x0a;
    this.#length = end + 1;
    ++this.#nLines;
    return true;
  }

  /** All bytes, which are no longer kept here. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#lastLength = this.#length;
    this.#bytes = Buffer.allocUnsafe(0);
    this.#length = 0;
    this.#nLines = 0;
    return taken;
  }

  #writePrefix(crc: number): void {
    this.#bytes.set(prefix, this.#length);
    // same as: this.#bytes.write(prefixOf(crc), this.#length, "latin1")
    const last = this.#length + lastDigit;
    for (let i = 0; i < 8; ++i) this.#bytes[last - i] = digits[(crc >>> (4 * i)) & 15]!;
  }

  #reserve(nBytes: number): void {
    if (nBytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#lastLength + leastBytes, 2 * this.#bytes.length, nBytes));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
