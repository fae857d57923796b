import { readFile } from "node:fs/promises";
import zlib from "node:zlib";
import type { Column, DataType, Table } from "@uwdata/flechette";
import { largestGrowth } from "../byte-stream.ts";
import { type Cell, type CellColumn, type CellRows, writeCells } from "../parts/cells-file.ts";
import { unpackLz4 } from "./lz4.ts";

/** Why a file is no Arrow data, or none that can be read. */
export class ArrowFault extends Error {}

const magic = Buffer.from("ARROW1");
const endOfStream = Buffer.from([255, 255, 255, 255, 0, 0, 0, 0]);
const batchRows = 2_000;
/** What the buffers of any file may unpack to; beyond that they must be in proportion to its size. */
const freeBytes = 1 << 27;

/** Writes the rows of an Arrow file (IPC file, also called Feather, or stream) as cells. Throws ArrowFault. */
export async function decodeArrow(path: string, output: string, signal?: AbortSignal): Promise<void> {
  const bytes = await readFile(path);
  requireWhole(bytes);
  const table = await faultOf(() => tableOf(bytes));
  // Columns without buffers may claim any number of rows.
  if (table.numRows > 1_000_000 + 64 * bytes.length) throw new ArrowFault(`it claims to hold ${table.numRows} rows`);
  const rows = await faultOf(async () => rowsOf(table));
  await faultOf(async () => writeCells(output, path, rows, signal));
}

