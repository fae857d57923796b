import { isUtf8 } from "node:buffer";
import type { BadCell, Block, BlockPlan } from "./block.ts";
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
  /** By cell of a record: which column it is, or -1. */
  readonly #columnOfCell: Int32Array;
  #badCells: BadCell[] = [];
  #badRows: number[][] = [];
  #bytes: Buffer = Buffer.alloc(0);
  #usesReturns = -1;
  /** The cell that was found last. */
  #isQuoted = false;
  #cellEnd = 0;
  #contentStart = 0;
  #contentEnd = 0;
  #nInnerLines = 0;

  constructor(plan: BlockPlan) {
    this.plan = plan;
    this.#ends = endsOf(plan.delimiter.charCodeAt(0));
    this.#readers = plan.columns.map((column) => new ColumnReader(column));
    this.#columnOfCell = new Int32Array(plan.nCells).fill(-1);
    for (const [i, column] of plan.columns.entries()) this.#columnOfCell[column.cell] = i;
  }

  /**
   * The columns of a block that ends with a line end; null where it is irregular. Cells with doubled quotes are unquoted
   * in place, so the bytes are not to be used after.
   */
  parse(bytes: Buffer): Block | null {
    if (bytes.includes(0) || !isUtf8(bytes)) return null;
    const nLines = countLines(bytes);
    this.#bytes = bytes;
    this.#badCells = [];
    this.#badRows = this.#readers.map(() => []);
    this.#usesReturns = -1;
    for (const reader of this.#readers) reader.open(bytes, nLines);
    const lines: number[] = [];
    const nRows = this.#parseRecords(lines, nLines);
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

  /** The number of rows, -1 where a record is irregular. The end of a plain cell is sought here, that of a quoted one apart. */
  #parseRecords(lines: number[], nLines: number): number {
    const { nCells } = this.plan;
    const delimiter = this.plan.delimiter.charCodeAt(0);
    const opening = this.plan.quotes ? quote : -1;
    const bytes = this.#bytes;
    const columnOfCell = this.#columnOfCell;
    const ends = this.#ends;
    const readers = this.#readers;
    const length = bytes.length;
    let row = 0;
    let line = 0;
    let offset = -1;
    let i = 0;
    while (i < length) {
      if (nCells > 1 && (bytes[i] === newline || bytes[i] === carriageReturn)) {
        i = this.#endLine(i);
        if (i < 0) return -1;
        ++line;
        continue;
      }
      if (line - row !== offset) lines.push(row, line);
      offset = line - row;
      for (let cell = 0; ; ++cell) {
        const column = columnOfCell[cell]!;
        const first = bytes[i]!;
        const isOdd = first === opening || (first === space && opening === quote);
        const end = isOdd || column < 0 ? -1 : readers[column]!.readPlain(row, i, ends);
        if (end >= 0 && ends[bytes[end]!] === 1) i = end;
        else {
          if (!this.#findCell(i, isOdd)) return -1;
          i = this.#cellEnd;
          line += this.#nInnerLines;
          if (column >= 0) this.#readCell(column, row);
        }
        if (bytes[i] === delimiter) {
          if (cell + 1 === nCells) return -1;
          ++i;
          continue;
        }
        if (cell + 1 !== nCells) return -1;
        break;
      }
      i = this.#endLine(i);
      if (i < 0) return -1;
      ++row;
      ++line;
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

  /** Reads the cell that was found, quoted or of a form that is not plain. */
  #readCell(column: number, row: number): void {
    const reader = this.#readers[column]!;
    const start = this.#contentStart;
    const end = this.#contentEnd;
    if (this.#isQuoted && start < end && reader.readPlain(row, start, quoteEnds) === end) return;
    if (!reader.read(row, start, end)) this.#noteBad(column, row, start, end);
  }

  /** Finds a cell and its content; false where a quote stands where none should. `isOdd`: it may begin with a quote. */
  #findCell(start: number, isOdd: boolean): boolean {
    const bytes = this.#bytes;
    const ends = this.#ends;
    this.#nInnerLines = 0;
    let i = start;
    this.#isQuoted = isOdd && bytes[i] === quote;
    if (!this.#isQuoted) {
      while (bytes[i] === space) ++i;
      if (isOdd && bytes[i] === quote) return false;
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

const quoteEnds = endsOf(quote);

function countLines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) ++count;
  return count;
}
