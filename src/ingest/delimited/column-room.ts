/** Memory for the columns of one block, which stand there one after the other. */
export class ColumnRoom {
  readonly buffer: ArrayBuffer;
  #at = 0;

  /** For `nColumns` of `nRows` at most; in `spare` where that is large enough. */
  constructor(nRows: number, nColumns: number, spare: ArrayBuffer | null) {
    const nBytes = nColumns * aligned(8 * nRows);
    // A little more, for blocks of one file are not equally long.
    this.buffer = spare !== null && spare.byteLength >= nBytes ? spare : new ArrayBuffer(aligned(1.1 * nBytes));
  }

  doubles(values: Float64Array): Float64Array<ArrayBuffer> {
    const copy = new Float64Array(this.buffer, this.#take(values.byteLength), values.length);
    copy.set(values);
    return copy;
  }

  codes(values: Int32Array): Int32Array<ArrayBuffer> {
    const copy = new Int32Array(this.buffer, this.#take(values.byteLength), values.length);
    copy.set(values);
    return copy;
  }

  bytes(values: Uint8Array): Uint8Array<ArrayBuffer> {
    const copy = new Uint8Array(this.buffer, this.#take(values.byteLength), values.length);
    copy.set(values);
    return copy;
  }

  #take(nBytes: number): number {
    const start = this.#at;
    this.#at += aligned(nBytes);
    return start;
  }
}

function aligned(nBytes: number): number {
  return Math.ceil(nBytes / 8) * 8;
}
