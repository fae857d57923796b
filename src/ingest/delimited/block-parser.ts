import { isUtf8 } from "node:buffer";
import type { BadCell, Block, BlockPlan } from "./block.ts";
import { BlockMemory } from "./block-memory.ts";
import { ColumnReader } from "./column-reader.ts";

const quote = 0x22;
const newline = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;

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

  constructor(plan: BlockPlan) {
    this.plan = plan;
    this.#ends = endsOf(plan.delimiter.charCodeAt(0));
    this.#readers = plan.columns.map((column) => new ColumnReader(column));
    this.#memory = new BlockMemory(
      plan,
      this.#readers.map(({ form }) => form),
    );
    this.#columnOfCell = new Int32Array(plan.nCells).fill(-1);
    for (const [i, column] of plan.columns.entries()) this.#columnOfCell[column.cell] = i;
  }

  /** The columns of a block that ends with a line end; null where it is irregular. */
  parse(block: Buffer): Block | null {
    if (block.includes(0) || !isUtf8(block)) return null;
    const nLines = countLines(block);
    // A record has a byte for each cell at least; of blank lines there may be many.
    const mostRows = Math.min(nLines, Math.floor(block.length / this.plan.nCells));
    const { bytes, start, places } = this.#memory.open(block, mostRows);
    this.#bytes = bytes;
    this.#badCells = [];
    this.#badRows = this.#readers.map(() => []);
    this.#usesReturns = -1;
    for (const [i, reader] of this.#readers.entries()) reader.open(bytes, places[i]!);
    const lines: number[] = [];
    const nRows = this.#parseRecords(start, lines, nLines);
    if (nRows < 0) return null;
    return {
      nRows,
      nLines,
      columns: this.#readers.map((reader) => reader.finish(nRows)),
      lineEnd: this.#usesReturns === 1 ? "\r\n" : "\n",
      lines,
      badCells: this.#badCells,
      badRows: this.#badRows,
    };
  }

  /**
   * The number of rows, -1 where a record is irregular. The kernel reads cells one after the other, and a cell that it
   * leaves is read here. It counts no lines within cells: behind such a cell the record is read here to its end.
   */
  #parseRecords(start: number, lines: number[], nLines: number): number {
    const { nCells } = this.plan;
    const delimiter = this.plan.delimiter.charCodeAt(0);
    const bytes = this.#bytes;
    const memory = this.#memory;
    const end = bytes.length;
    let [row, line, cell, offset] = [0, 0, 0, -1];
    let isBroken = false;
    for (let i = start; i < end;) {
      if (cell === 0) {
        if (nCells > 1 && (bytes[i] === newline || bytes[i] === carriageReturn)) {
          i = this.#endLine(i);
          if (i < 0) return -1;
          ++line;
          continue;
        }
        if (line - row !== offset) lines.push(row, line);
        offset = line - row;
        isBroken = false;
      }
      if (this.#usesReturns >= 0 && !isBroken) {
        i = memory.run(i, row, cell, end, this.#usesReturns);
        line += memory.row - row;
        row = memory.row;
        cell = memory.cell;
        if (i === end || (cell === 0 && nCells > 1 && (bytes[i] === newline || bytes[i] === carriageReturn))) continue;
      }
      if (!this.#findCell(i)) return -1;
      i = this.#cellEnd;
      line += this.#nInnerLines;
      isBroken ||= this.#nInnerLines > 0;
      this.#readCell(cell, row);
      if (bytes[i] === delimiter) {
        if (++cell === nCells) return -1;
        ++i;
        continue;
      }
      if (cell + 1 !== nCells) return -1;
      i = this.#endLine(i);
      if (i < 0) return -1;
      ++row;
      ++line;
      cell = 0;
    }
    return line === nLines ? row : -1;
  }

  /** The position after a line end of the kind the block began with; -1 where it is another one. */
  #endLine(at: number): number {
    const usesReturns = this.#bytes[at] === carriageReturn ? 1 : 0;
    if (usesReturns === 1 && this.#bytes[at + 1] !== newline) return -1;
    if (this.#usesReturns < 0) this.#usesReturns = usesReturns;
    return this.#usesReturns === usesReturns ? at + 1 + usesReturns : -1;
  }

  /** Reads the cell that was found, where it is one of a column. */
  #readCell(cell: number, row: number): void {
    const column = this.#columnOfCell[cell]!;
    if (column < 0) return;
    const [start, end] = [this.#contentStart, this.#contentEnd];
    if (!this.#readers[column]!.read(row, start, end)) this.#noteBad(column, row, start, end);
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

  #noteBad(column: number, row: number, start: number, end: number): void {
    this.#badRows[column]!.push(row);
    if (this.#badCells.length >= mostBadCells) return;
    const text = this.#bytes.toString("utf8", start, Math.min(end, start + 4 * longestShown));
    this.#badCells.push({ column, row, text: Array.from(text).slice(0, longestShown).join("") });
  }
}

function endsOf(byte: number): Uint8Array {
  const ends = new Uint8Array(256);
  ends[byte] = ends[newline] = ends[carriageReturn] = 1;
  return ends;
}

function countLines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) ++count;
  return count;
}