async function faultOf<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isOurs =
      error instanceof ArrowFault ||
      (error instanceof Error && "code" in error && !String(error.code).startsWith("ERR_"));
    if (isOurs) throw error;
    throw new ArrowFault(`it is damaged: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Both forms have an end; without it, batches may be missing unseen. */
function requireWhole(bytes: Buffer): void {
  const isFile = bytes.subarray(0, 6).equals(magic);
  const end = isFile ? bytes.subarray(-6).equals(magic) : bytes.subarray(-8).equals(endOfStream);
  if (end && bytes.length >= 16) return;
  if (isFile) throw new ArrowFault("it is cut off: its end is not that of an Arrow file");
  throw new ArrowFault("it is no Arrow file, or a stream that is cut off");
}

async function tableOf(bytes: Buffer): Promise<Table> {
  const { CompressionType, setCompressionCodec, tableFromIPC } = await import("@uwdata/flechette");
  let nUnpacked = 0;
  const codecOf = (unpack: (packed: Uint8Array, size: number) => Uint8Array) => ({
    encode: (): Uint8Array => new Uint8Array(0),
    decode: (packed: Uint8Array, size?: number): Uint8Array => {
      nUnpacked += size ?? Infinity;
      if (size === undefined || size < 0 || nUnpacked > largestGrowth * bytes.length + freeBytes)
        throw new ArrowFault(`it unpacks to more than ${largestGrowth} times its size`);
      return unpack(packed, size);
    },
  });
  setCompressionCodec(CompressionType.LZ4_FRAME, codecOf(unpackLz4));
  setCompressionCodec(CompressionType.ZSTD, codecOf(unpackZstd));
  // The platform's buffer may share its memory with others, at an offset no typed array may begin at.
  const own = new Uint8Array(bytes.byteLength);
  own.set(bytes);
  return tableFromIPC(own, { useBigInt: true, useBigIntTimestamp: true, useDecimalInt: true });
}

function unpackZstd(packed: Uint8Array, size: number): Uint8Array {
  const unpack = (
    zlib as unknown as {
      readonly zstdDecompressSync?: (packed: Uint8Array, options: { maxOutputLength: number }) => Buffer;
    }
  ).zstdDecompressSync;
  if (!unpack)
    throw new ArrowFault(`Node ${process.versions.node} cannot unpack zstd (22.15 and newer can); pack it with lz4`);
  const bytes = unpack(packed, { maxOutputLength: Math.max(1, size) });
  if (bytes.length !== size) throw new ArrowFault(`a buffer holds ${bytes.length} bytes and says ${size}`);
  return new Uint8Array(bytes);
}

function rowsOf(table: Table): CellRows {
  const { fields } = table.schema;
  const columns = fields.map(({ name, type }) => columnOf(name, type));
  const read = fields.flatMap((_, i) => (columns[i]!.refused === undefined ? [i] : []));
  const vectors = fields.map((_, i) => table.getChildAt(i) as Column<unknown>);
  for (const i of read) requireSound(fields[i]!.name, vectors[i]!, table.numRows);
  return {
    columns,
    batches: batchesOf(
      table.numRows,
      columns.length,
      read,
      vectors,
      fields.map(({ type }) => type),
    ),
  };
}

async function* batchesOf(
  nRows: number,
  nColumns: number,
  read: readonly number[],
  vectors: readonly Column<unknown>[],
  types: readonly DataType[],
): AsyncGenerator<readonly (readonly Cell[])[]> {
  const texts = types.map(textOf);
  // Values come in the order of rows: a column's iterator need not look for the batch a row is in.
  const iterators = vectors.map((vector) => vector[Symbol.iterator]());
  for (let start = 0; start < nRows; start += batchRows) {
    const batch: Cell[][] = [];
    for (let row = start; row < Math.min(nRows, start + batchRows); ++row) {
      const cells = Array.from({ length: nColumns }, (): Cell => null);
      for (const i of read) {
        const { value, done } = iterators[i]!.next();
        if (done === true || value === undefined)
          throw new ArrowFault(`row ${row + 1} has no value in column ${i + 1}`);
        if (value !== null) cells[i] = texts[i]!(value);
      }
      batch.push(cells);
    }
    yield batch;
  }
}

/** A damaged buffer can be read beyond its end without an error: lengths and offsets are judged before. */
function requireSound(name: string, column: Column<unknown>, nRows: number): void {
  let length = 0;
  for (const batch of column.data) {
    length += batch.length;
    const { offsets, values } = batch as {
      readonly offsets?: ArrayLike<number | bigint>;
      readonly values?: Uint8Array;
    };
    if (!(offsets && values instanceof Uint8Array && batch.length > 0)) continue;
    let before = Number(offsets[0]);
    for (let i = 1; i <= batch.length; ++i) {
      const next = Number(offsets[i]);
      if (!(next >= before) || before < 0) throw new ArrowFault(`the offsets of "${name}" go down`);
      before = next;
    }
    if (before > values.length) throw new ArrowFault(`the texts of "${name}" are cut off`);
  }
  if (length !== nRows) throw new ArrowFault(`"${name}" has ${length} values for ${nRows} rows`);
}

/** Numbers of flechette's types (Schema.fbs). */
const ids = {
  null: 1,
  int: 2,
  float: 3,
  utf8: 5,
  bool: 6,
  decimal: 7,
  date: 8,
  timestamp: 10,
  largeUtf8: 20,
  utf8View: 24,
};
const readable: ReadonlySet<number> = new Set(Object.values(ids));
const dictionaryId = -1;

function columnOf(name: string, given: DataType): CellColumn {
  const type = valueType(given);
  if (!readable.has(type.typeId))
    return { name, type: "VARCHAR", refused: "is of an Arrow type that is neither text, number, truth nor time" };
  return { name, type: type.typeId === ids.decimal ? "DECIMAL" : "VARCHAR" };
}

function valueType(type: DataType): DataType {
  return type.typeId === dictionaryId ? (type as unknown as { readonly dictionary: DataType }).dictionary : type;
}

function textOf(given: DataType): (value: unknown) => Cell {
  const type = valueType(given) as DataType & { readonly unit?: number; readonly scale?: number };
  switch (type.typeId) {
    case ids.float:
      return (value) => (Number.isNaN(value) ? null : Object.is(value, -0) ? "-0" : String(value as number));
    case ids.decimal:
      return (value) => decimalText(BigInt(value as bigint | number), type.scale ?? 0);
    case ids.date:
      return (value) => instantText(BigInt(value as number), 1);
    case ids.timestamp:
      return (value) => instantText(value as bigint, type.unit ?? 1);
    default:
      return (value) => String(value as string | number | bigint | boolean);
  }
}

function decimalText(unscaled: bigint, scale: number): string {
  if (scale <= 0) return String(unscaled * 10n ** BigInt(-scale));
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, "0");
  return `${unscaled < 0n ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

const perSecond = [1n, 1_000n, 1_000_000n, 1_000_000_000n] as const;

/** ISO 8601 with as many digits as the unit has (0 = s, 1 = ms, 2 = us, 3 = ns); a time beyond all dates as its number. */
function instantText(value: bigint, unit: number): string {
  const ticks = perSecond[unit]!;
  const rest = ((value % ticks) + ticks) % ticks;
  const date = new Date(Number((value - rest) / ticks) * 1000);
  if (Number.isNaN(date.getTime())) return String(value);
  const whole = date.toISOString().slice(0, -5);
  return unit === 0 ? `${whole}Z` : `${whole}.${String(rest).padStart(3 * unit, "0")}Z`;
}
