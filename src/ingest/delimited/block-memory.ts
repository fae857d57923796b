import { createMemory, instantiateModule, pageBytes, type WasmMemory } from "../../math/wasm/webassembly.ts";
import type { BlockPlan } from "./block.ts";
import { cellEntry, cellForms, compileKernel, kernelPlaces } from "./cell-kernel.ts";

/** What the kernel wants to know of a column. */
export interface KernelColumn {
  readonly form: keyof typeof cellForms;
  /** Values that it leaves to one who looks at their texts. */
  readonly left: readonly number[];
}

/** Where a column's cells of a block go: values of one kind, or where their contents begin and end in the memory. */
export interface CellPlaces {
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly truths: Uint8Array<ArrayBuffer>;
  readonly starts: Int32Array<ArrayBuffer>;
  readonly ends: Int32Array<ArrayBuffer>;
}

/** A block as it lies in the memory. */
export interface PlacedBlock {
  /** The memory up to the end of the block. */
  readonly bytes: Buffer;
  readonly start: number;
  /** By column. */
  readonly places: readonly CellPlaces[];
}

/** The kernel looks a little beyond a cell's start. */
const margin = 32;

/** Memory for a block and its columns, and the kernel that reads what is plain of it. The next block takes the same memory. */
export class BlockMemory {
  readonly #plan: BlockPlan;
  readonly #columns: readonly KernelColumn[];
  #memory: WasmMemory | null = null;
  #nPages = 0;
  #run: (...values: readonly number[]) => number = () => 0;
  #state: Int32Array = new Int32Array(2);

  constructor(plan: BlockPlan, columns: readonly KernelColumn[]) {
    this.#plan = plan;
    this.#columns = columns;
  }

  /** Takes in a block of at most `nRows` records. */
  open(block: Buffer, nRows: number): PlacedBlock {
    const lists = aligned(kernelPlaces.entries + this.#plan.nCells * cellEntry.bytes);
    const start = lists + 8 * this.#columns.reduce((sum, { left }) => sum + left.length, 0);
    const columns = aligned(start + block.length + margin);
    const columnBytes = 8 * nRows;
    const buffer = this.#bufferOf(columns + this.#columns.length * columnBytes);
    this.#describe(buffer, lists, (column) => columns + column * columnBytes, nRows);
    const bytes = Buffer.from(buffer, 0, start + block.length);
    block.copy(bytes, start);
    return { bytes, start, places: this.#columns.map((_, i) => placesAt(buffer, columns + i * columnBytes, nRows)) };
  }

  /** Reads on from a cell until one is not plain or the block ends, and gives that position; its place is `row` and `cell`. */
  run(at: number, row: number, cell: number, end: number, usesReturns: number): number {
    return this.#run(at, row, cell, end, usesReturns);
  }

  get row(): number {
    return this.#state[kernelPlaces.row / 4]!;
  }

  get cell(): number {
    return this.#state[kernelPlaces.cell / 4]!;
  }

  /** Memory of at least so many bytes, with what is the same for all blocks. */
  #bufferOf(nBytes: number): ArrayBuffer {
    const nPages = Math.ceil(nBytes / pageBytes);
    if (nPages > this.#nPages) {
      // A little more, for blocks of one file are not equally long.
      this.#nPages = Math.ceil(1.25 * nPages);
      this.#memory = createMemory(this.#nPages, false);
      const { run } = instantiateModule(compileKernel(this.#plan, this.#nPages), this.#memory);
      this.#run = run!;
      const bytes = new Uint8Array(this.#memory.buffer);
      for (const char of [this.#plan.delimiter, "\n", "\r"]) bytes[kernelPlaces.plainEnds + char.charCodeAt(0)] = 1;
      for (const char of ['"', "\n"]) bytes[kernelPlaces.quotedEnds + char.charCodeAt(0)] = 1;
      new Float64Array(this.#memory.buffer, kernelPlaces.powers, 16).set(Array.from({ length: 16 }, (_, i) => 10 ** i));
      this.#state = new Int32Array(this.#memory.buffer, 0, 2);
    }
    return this.#memory!.buffer as ArrayBuffer;
  }

  #describe(buffer: ArrayBuffer, lists: number, placeOf: (column: number) => number, nRows: number): void {
    const entries = new Int32Array(buffer, kernelPlaces.entries, (this.#plan.nCells * cellEntry.bytes) / 4);
    const entryAt = (cell: number): Int32Array => entries.subarray((cell * cellEntry.bytes) / 4);
    for (let cell = 0; cell < this.#plan.nCells; ++cell) entryAt(cell)[0] = cellForms.nothing;
    let list = lists;
    for (const [i, { form, left }] of this.#columns.entries()) {
      const values = placeOf(i);
      const next = list + 8 * left.length;
      entryAt(this.#plan.columns[i]!.cell).set([cellForms[form], values, values + 4 * nRows, list, next]);
      new Float64Array(buffer, list, left.length).set(left);
      list = next;
    }
  }
}

function aligned(position: number): number {
  return Math.ceil(position / 8) * 8;
}

function placesAt(buffer: ArrayBuffer, position: number, nRows: number): CellPlaces {
  return {
    numbers: new Float64Array(buffer, position, nRows),
    truths: new Uint8Array(buffer, position, nRows),
    starts: new Int32Array(buffer, position, nRows),
    ends: new Int32Array(buffer, position + 4 * nRows, nRows),
  };
}
