import { crc32 } from "node:zlib";
import { type LogEntry, prefixLength, prefixOf } from "./log-line.ts";

const leastBytes = 4096;

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
   * Adds an entry as one line of JSON with its newline; false, and nothing, where all would take more than `mostBytes`. The first
   * member, `crc`, is the CRC-32 of the object without it: the file stays readable by every JSON-lines tool, and a torn or damaged
   * line is still told apart.
   */
  add(entry: LogEntry, mostBytes: number): boolean {
    const body = JSON.stringify(entry);
    // A UTF-16 unit takes at most three bytes of UTF-8.
    this.#reserve(this.#length + prefixLength + 3 * body.length + 1);
    const bytes = this.#bytes;
    // The prefix ends where the body's own "{" stands, which only the checksum reads.
    const start = this.#length + prefixLength - 1;
    const end = start + bytes.write(body, start);
    if (end + 1 > mostBytes) return false;
    bytes.write(prefixOf(crc32(bytes.subarray(start, end))), this.#length, "latin1");
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

  #reserve(nBytes: number): void {
    if (nBytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#lastLength + leastBytes, 2 * this.#bytes.length, nBytes));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
