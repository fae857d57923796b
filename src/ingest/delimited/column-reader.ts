import { trimBlanks } from "../../frame/blanks.ts";
import { type Kind, missingBoolean, missingCode } from "../../frame/column.ts";
import type { BlockColumn, PlannedColumn } from "./block.ts";
import type { CellPlaces, KernelColumn } from "./block-memory.ts";
import type { ColumnRoom } from "./column-room.ts";
import { instantOf, isMissingText, numberOf, truthOf } from "./cell-values.ts";

const textReaders = { number: numberOf, boolean: truthOf, timestamp: instantOf } as const;

/** Reads the cells of one column that the kernel leaves, and makes the column of a block of both. */
export class ColumnReader {
  readonly #kind: Kind;
  readonly #missing: readonly string[];
  #bytes: Buffer = Buffer.alloc(0);
  #places!: CellPlaces;

  constructor({ kind, missing }: PlannedColumn) {
    this.#kind = kind;
    this.#missing = missing;
  }

  /** How the kernel reads the column: own texts for "missing" that would be values otherwise are left. */
  get form(): KernelColumn {
    const kind = this.#kind;
    if (kind === "category") return { form: "level", left: [] };
    if (kind === "text") return { form: "span", left: [] };
    const left = this.#missing.map(textReaders[kind]).filter((value) => !Number.isNaN(value));
    return { form: kind, left: kind === "boolean" ? left.filter((value) => value !== missingBoolean) : left };
  }

  /** Starts on a block in memory. */
  open(bytes: Buffer, places: CellPlaces): void {
    this.#bytes = bytes;
    this.#places = places;
  }

  /** Reads the cell from `start` to `end` of the memory; false where it is not of the column's kind. */
  read(row: number, start: number, end: number): boolean {
    const kind = this.#kind;
    if (kind === "category") {
      this.#places.codes[row] = start === end ? missingCode : this.#places.levels!.codeOf(start, end);
      return true;
    }
    if (kind === "text") {
      this.#places.starts[row] = start;
      this.#places.ends[row] = end;
      return true;
    }
    const text = this.#bytes.toString("utf8", start, end);
    const isMissing = isMissingText(text, this.#missing);
    const value = isMissing ? NaN : textReaders[kind](text);
    if (kind === "boolean") this.#places.truths[row] = isMissing ? missingBoolean : value;
    else this.#places.numbers[row] = value;
    return isMissing || (kind === "boolean" ? value !== missingBoolean : !Number.isNaN(value));
  }

  /** The column of the first `nRows` rows of the block, copied out: the bytes of texts to memory of their own. */
  finish(nRows: number, room: ColumnRoom): BlockColumn {
    switch (this.#kind) {
      case "number":
      case "timestamp":
        return { kind: this.#kind, values: room.doubles(this.#places.numbers.subarray(0, nRows)) };
      case "boolean":
        return { kind: "boolean", values: room.bytes(this.#places.truths.subarray(0, nRows)) };
      case "category":
        return this.#finishLevels(nRows, room);
      case "text":
        return this.#finishTexts(nRows, room);
    }
  }

  #finishLevels(nRows: number, room: ColumnRoom): BlockColumn {
    const codes = room.codes(this.#places.codes.subarray(0, nRows));
    const levels = this.#places.levels!.texts(this.#bytes);
    if (this.#missing.length > 0) {
      const isMissing = levels.map((text) => this.#missing.includes(trimBlanks(text)));
      if (isMissing.includes(true))
        for (let row = 0; row < nRows; ++row) if (codes[row]! >= 0 && isMissing[codes[row]!]) codes[row] = missingCode;
    }
    return { kind: "category", codes, levels };
  }

  #finishTexts(nRows: number, room: ColumnRoom): BlockColumn {
    const { starts } = this.#places;
    const ends = room.codes(this.#places.ends.subarray(0, nRows));
    let nBytes = 0;
    for (let row = 0; row < nRows; ++row) nBytes += ends[row]! - starts[row]!;
    const bytes = new Uint8Array(nBytes);
    let length = 0;
    for (let row = 0; row < nRows; ++row) {
      const start = starts[row]!;
      const end = ends[row]!;
      if (this.#missing.length === 0 || !this.#missing.includes(trimBlanks(this.#bytes.toString("utf8", start, end)))) {
        this.#bytes.copy(bytes, length, start, end);
        length += end - start;
      }
      ends[row] = length;
    }
    return { kind: "text", ends, bytes };
  }
}
