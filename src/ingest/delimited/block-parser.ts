import type { WasmModule } from "../../math/wasm/webassembly.ts";
import type { BadCell, Block, BlockPlan } from "./block.ts";
import { BlockMemory } from "./block-memory.ts";
import { ColumnReader } from "./column-reader.ts";
import { ColumnRoom } from "./column-room.ts";
import { carriageReturn, newline, quote, space } from "./grammar.ts";

const mostBadCells = 1_000;
const longestShown = 101;

/**
 * Reads blocks of whole records into typed columns in one pass. It is strict and knows no faults: whatever is not plainly
 * a record of the plan makes the whole block irregular, and the one who asked reads the file in the slow way, which
 * names the fault and its line.
 *
 * By induction a file is read as a whole: the first block starts where a record starts; where a block ends as a record
 * ends, the next one starts where a record starts.
 */
export class BlockParser {
  readonly plan: BlockPlan;
  readonly #readers: readonly ColumnReader[];
  /** By byte: 1 where it ends a cell that is not quoted. */
  readonly #ends: Uint8Array;
  readonly #memory: BlockMemory;
  /** By cell of a record: which column it is, or -1. */
  readonly #columnOfCell: Int32Array;
  #badCells: BadCell[] = [];
  #badRows: number[][] = [];
  #bytes: Buffer = Buffer.alloc(0);
  #usesReturns = -1;
  /** The cell that was found last. */
  #cellEnd = 0;
  #contentStart = 0;
  #contentEnd = 0;
  #nInnerLines = 0;

