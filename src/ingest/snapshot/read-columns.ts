import { type ColumnData, type Kind, missingCode } from "../../frame/column.ts";
import { compareCodePoints } from "../../query/text-dictionary.ts";
import { stretch } from "../../math/stretch.ts";
import type { BlockColumn } from "../delimited/block.ts";
import type { ColumnValues } from "./chunk-columns.ts";
import type { SnapshotFile, WantedColumn } from "./snapshot-file.ts";

type Of<K extends "category" | "text"> = Extract<BlockColumn, { readonly kind: K }>;

/** Whole columns of a snapshot, rows in file order; levels are those that occur, sorted by code point. */
export function readColumns(file: SnapshotFile, wanted: readonly WantedColumn[]): Promise<ColumnData[]> {
  return gatherFrom(file, [...file.groups.keys()], wanted);
}

/** Columns of one row group alone. */
export function readGroup(file: SnapshotFile, group: number, wanted: readonly WantedColumn[]): Promise<ColumnData[]> {
  return gatherFrom(file, [group], wanted);
}

async function gatherFrom(
  file: SnapshotFile,
  groups: readonly number[],
  wanted: readonly WantedColumn[],
): Promise<ColumnData[]> {
  const sizes = groups.map((group) => file.groups[group]!.nRows);
  const gathered = gather(sizes, wanted);
  let asked = gathered.next();
  for (const group of groups) asked = gathered.next(await file.read(group, asked.value as readonly WantedColumn[]));
  return asked.value as ColumnData[];
}

/**
 * Puts row groups of these sizes one after the other. For each it yields the columns with the room their values are to stand
 * in, and is given them as read.
 */
export function* gather(
  sizes: readonly number[],
  wanted: readonly WantedColumn[],
): Generator<readonly WantedColumn[], ColumnData[], readonly BlockColumn[]> {
  const nRows = sizes.reduce((sum, size) => sum + size, 0);
  const gatherers = wanted.map(({ kind }) => openGatherer(kind, nRows));
  let offset = 0;
  for (const count of sizes) {
    const columns = yield wanted.map((one, i) => ({ ...one, room: gatherers[i]!.room(offset, count) }));
    for (const [i, column] of columns.entries()) gatherers[i]!.add(column, offset, count);
    offset += count;
  }
  return gatherers.map((gatherer) => gatherer.finish());
}

interface Gatherer {
  /** Where the values of these rows are to stand; null where that is not known before. */
  room(offset: number, nRows: number): ColumnValues | null;
  add(column: BlockColumn, offset: number, nRows: number): void;
  finish(): ColumnData;
}

function openGatherer(kind: Kind, nRows: number): Gatherer {
  switch (kind) {
    case "number":
    case "timestamp": {
      const values = new Float64Array(nRows);
      return {
        room: (offset, count) => values.subarray(offset, offset + count),
        add: () => {},
        finish: () => ({ kind, values }),
      };
    }
    case "boolean": {
      const values = new Uint8Array(nRows);
      return {
        room: (offset, count) => values.subarray(offset, offset + count),
        add: () => {},
        finish: () => ({ kind, values }),
      };
    }
    case "category":
      return gatherLevels(nRows);
    case "text":
      return gatherTexts();
  }
}

/** Each group has codes of its own until all levels are known. */
function gatherLevels(nRows: number): Gatherer {
  const all = new Int32Array(nRows);
  const known = new Map<string, number>();
  const texts: string[] = [];
  const groups: { readonly codes: Int32Array; readonly known: Int32Array }[] = [];
  return {
    room: (offset, count) => all.subarray(offset, offset + count),
    add(column, offset, count) {
      const { levels } = column as Of<"category">;
      const own = new Int32Array(levels.length);
      for (let i = 0; i < levels.length; ++i) {
        const level = levels[i]!;
        const code = known.get(level) ?? texts.push(level) - 1;
        known.set(level, code);
        own[i] = code;
      }
      groups.push({ codes: all.subarray(offset, offset + count), known: own });
    },
    finish() {
      const { levels, places } = inOrder(texts);
      for (const group of groups)
        recode(
          group.codes,
          group.known.map((code) => places[code]!),
        );
      return { kind: "category", codes: all, levels };
    },
  };
}

/** Levels sorted by code point, and the place of each. */
export function inOrder(texts: readonly string[]): { readonly levels: readonly string[]; readonly places: Int32Array } {
  const order = texts.map((_, code) => code).sort((a, b) => compareCodePoints(texts[a]!, texts[b]!));
  const places = new Int32Array(order.length);
  for (let i = 0; i < order.length; ++i) places[order[i]!] = i;
  return { levels: order.map((code) => texts[code]!), places };
}

/** Codes in place become `places`; that of a missing level, -1, stays. */
export function recode(codes: Int32Array, places: Int32Array): void {
  const newCodes = new Int32Array(places.length + 1);
  newCodes[0] = missingCode;
  newCodes.set(places, 1);
  for (let from = 0; from < codes.length; from += stretch) recodeSome(codes.subarray(from, from + stretch), newCodes);
}

/** Codes are looked up one place further. */
function recodeSome(codes: Int32Array, newCodes: Int32Array): void {
  for (let i = 0, n = codes.length; i < n; ++i) codes[i] = newCodes[codes[i]! + 1]!;
}

function gatherTexts(): Gatherer {
  const values: (string | null)[] = [];
  return {
    room: () => null,
    add: (column, _offset, count) => addTexts(column as Of<"text">, count, values),
    finish: () => ({ kind: "text", values }),
  };
}

/** Adds the first texts of some to others; an empty one is missing. */
export function addTexts({ ends, bytes }: Of<"text">, count: number, values: (string | null)[]): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let row = 0, start = 0; row < count; start = ends[row++]!)
    values.push(ends[row] === start ? null : buffer.toString("utf8", start, ends[row]));
}
