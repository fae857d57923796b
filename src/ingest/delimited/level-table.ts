/**
 * Codes stretches of bytes: equal bytes have equal codes, 0, 1, ... in the order they come. A hash table with open
 * addressing, at most half full, whose keys stay where they stand in the block.
 */
export class LevelTable {
  #slots: Int32Array = new Int32Array(256).fill(-1);
  #starts: Int32Array = new Int32Array(128);
  #ends: Int32Array = new Int32Array(128);
  #hashes: Int32Array = new Int32Array(128);
  #size = 0;

  /** Forgets all levels. */
  clear(): void {
    if (this.#size > 0) this.#slots.fill(-1);
    this.#size = 0;
  }

  /** The code of the bytes from `start` to `end`. */
  codeOf(bytes: Uint8Array, start: number, end: number): number {
    let hash = 0x811c9dc5;
    for (let i = start; i < end; ++i) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
    return this.#find(hash, bytes, start, end);
  }

  #find(hashed: number, bytes: Uint8Array, start: number, end: number): number {
    const hash = hashed ^ (hashed >>> 15);
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (let code = this.#slots[slot]!; code >= 0; code = this.#slots[slot]!) {
      if (this.#hashes[code] === hash && this.#isAt(bytes, code, start, end)) return code;
      slot = (slot + 1) & mask;
    }
    return this.#add(hash, slot, start, end);
  }

  /** The levels as texts, by code. */
  texts(bytes: Buffer): string[] {
    const texts: string[] = [];
    for (let code = 0; code < this.#size; ++code)
      texts.push(bytes.toString("utf8", this.#starts[code], this.#ends[code]));
    return texts;
  }

  #isAt(bytes: Uint8Array, code: number, start: number, end: number): boolean {
    let at = this.#starts[code]!;
    if (this.#ends[code]! - at !== end - start) return false;
    for (let i = start; i < end; ++i) if (bytes[i] !== bytes[at++]) return false;
    return true;
  }

  #add(hash: number, slot: number, start: number, end: number): number {
    const code = this.#size++;
    this.#slots[slot] = code;
    this.#starts[code] = start;
    this.#ends[code] = end;
    this.#hashes[code] = hash;
    if (2 * this.#size >= this.#slots.length) this.#grow();
    return code;
  }

  #grow(): void {
    const size = 2 * this.#slots.length;
    this.#starts = lengthened(this.#starts, size / 2);
    this.#ends = lengthened(this.#ends, size / 2);
    this.#hashes = lengthened(this.#hashes, size / 2);
    this.#slots = new Int32Array(size).fill(-1);
    for (let code = 0; code < this.#size; ++code) {
      let slot = this.#hashes[code]! & (size - 1);
      while (this.#slots[slot]! >= 0) slot = (slot + 1) & (size - 1);
      this.#slots[slot] = code;
    }
  }
}

function lengthened(values: Int32Array, length: number): Int32Array {
  const longer = new Int32Array(length);
  longer.set(values);
  return longer;
}
