import { closeSync, openSync, readSync } from "node:fs";
import { MillraceError } from "../../core/errors/error.ts";
import { type ColumnData, type Kind, missingCode } from "../../frame/column.ts";
import { type ColumnReader, lengthOf, takeFromColumn } from "../../frame/frame.ts";
import type { BlockColumn } from "../delimited/block.ts";
import { chunkRoom, createChunkMemory, damaged, decodeChunk } from "./chunk-columns.ts";
import { gather } from "./read-columns.ts";
import type { SnapshotFile, WantedColumn } from "./snapshot-file.ts";

/** A column's part in one row group; codes of a category are those of the whole column. */
interface Part {
  readonly group: number;
  readonly column: ColumnData;
}

/** What a value takes in memory; a text about. */
export const bytesOfValue: Readonly<Record<Kind, number>> = Object.freeze({
  number: 8,
  timestamp: 8,
  boolean: 1,
  category: 4,
  text: 64,
});

/** The file of a reader is closed once nobody has the reader any more. */
const opened = new FinalizationRegistry<number>(closeSync);

/**
 * Reads columns of a snapshot when they are asked for, each call anew, from the file as it was when the reader was made: its
 * name may be gone by then. What was read last stays in memory: of whole columns as many as there is room for, and of each
 * column one row group.
 */
export class SnapshotReader implements ColumnReader {
  readonly kinds: readonly Kind[];
  readonly #path: string;
  readonly #file: number;
  readonly #groups: SnapshotFile["groups"];
  readonly #wanted: readonly WantedColumn[];
  /** The first row of each group, and the number of rows. */
  readonly #starts: Uint32Array;
  readonly #memory = createChunkMemory();
  readonly #heldBytes: number;
  /** By position, the one asked for last at the end. */
  readonly #held = new Map<number, ColumnData>();
  readonly #parts = new Map<number, Part>();
  /** By position, of categories: those of the whole column. */
  readonly #levels = new Map<number, readonly string[]>();

  constructor(
    path: string,
    { groups }: Pick<SnapshotFile, "groups">,
    wanted: readonly WantedColumn[],
    heldBytes: number,
  ) {
    this.#path = path;
    this.#file = openSync(path, "r");
    opened.register(this, this.#file);
    this.kinds = wanted.map(({ kind }) => kind);
    this.#groups = groups;
    this.#wanted = wanted;
    this.#starts = new Uint32Array(groups.length + 1);
    for (const [g, { nRows }] of groups.entries()) this.#starts[g + 1] = this.#starts[g]! + nRows;
    this.#heldBytes = heldBytes;
  }

  column(index: number): ColumnData {
    const column = this.#held.get(index) ?? this.#read([...this.#groups.keys()], index);
    if (column.kind === "category" && !this.#levels.has(index)) this.#levels.set(index, column.levels);
    this.#hold(index, column);
    return column;
  }

  rows(index: number, rows: Uint32Array): ColumnData {
    const held = this.#held.get(index);
    if (held) return takeFromColumn(held, rows);
    const out = emptyColumn(this.kinds[index]!, rows.length, this.#levelsOf(index));
    for (let from = 0; from < rows.length;) {
      const group = this.#groupOf(rows[from]!);
      const [first, end] = [this.#starts[group]!, this.#starts[group + 1]!];
      let to = from + 1;
      while (to < rows.length && rows[to]! >= first && rows[to]! < end) ++to;
      copyRows(this.#part(index, group), rows.subarray(from, to), first, out, from);
      from = to;
    }
    return out;
  }

  /** Lets the oldest ones go that there is no room for; the newest stays only where there is room for it alone. */
  #hold(index: number, column: ColumnData): void {
    this.#held.delete(index);
    this.#held.set(index, column);
    let total = 0;
    for (const one of this.#held.values()) total += bytesOf(one);
    for (const [oldest, one] of this.#held) {
      if (total <= this.#heldBytes) return;
      this.#held.delete(oldest);
      total -= bytesOf(one);
    }
  }

  #groupOf(row: number): number {
    let [low, high] = [0, this.#groups.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle]! <= row) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #part(index: number, group: number): ColumnData {
    const known = this.#parts.get(index);
    if (known?.group === group) return known.column;
    const read = this.#read([group], index);
    const column = read.kind === "category" ? recoded(read, this.#levels.get(index)!) : read;
    this.#parts.set(index, { group, column });
    return column;
  }

  /** Those of the whole column, which are known once it was read. */
  #levelsOf(index: number): readonly string[] {
    if (this.kinds[index] !== "category") return [];
    if (!this.#levels.has(index)) this.column(index);
    return this.#levels.get(index)!;
  }

  #read(groups: readonly number[], index: number): ColumnData {
    const wanted = this.#wanted[index]!;
    const sizes = groups.map((group) => this.#groups[group]!.nRows);
    const gathered = gather(sizes, [wanted]);
    let asked = gathered.next();
    try {
      for (const group of groups) {
        const [{ room }] = asked.value as readonly [WantedColumn];
        asked = gathered.next([this.#readChunk(group, wanted, room)]);
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new MillraceError(
        "SOURCE_UNREADABLE",
        { path: this.#path, format: "Parquet", reason: error.message },
        { cause: error },
      );
    }
    return (asked.value as ColumnData[])[0]!;
  }

  #readChunk(group: number, { position, kind }: WantedColumn, room: WantedColumn["room"]): BlockColumn {
    const { nRows, chunks } = this.#groups[group]!;
    const { start, length } = chunks[position]!;
    const bytes = chunkRoom(this.#memory, 0, length);
    for (let done = 0; done < length;) {
      const count = readSync(this.#file, bytes, done, length - done, start + done);
      if (count === 0) throw damaged();
      done += count;
    }
    return decodeChunk(bytes, kind, nRows, room ?? null, this.#memory);
  }
}

function bytesOf(column: ColumnData): number {
  return lengthOf(column) * bytesOfValue[column.kind];
}

function emptyColumn(kind: Kind, nRows: number, levels: readonly string[]): ColumnData {
  switch (kind) {
    case "number":
    case "timestamp":
      return { kind, values: new Float64Array(nRows) };
    case "boolean":
      return { kind, values: new Uint8Array(nRows) };
    case "category":
      return { kind, codes: new Int32Array(nRows), levels };
    case "text":
      return { kind, values: [] };
  }
}

/** Writes to `out`, from `at` on, the values of `rows`, of which a part of the column begins with `first`. */
function copyRows(part: ColumnData, rows: Uint32Array, first: number, out: ColumnData, at: number): void {
  const n = rows.length;
  if (part.kind === "text") {
    const texts = (out as { readonly values: unknown }).values as (string | null)[];
    for (let i = 0; i < n; ++i) texts.push(part.values[rows[i]! - first]!);
    return;
  }
  const from = part.kind === "category" ? part.codes : part.values;
  const to = (out.kind === "category" ? out.codes : out.values) as Float64Array;
  for (let i = 0; i < n; ++i) to[at + i] = from[rows[i]! - first]!;
}

/** With the codes of `all` levels, which stand in the same order. */
function recoded(
  { codes, levels }: Extract<ColumnData, { readonly kind: "category" }>,
  all: readonly string[],
): ColumnData {
  let at = 0;
  const known = levels.map((level) => (at = all.indexOf(level, at)));
  return { kind: "category", codes: codes.map((code) => (code < 0 ? missingCode : known[code]!)), levels: all };
}
