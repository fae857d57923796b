import { isUtf8 } from "node:buffer";
import {
  createMemory,
  instantiateModule,
  pageBytes,
  type WasmMemory,
  type WasmModule,
} from "../../math/wasm/webassembly.ts";
import type { BlockPlan } from "./block.ts";
import { newline } from "./grammar.ts";
import { cellEntry, type CellForm, chunkBytes, kernelPlaces, lookFlags } from "./kernel-places.ts";
import { levelTableBytes, LevelTable } from "./level-table.ts";

/** What the kernels want to know of a column. */
export interface KernelColumn {
  readonly form: CellForm;
  /** Values that are left to one who looks at their texts. */
  readonly left: readonly number[];
}

/** Where a column's cells of a block go: values of one kind, or where their contents begin and end in the memory. */
export interface CellPlaces {
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly truths: Uint8Array<ArrayBuffer>;
  readonly starts: Int32Array<ArrayBuffer>;
  readonly ends: Int32Array<ArrayBuffer>;
  readonly codes: Int32Array<ArrayBuffer>;
  /** Of columns of levels. */
  readonly levels: LevelTable | null;
}

/** A block as it lies in the memory. */
export interface PlacedBlock {
  /** The memory up to the end of the block. */
  readonly bytes: Buffer;
  readonly start: number;
  /** Line feeds. */
  readonly nLines: number;
  /** By column. */
  readonly places: readonly CellPlaces[];
}

/** The kernels look so far beyond the block's end. */
const margin = 2 * chunkBytes;

/** Cells that are found before they are read: what belongs to them stays in the nearest cache. */
const cellsAtOnce = 4_096;

type Kernels = Readonly<Record<string, (...values: readonly number[]) => number>>;

/** Memory for a block and its columns, and the kernels that read what is plain of it. The next block takes the same memory. */
export class BlockMemory {
  readonly #plan: BlockPlan;
  readonly #module: WasmModule;
  readonly #columns: readonly KernelColumn[];
  readonly #rowsAtOnce: number;
  readonly #ends: number;
  readonly #leftRows: number;
  readonly #lists: number;
  #memory: WasmMemory | null = null;
  #nPages = 0;
  #kernels: Kernels = {};
  #words: Int32Array = new Int32Array(0);
  #places: readonly CellPlaces[] = [];

  constructor(plan: BlockPlan, module: WasmModule, columns: readonly KernelColumn[]) {
    this.#plan = plan;
    this.#module = module;
    this.#columns = columns;
    this.#rowsAtOnce = Math.max(1, Math.floor(cellsAtOnce / plan.nCells));
    this.#ends = kernelPlaces.entries + plan.nCells * cellEntry.bytes;
    // Ends of cells are written a chunk at a time.
    this.#leftRows = this.#ends + 4 * (this.#rowsAtOnce * plan.nCells + 2 * chunkBytes);
    this.#lists = aligned(this.#leftRows + 4 * this.#rowsAtOnce);
  }

