import { type ColumnData, type Kind, missingCode } from "../../frame/column.ts";
import { stretch } from "../../math/stretch.ts";
import { addTexts, inOrder, recode } from "../snapshot/read-columns.ts";
import type { BlockColumn } from "./block.ts";

type Of<K extends Kind> = Extract<BlockColumn, { readonly kind: K }>;

/** One column of all rows so far. */
interface HeldColumn {
  /** Makes room for so many rows. */
  reserve(capacity: number): void;
  add(column: BlockColumn, at: number, nRows: number): void;
  finish(nRows: number): ColumnData;
}

/**
 * The columns of blocks, one after the other, while these are written to a snapshot: bit for bit those that reading it gives.
 */
export class HeldColumns {
  readonly #mostRows: number;
  #columns: readonly HeldColumn[] | null;
  #nRows = 0;
  #capacity = 0;

  /** Of more than `mostRows` nothing is held. */
  constructor(kinds: readonly Kind[], mostRows: number) {
    this.#mostRows = mostRows;
    this.#columns = kinds.map(openColumn);
  }

  /** Adds a block's rows; `nExpected`: about so many there will be in all. */
  add(columns: readonly BlockColumn[], nRows: number, nExpected: number): void {
    if (this.#columns === null) return;
    const [at, end] = [this.#nRows, this.#nRows + nRows];
    if (end > this.#mostRows) {
      this.#columns = null;
      return;
    }
    if (end > this.#capacity) {
      // Memory that is never written to is none.
      this.#capacity = Math.min(this.#mostRows, Math.ceil(Math.max(1.05 * nExpected, 1.25 * end)));
      for (const held of this.#columns) held.reserve(this.#capacity);
    }
    for (const [i, held] of this.#columns.entries()) held.add(columns[i]!, at, nRows);
    this.#nRows = end;
  }

  /** null where there were too many rows. */
  finish(): readonly ColumnData[] | null {
    return this.#columns?.map((held) => held.finish(this.#nRows)) ?? null;
  }
}

function openColumn(kind: Kind): HeldColumn {
  switch (kind) {
    case "number":
    case "timestamp":
      return openNumbers(kind);
    case "boolean":
      return openTruths();
    case "category":
      return openLevels();
    case "text":
      return openTexts();
  }
}

function openNumbers(kind: "number" | "timestamp"): HeldColumn {
  let all = new Float64Array(0);
  return {
    reserve(capacity) {
      const former = all;
      all = new Float64Array(capacity);
      all.set(former);
    },
    add(column, at, nRows) {
      const { values } = column as Of<"number" | "timestamp">;
      all.set(values.subarray(0, nRows), at);
      if (kind === "number") return;
      for (let row = at; row < at + nRows; row += stretch)
        makeWhole(all.subarray(row, Math.min(at + nRows, row + stretch)));
    },
    finish: (nRows) => ({ kind, values: all.subarray(0, nRows) }),
  };
}

/** Milliseconds as a snapshot's 64-bit integers hold them, which have no -0. */
function makeWhole(values: Float64Array): void {
  for (let i = 0, n = values.length; i < n; ++i) values[i] = Math.floor(values[i]!) + 0;
}

function openTruths(): HeldColumn {
  let all = new Uint8Array(0);
  return {
    reserve(capacity) {
      const former = all;
      all = new Uint8Array(capacity);
      all.set(former);
    },
    add: (column, at, nRows) => all.set((column as Of<"boolean">).values.subarray(0, nRows), at),
    finish: (nRows) => ({ kind: "boolean", values: all.subarray(0, nRows) }),
  };
}

/** Levels are coded in the order they come until all are known. */
function openLevels(): HeldColumn {
  let all = new Int32Array(0);
  const known = new Map<string, number>();
  return {
    reserve(capacity) {
      const former = all;
      all = new Int32Array(capacity);
      all.set(former);
    },
    add(column, at, nRows) {
      const { codes, levels } = column as Of<"category">;
      const own = all.subarray(at, at + nRows);
      own.set(codes.subarray(0, nRows));
      const isUsed = new Uint8Array(levels.length);
      for (let row = 0; row < nRows; row += stretch) markUsed(own.subarray(row, row + stretch), isUsed);
      const places = Int32Array.from(levels, (level, i) => (isUsed[i] === 1 ? codeOf(level, known) : missingCode));
      recode(own, places);
    },
    finish(nRows) {
      const { levels, places } = inOrder([...known.keys()]);
      const codes = all.subarray(0, nRows);
      recode(codes, places);
      return { kind: "category", codes, levels };
    },
  };
}

function markUsed(codes: Int32Array, isUsed: Uint8Array): void {
  for (let i = 0, n = codes.length; i < n; ++i) if (codes[i]! >= 0) isUsed[codes[i]!] = 1;
}

function codeOf(level: string, known: Map<string, number>): number {
  const code = known.get(level) ?? known.size;
  known.set(level, code);
  return code;
}

function openTexts(): HeldColumn {
  const values: (string | null)[] = [];
  return {
    reserve() {},
    add: (column, _at, nRows) => addTexts(column as Of<"text">, nRows, values),
    finish: () => ({ kind: "text", values }),
  };
}
