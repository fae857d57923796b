import { trimBlanks } from "../../frame/blanks.ts";
import { type Kind, missingBoolean } from "../../frame/column.ts";
import type { BlockColumn, PlannedColumn } from "./block.ts";
import { instantOf, isMissingText, numberOf, truthOf } from "./cell-values.ts";
import { LevelTable } from "./level-table.ts";
import { readPlainInstant, readPlainNumber, readPlainTruth } from "./plain-values.ts";

const noValues = new Float64Array(0);
const noTruths = new Uint8Array(0);
const noCodes = new Int32Array(0);

const textReaders = { number: numberOf, boolean: truthOf, timestamp: instantOf } as const;

/** Collects one column of a block, cell by cell, rows in order. */
export class ColumnReader {
  readonly #kind: Kind;
  readonly #missing: readonly string[];
  /** Own texts for "missing" that would be read as values otherwise. */
  readonly #hides: ReadonlySet<number>;
  readonly #mayHide: boolean;
  readonly #levels = new LevelTable();
  #bytes: Buffer = Buffer.alloc(0);
  #values: Float64Array<ArrayBuffer> = noValues;
  #truths: Uint8Array<ArrayBuffer> = noTruths;
  #codes: Int32Array<ArrayBuffer> = noCodes;
  #starts: Int32Array<ArrayBuffer> = noCodes;
  #nTextBytes = 0;

  constructor({ kind, missing }: PlannedColumn) {
    this.#kind = kind;
    this.#missing = missing;
    const read = kind === "category" || kind === "text" ? null : textReaders[kind];
    const values = read ? missing.map(read) : [];
    this.#hides = new Set(
      values.filter((value) => !Number.isNaN(value) && (kind !== "boolean" || value !== missingBoolean)),
    );
    this.#mayHide = this.#hides.size > 0;
  }

  /** Starts on a block of at most `nRows` rows. */
  open(bytes: Buffer, nRows: number): void {
    this.#bytes = bytes;
    this.#levels.clear();
    this.#nTextBytes = 0;
    if (this.#kind === "number" || this.#kind === "timestamp") this.#values = new Float64Array(nRows);
    else if (this.#kind === "boolean") this.#truths = new Uint8Array(nRows);
    else this.#codes = new Int32Array(nRows);
    if (this.#kind === "text") this.#starts = new Int32Array(nRows);
  }

  /** Reads the cell that starts at `start` if its form is plain, and gives the position where it must end; else -1. Categories end where `ends` holds 1. */
  readPlain(row: number, start: number, ends: Uint8Array): number {
    switch (this.#kind) {
      case "number":
        return this.#hidden(this.#values, row, readPlainNumber(this.#bytes, start, this.#values, row));
      case "timestamp":
        return this.#hidden(this.#values, row, readPlainInstant(this.#bytes, start, this.#values, row));
      case "boolean":
        return this.#hidden(this.#truths, row, readPlainTruth(this.#bytes, start, this.#truths, row));
      case "category":
        return this.#levels.codeAt(this.#bytes, start, ends, this.#codes, row);
      case "text":
        return -1;
    }
  }

  /** Reads the cell from `start` to `end` of the block; false where it is not of the column's kind. */
  read(row: number, start: number, end: number): boolean {
    const bytes = this.#bytes;
    switch (this.#kind) {
      case "category":
        this.#codes[row] = start === end ? -1 : this.#levels.codeOf(bytes, start, end);
        return true;
      case "text":
        this.#nTextBytes += end - start;
        this.#starts[row] = start;
        this.#codes[row] = end;
        return true;
      default:
        if (start < end) return this.#readText(this.#kind, row, start, end);
        if (this.#kind === "boolean") this.#truths[row] = 255;
        else this.#values[row] = NaN;
        return true;
    }
  }

  /** The column of the first `nRows` rows of the block. */
  finish(nRows: number): BlockColumn {
    switch (this.#kind) {
      case "number":
      case "timestamp":
        return { kind: this.#kind, values: this.#values };
      case "boolean":
        return { kind: "boolean", values: this.#truths };
      case "category":
        return this.#finishLevels(nRows);
      case "text":
        return this.#finishTexts(nRows);
    }
  }

  /** A value that may stand for "missing" is looked at as a text. */
  #hidden(values: Float64Array | Uint8Array, row: number, end: number): number {
    return this.#mayHide && end >= 0 && this.#hides.has(values[row]!) ? -1 : end;
  }

  #readText(kind: "number" | "boolean" | "timestamp", row: number, start: number, end: number): boolean {
    const text = this.#bytes.toString("utf8", start, end);
    const isMissing = isMissingText(text, this.#missing);
    const value = isMissing ? NaN : textReaders[kind](text);
    if (kind === "boolean") this.#truths[row] = isMissing ? 255 : value;
    else this.#values[row] = value;
    return isMissing || (kind === "boolean" ? value !== 255 : !Number.isNaN(value));
  }

  #finishLevels(nRows: number): BlockColumn {
    const levels = this.#levels.texts(this.#bytes);
    const codes = this.#codes;
    if (this.#missing.length > 0) {
      const isMissing = levels.map((text) => this.#missing.includes(trimBlanks(text)));
      if (isMissing.includes(true))
        for (let row = 0; row < nRows; ++row) if (codes[row]! >= 0 && isMissing[codes[row]!]) codes[row] = -1;
    }
    return { kind: "category", codes, levels };
  }

  #finishTexts(nRows: number): BlockColumn {
    const source = this.#bytes;
    const ends = this.#codes;
    const bytes = new Uint8Array(this.#nTextBytes);
    let length = 0;
    for (let row = 0; row < nRows; ++row) {
      const start = this.#starts[row]!;
      const end = ends[row]!;
      if (this.#missing.length === 0 || !this.#missing.includes(trimBlanks(source.toString("utf8", start, end)))) {
        source.copy(bytes, length, start, end);
        length += end - start;
      }
      ends[row] = length;
    }
    return { kind: "text", ends, bytes };
  }
}
