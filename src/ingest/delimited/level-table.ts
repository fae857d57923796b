import { cellEntry, levelEntry } from "./kernel-places.ts";

/** Slots at first. */
const fewestSlots = 256;

/** Bytes that the table of a column of `nRows` may come to need. */
export function levelTableBytes(nRows: number): number {
  return 4 * mostSlots(nRows) + levelEntry.bytes * nRows;
}

function mostSlots(nRows: number): number {
  return Math.max(fewestSlots, 2 ** Math.ceil(Math.log2(2 * nRows)));
}

/** Codes a stretch of bytes in the memory; -1 where the table has to grow first. */
type LevelKernel = (entry: number, start: number, end: number) => number;

/**
 * The levels of one column of a block, in the kernel's memory: the kernel codes them by a hash table with open addressing, at
 * most half full, whose keys stay where they stand in the block. Here it grows, and is read.
 */
export class LevelTable {
  readonly #run: LevelKernel;
  readonly #entryAt: number;
  readonly #entry: Int32Array;
  readonly #slots: Int32Array;
  readonly #levels: Int32Array;

  /** An empty table at `position`, for at most `nRows` levels; about `nExpected` are expected. */
  constructor(
    run: LevelKernel,
    buffer: ArrayBuffer,
    entryAt: number,
    position: number,
    nRows: number,
    nExpected: number,
  ) {
    this.#run = run;
    this.#entryAt = entryAt;
    this.#entry = new Int32Array(buffer, entryAt, cellEntry.bytes / 4);
    this.#levels = new Int32Array(buffer, position, (levelEntry.bytes / 4) * nRows);
    const slots = position + this.#levels.byteLength;
    this.#slots = new Int32Array(buffer, slots, mostSlots(nRows));
    this.#entry[cellEntry.slots / 4] = slots;
    this.#entry[cellEntry.levels / 4] = position;
    this.#entry[cellEntry.nLevels / 4] = 0;
    let size = fewestSlots;
    while (size < 2 * nExpected && size < this.#slots.length) size *= 2;
    this.#resize(size);
  }

  get size(): number {
    return this.#entry[cellEntry.nLevels / 4]!;
  }

  /** The code of the bytes from `start` to `end`: 0, 1, ... in the order they come. */
  codeOf(start: number, end: number): number {
    const code = this.#run(this.#entryAt, start, end);
    if (code >= 0) return code;
    this.#grow();
    return this.#run(this.#entryAt, start, end);
  }

  /** The levels as texts, by code. */
  texts(bytes: Buffer): string[] {
    return Array.from({ length: this.size }, (_, code) => {
      const at = (code * levelEntry.bytes) / 4;
      return bytes.toString("utf8", this.#levels[at + levelEntry.start / 4], this.#levels[at + levelEntry.end / 4]);
    });
  }

  #resize(size: number): void {
    this.#slots.fill(-1, 0, size);
    this.#entry[cellEntry.mask / 4] = size - 1;
  }

  #grow(): void {
    const size = 2 * (this.#entry[cellEntry.mask / 4]! + 1);
    this.#resize(size);
    for (let code = 0; code < this.size; ++code) {
      let slot = this.#levels[(code * levelEntry.bytes) / 4]! & (size - 1);
      while (this.#slots[slot]! >= 0) slot = (slot + 1) & (size - 1);
      this.#slots[slot] = code;
    }
  }
}