  /** Takes in a block; null where its bytes are not UTF-8, or NUL is one of them. */
  open(block: Buffer): PlacedBlock | null {
    const start = this.#lists + 8 * this.#columns.reduce((sum, { left }) => sum + left.length, 0);
    const former = this.#memory;
    const nLines = this.#countLines(block, start);
    if (nLines < 0) return null;
    // A record has a byte for each cell at least; of blank lines there may be many.
    const nRows = Math.min(nLines, Math.floor(block.length / this.#plan.nCells));
    const columns = aligned(start + block.length + margin);
    const columnBytes = 8 * nRows;
    const tables = columns + this.#columns.length * columnBytes;
    const tableBytes = levelTableBytes(nRows);
    const nTables = this.#columns.filter(({ form }) => form === "level").length;
    const buffer = this.#bufferOf(tables + nTables * tableBytes);
    this.#describe(buffer, (column) => columns + column * columnBytes, nRows);
    const bytes = Buffer.from(buffer, 0, start + block.length);
    if (this.#memory !== former) block.copy(bytes, start);
    let table = tables - tableBytes;
    this.#places = this.#columns.map(({ form }, i) => ({
      ...placesAt(buffer, columns + i * columnBytes, nRows),
      levels: form === "level" ? this.#tableAt(buffer, i, (table += tableBytes), nRows) : null,
    }));
    return { bytes, start, nLines, places: this.#places };
  }

  /**
   * Line feeds; -1 where the bytes are not UTF-8, or NUL is one of them. Puts the block to where it is to stand, if there is
   * memory for it, where one kernel looks for all of that at once.
   */
  #countLines(block: Buffer, start: number): number {
    if (this.#memory === null || start + block.length + margin > this.#nPages * pageBytes)
      return block.includes(0) || !isUtf8(block) ? -1 : countLines(block);
    block.copy(Buffer.from(this.#memory.buffer as ArrayBuffer), start);
    const nWhole = block.length - (block.length % chunkBytes);
    const found = nWhole === 0 ? 0 : this.#kernels["look"]!(start, start + nWhole);
    const rest = block.subarray(nWhole);
    if ((found & lookFlags.hasNul) !== 0 || rest.includes(0)) return -1;
    if (!isUtf8((found & lookFlags.isBeyondAscii) === 0 ? rest : block)) return -1;
    return (found >>> lookFlags.nBits) + countLines(rest);
  }

  /** How many plain records follow one another from `at` on, some at a time; the methods below are about these. */
  findRecords(at: number, end: number, usesReturns: number): number {
    this.#words[(this.#entryOf(this.#plan.nCells - 1) + cellEntry.lineEnd) / 4] = usesReturns;
    return this.#kernels["index"]!(at, end, usesReturns, this.#ends, this.#rowsAtOnce);
  }

  /** Where a cell ends, in the order of cells; that of -1 is in front of the first. */
  endOf(cell: number): number {
    return this.#words[this.#ends / 4 + 1 + cell]!;
  }

  /** Reads the cells of a column of the `n` records found, `row` and those after; how many rows are left to others. */
  readColumn(column: number, row: number, n: number): number {
    const entry = this.#entryOf(this.#plan.columns[column]!.cell);
    return this.#kernels[this.#columns[column]!.form]!(entry, row, row + n, this.#leftRows);
  }

  /** The i-th of the rows that were left of the column read last. */
  leftRow(i: number): number {
    return this.#words[this.#leftRows / 4 + i]!;
  }

  #entryOf(cell: number): number {
    return kernelPlaces.entries + cell * cellEntry.bytes;
  }

  /** Levels are about as many as in the block before. */
  #tableAt(buffer: ArrayBuffer, column: number, position: number, nRows: number): LevelTable {
    const entry = this.#entryOf(this.#plan.columns[column]!.cell);
    const nExpected = this.#places[column]?.levels?.size ?? 0;
    return new LevelTable(this.#kernels["levelOf"]!, buffer, entry, position, nRows, nExpected);
  }

  /** Memory of at least so many bytes, with what is the same for all blocks. */
  #bufferOf(nBytes: number): ArrayBuffer {
    const nPages = Math.ceil(nBytes / pageBytes);
    if (nPages > this.#nPages) {
      // A little more, for blocks of one file are not equally long.
      this.#nPages = Math.ceil(1.25 * nPages);
      this.#memory = createMemory(this.#nPages, false);
      this.#kernels = instantiateModule(this.#module, this.#memory);
      this.#words = new Int32Array(this.#memory.buffer);
      const powers = Array.from({ length: 16 }, (_, i) => 10 ** i);
      new Float64Array(this.#memory.buffer, kernelPlaces.powers, 32).set([...powers, ...powers.map((power) => -power)]);
    }
    return this.#memory!.buffer as ArrayBuffer;
  }

  #describe(buffer: ArrayBuffer, placeOf: (column: number) => number, nRows: number): void {
    let list = this.#lists;
    for (const [i, { left }] of this.#columns.entries()) {
      const { cell } = this.#plan.columns[i]!;
      const values = placeOf(i);
      const next = list + 8 * left.length;
      this.#words.set([this.#ends + 4 * cell, 0, values, values + 4 * nRows, list, next], this.#entryOf(cell) / 4);
      new Float64Array(buffer, list, left.length).set(left);
      list = next;
    }
  }
}

function countLines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) ++count;
  return count;
}

function aligned(position: number): number {
  return Math.ceil(position / 8) * 8;
}

function placesAt(buffer: ArrayBuffer, position: number, nRows: number): Omit<CellPlaces, "levels"> {
  return {
    numbers: new Float64Array(buffer, position, nRows),
    truths: new Uint8Array(buffer, position, nRows),
    starts: new Int32Array(buffer, position, nRows),
    ends: new Int32Array(buffer, position + 4 * nRows, nRows),
    codes: new Int32Array(buffer, position, nRows),
  };
}