  /** `kernels`: what `compileKernels` gives for the plan. */
  constructor(plan: BlockPlan, kernels: WasmModule) {
    this.plan = plan;
    this.#ends = endsOf(plan.delimiter.charCodeAt(0));
    this.#readers = plan.columns.map((column) => new ColumnReader(column));
    this.#memory = new BlockMemory(
      plan,
      kernels,
      this.#readers.map(({ form }) => form),
    );
    this.#columnOfCell = new Int32Array(plan.nCells).fill(-1);
    for (const [i, column] of plan.columns.entries()) this.#columnOfCell[column.cell] = i;
  }

  /** The columns of a block that ends with a line end, in `spare` where they fit; null where it is irregular. */
  parse(block: Buffer, spare: ArrayBuffer | null = null): Block | null {
    const placed = this.#memory.open(block);
    if (placed === null) return null;
    const { bytes, start, nLines, places } = placed;
    this.#bytes = bytes;
    this.#badCells = [];
    this.#badRows = this.#readers.map(() => []);
    this.#usesReturns = -1;
    for (const [i, reader] of this.#readers.entries()) reader.open(bytes, places[i]!);
    const lines: number[] = [];
    const nRows = this.#parseRecords(start, lines, nLines);
    if (nRows < 0) return null;
    const room = new ColumnRoom(nRows, this.#readers.length, spare);
    return {
      nRows,
      nLines,
      columns: this.#readers.map((reader) => reader.finish(nRows, room)),
      memory: room.buffer,
      lineEnd: this.#usesReturns === 1 ? "\r\n" : "\n",
      lines,
      badCells: this.#badCells,
      badRows: this.#badRows,
    };
  }

  /** The number of rows, -1 where a record is irregular: runs of plain records by the kernels, the others one by one. */
  #parseRecords(start: number, lines: number[], nLines: number): number {
    const { nCells } = this.plan;
    const bytes = this.#bytes;
    let [row, line, offset] = [0, 0, -1];
    for (let i = start; i < bytes.length;) {
      // What ends lines is known from the first one.
      const nFound = this.#usesReturns < 0 ? 0 : this.#memory.findRecords(i, bytes.length, this.#usesReturns);
      const isBlank = nCells > 1 && (bytes[i] === newline || bytes[i] === carriageReturn);
      if (!isBlank && line - row !== offset) lines.push(row, line);
      if (!isBlank) offset = line - row;
      if (nFound > 0) {
        if (!this.#readFound(row, nFound)) return -1;
        i = this.#memory.endOf(nFound * nCells - 1) + 1;
        row += nFound;
        line += nFound;
        continue;
      }
      const nInnerLines = isBlank ? 0 : this.#readRecord(i, row);
      i = nInnerLines < 0 ? -1 : this.#endLine(isBlank ? i : this.#cellEnd);
      if (i < 0) return -1;
      line += 1 + nInnerLines;
      if (!isBlank) ++row;
    }
    return line === nLines ? row : -1;
  }

  /** Reads the records that were found, from `row` on; false where one is irregular. */
  #readFound(row: number, n: number): boolean {
    const { nCells } = this.plan;
    const bad: Bad[] = [];
    for (const [i, { cell }] of this.plan.columns.entries()) {
      const nLeft = this.#memory.readColumn(i, row, n);
      for (let k = 0; k < nLeft; ++k) {
        const left = this.#memory.leftRow(k);
        const position = (left - row) * nCells + cell;
        if (!this.#findCell(this.#memory.endOf(position - 1) + 1)) return false;
        this.#readCell(i, left, bad);
      }
    }
    this.#note(bad);
    return true;
  }

  /** Reads the cells of one record; how many of its line ends stand within cells, -1 where it is irregular. */
  #readRecord(start: number, row: number): number {
    const { nCells } = this.plan;
    const delimiter = this.plan.delimiter.charCodeAt(0);
    const bad: Bad[] = [];
    let nInnerLines = 0;
    for (let cell = 0, i = start; cell < nCells; ++cell, i = this.#cellEnd + 1) {
      if (!this.#findCell(i)) return -1;
      if ((this.#bytes[this.#cellEnd] === delimiter) !== cell + 1 < nCells) return -1;
      nInnerLines += this.#nInnerLines;
      const column = this.#columnOfCell[cell]!;
      if (column >= 0) this.#readCell(column, row, bad);
    }
    this.#note(bad);
    return nInnerLines;
  }

  /** The position after a line end of the kind the block began with; -1 where it is another one. */
  #endLine(at: number): number {
    const usesReturns = this.#bytes[at] === carriageReturn ? 1 : 0;
    if (usesReturns === 1 && this.#bytes[at + 1] !== newline) return -1;
    if (this.#usesReturns < 0) this.#usesReturns = usesReturns;
    return this.#usesReturns === usesReturns ? at + 1 + usesReturns : -1;
  }

  /** Reads the cell that was found as one of a column. */
  #readCell(column: number, row: number, bad: Bad[]): void {
    const [start, end] = [this.#contentStart, this.#contentEnd];
    if (!this.#readers[column]!.read(row, start, end)) bad.push({ column, row, start, end });
  }

  /** Finds a cell and its content; false where a quote stands where none should. */
  #findCell(start: number): boolean {
    const bytes = this.#bytes;
    const ends = this.#ends;
    this.#nInnerLines = 0;
    let i = start;
    if (!this.plan.quotes || bytes[i] !== quote) {
      while (bytes[i] === space) ++i;
      // Behind blanks a quote is left to the slow way.
      if (this.plan.quotes && i > start && bytes[i] === quote) return false;
      while (ends[bytes[i]!] === 0) ++i;
      this.#contentStart = start;
      this.#contentEnd = this.#cellEnd = i;
      return true;
    }
    let to = ++i;
    this.#contentStart = i;
    for (; i < bytes.length; ++i) {
      const byte = bytes[i]!;
      if (byte === newline) ++this.#nInnerLines;
      if (byte === quote) {
        if (bytes[i + 1] !== quote) break;
        ++i;
      }
      bytes[to++] = byte;
    }
    // What follows the content is never taken for a part of it.
    bytes[to] = quote;
    this.#contentEnd = to;
    this.#cellEnd = i + 1;
    return i + 1 < bytes.length && ends[bytes[i + 1]!] === 1;
  }

  /** Cells of some rows, those of later rows coming later. */
  #note(bad: readonly Bad[]): void {
    for (const { column, row } of bad) this.#badRows[column]!.push(row);
    if (this.#badCells.length >= mostBadCells) return;
    const inOrder = bad.toSorted((a, b) => a.row - b.row || a.column - b.column);
    for (const { column, row, start, end } of inOrder.slice(0, mostBadCells - this.#badCells.length)) {
      const text = this.#bytes.toString("utf8", start, Math.min(end, start + 4 * longestShown));
      this.#badCells.push({ column, row, text: Array.from(text).slice(0, longestShown).join("") });
    }
  }
}

/** A cell that is not of its column's kind, by its place in the memory. */
interface Bad {
  readonly column: number;
  readonly row: number;
  readonly start: number;
  readonly end: number;
}

function endsOf(byte: number): Uint8Array {
  const ends = new Uint8Array(256);
  ends[byte] = ends[newline] = ends[carriageReturn] = 1;
  return ends;
}
