import { type ColumnData, type Kind, missingCode } from "../../frame/column.ts";
import { compareCodePoints } from "../../query/text-dictionary.ts";
import type { BlockColumn } from "../delimited/block.ts";
import type { ColumnValues } from "./chunk-columns.ts";
import type { SnapshotFile } from "./snapshot-file.ts";

type Of<K extends "category" | "text"> = Extract<BlockColumn, { readonly kind: K }>;

interface WantedColumn {
  readonly position: number;
  readonly kind: Kind;
}

/** Whole columns of a snapshot, rows in file order; levels are those that occur, sorted by code point. */
export function readColumns(file: SnapshotFile, wanted: readonly WantedColumn[]): Promise<ColumnData[]> {
  return gather(file, file.groups.keys(), file.nRows, wanted);
}

/** Columns of one row group alone. */
export function readGroup(file: SnapshotFile, group: number, wanted: readonly WantedColumn[]): Promise<ColumnData[]> {
  return gather(file, [group], file.groups[group]!.nRows, wanted);
}

/** Columns of these row groups, `nRows` together. */
async function gather(
  file: SnapshotFile,
  groups: Iterable<number>,
  nRows: number,
  wanted: readonly WantedColumn[],
): Promise<ColumnData[]> {
  const gatherers = wanted.map(({ kind }) => openGatherer(kind, nRows));
  let offset = 0;
  for (const group of groups) {
    const count = file.groups[group]!.nRows;
    const rooms = wanted.map((one, i) => ({ ...one, room: gatherers[i]!.room(offset, count) }));
    const columns = await file.read(group, rooms);
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

/** Codes are looked up one place further, for that of a missing value is -1. */
function gatherLevels(nRows: number): Gatherer {
  const all = new Int32Array(nRows);
  const known = new Map<string, number>();
  const texts: string[] = [];
  return {
    room: (offset, count) => all.subarray(offset, offset + count),
    add(column, offset, count) {
      const { levels } = column as Of<"category">;
      const newCodes = new Int32Array(levels.length + 1).fill(missingCode);
      for (let i = 0; i < levels.length; ++i) {
        const level = levels[i]!;
        const code = known.get(level) ?? texts.push(level) - 1;
        known.set(level, code);
        newCodes[i + 1] = code;
      }
      for (let row = 0; row < count; ++row) all[offset + row] = newCodes[all[offset + row]! + 1]!;
    },
    finish() {
      const order = texts.map((_, code) => code).sort((a, b) => compareCodePoints(texts[a]!, texts[b]!));
      const newCodes = new Int32Array(order.length + 1).fill(missingCode);
      for (let i = 0; i < order.length; ++i) newCodes[order[i]! + 1] = i;
      for (let row = 0; row < nRows; ++row) all[row] = newCodes[all[row]! + 1]!;
      return { kind: "category", codes: all, levels: order.map((code) => texts[code]!) };
    },
  };
}

function gatherTexts(): Gatherer {
  const values: (string | null)[] = [];
  return {
    room: () => null,
    add(column, _offset, count) {
      const { ends, bytes } = column as Of<"text">;
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      for (let row = 0, start = 0; row < count; start = ends[row++]!) {
        values.push(ends[row] === start ? null : buffer.toString("utf8", start, ends[row]));
      }
    },
    finish: () => ({ kind: "text", values }),
  };
}
