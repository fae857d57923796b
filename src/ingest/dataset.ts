import { realpath, rm } from "node:fs/promises";
import { MillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import type { ColumnData, Kind } from "../frame/column.ts";
import type { Contract } from "../frame/contract.ts";
import { createFrame, createReadFrame, type Frame } from "../frame/frame.ts";
import type { Chunk } from "../query/chunk-reader.ts";
import { openParquet, type ParquetFile } from "../query/parquet-file.ts";
import { type QuerySession, withQuery } from "../query/session.ts";
import { writeFrame } from "./frame-writer.ts";
import { TextDictionary } from "../query/text-dictionary.ts";
import { readColumns, readGroup } from "./snapshot/read-columns.ts";
import { openSnapshot, type SnapshotFile } from "./snapshot/snapshot-file.ts";
import { bytesOfValue, SnapshotReader } from "./snapshot/snapshot-reader.ts";
import { writeSnapshot } from "./snapshot/write-frames.ts";
import { storedNames } from "./stored-names.ts";

/** Rows of a stretch, as of a row group of ours. */
export const stretchRows = 122_880;
/** Rows DuckDB gives at a time, at most. */
const largestChunk = 2_048;

/** Collects one column of some rows, chunk by chunk. */
interface ColumnSink {
  /** What to select; never missing, so that chunks are plain arrays (but for text). */
  readonly select: string;
  add(chunk: Chunk, index: number, offset: number): void;
  /** The first `nRows`. */
  finish(nRows: number): ColumnData;
}

/** How much of a dataset may be in memory. */
export interface DatasetMemory {
  /** The columns of a dataset that takes more than this, as they are in memory, are read when they are asked for. */
  readonly heldBytes: number;
  /** A new path for a file that is gone as soon as it is open. */
  temporaryPath(): string;
}

/**
 * Reads the contract's columns of a dataset (a Parquet file as {@link ingestSource} writes it), rows in file order: into
 * memory, or where that is limited and it takes more, when they are asked for. The levels of a category column are those
 * that occur, sorted by code point.
 *
 * Throws SOURCE_UNREADABLE for a damaged file and COLUMN_MISSING where it lacks a column.
 */
export async function readDataset(path: string, contract: Contract, memory?: DatasetMemory): Promise<Frame> {
  const file = await realpath(path);
  const own = await readSnapshot(file, contract, memory?.heldBytes ?? Infinity);
  return own ?? readParquet(file, path, contract, memory);
}

/** The fast way, which reads files of our own writer only. */
async function readSnapshot(file: string, contract: Contract, heldBytes: number): Promise<Frame | null> {
  return withSnapshot(file, async (snapshot) => {
    const wanted = wantedOf(snapshot, contract);
    if (bytesHeld(contract, snapshot.nRows) <= heldBytes)
      return frameOf(snapshot.nRows, contract, await readColumns(snapshot, wanted));
    snapshot.requireKinds(wanted);
    const names = contract.columns.map(({ name }) => name);
    return createReadFrame(snapshot.nRows, names, new SnapshotReader(file, snapshot, wanted, heldBytes));
  });
}

/** What these columns of so many rows take in memory. */
function bytesHeld({ columns }: Contract, nRows: number): number {
  return columns.reduce((sum, { kind }) => sum + nRows * bytesOfValue[kind], 0);
}

/** Null where another writer wrote the file. */
async function withSnapshot<Result>(
  file: string,
  use: (snapshot: SnapshotFile) => Promise<Result>,
): Promise<Result | null> {
  let snapshot: SnapshotFile | null = null;
  try {
    snapshot = await openSnapshot(file);
    return snapshot && (await use(snapshot));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const context = { path: file, format: "Parquet", reason: error.message };
    throw new MillraceError("SOURCE_UNREADABLE", context, { cause: error });
  } finally {
    await snapshot?.close();
  }
}

function wantedOf(
  { names: found }: Pick<SnapshotFile, "names">,
  { columns }: Contract,
): readonly { readonly kind: Kind; readonly position: number }[] {
  const names = storedNames(columns.map((column) => column.name));
  return columns.map(({ kind }, i) => ({ kind, position: positionOf(found, names[i]!) }));
}

function frameOf(nRows: number, { columns }: Contract, data: readonly ColumnData[]): Frame {
  return createFrame(
    nRows,
    columns.map((column, i) => [column.name, data[i]!] as const),
  );
}

function readParquet(
  file: string,
  path: string,
  contract: Contract,
  memory: DatasetMemory | undefined,
): Promise<Frame> {
  return withQuery({ files: [file] }, async (session) => {
    const parquet = await parquetOf(session, file, path);
    if (memory && bytesHeld(contract, parquet.nRows) > memory.heldBytes)
      return readCopy(session, parquet, contract, memory);
    let whole: Frame | undefined;
    await eachFrame(session, parquet, contract, parquet.nRows, (frame) => {
      whole = frame;
    });
    return whole ?? frameOf(0, contract, []);
  });
}

/** A file of another writer gives its columns one by one once it is copied as our own writer writes. */
async function readCopy(
  session: QuerySession,
  parquet: ParquetFile,
  contract: Contract,
  { heldBytes, temporaryPath }: DatasetMemory,
): Promise<Frame> {
  const copy = temporaryPath();
  try {
    await writeSnapshot(copy, contract.columns, (write) =>
      eachFrame(session, parquet, contract, stretchRows, (frame) => write(frame)),
    );
    return (await readSnapshot(copy, contract, heldBytes))!;
  } finally {
    await rm(copy, { force: true });
  }
}

async function parquetOf(session: QuerySession, file: string, path: string): Promise<ParquetFile> {
  return openParquet(session, file).catch((error: unknown) => {
    const context = { path, format: "Parquet", reason: String(error) };
    throw new MillraceError("SOURCE_UNREADABLE", context, { cause: error });
  });
}

/**
 * Gives the rows to `use` in stretches of `most`, and of what the last chunk brings along, and says how many there were. Where
 * there are more than were told, the rest is only counted.
 */
export async function eachFrame(
  session: QuerySession,
  table: Pick<ParquetFile, "names" | "nRows" | "relation">,
  contract: Contract,
  most: number,
  use: (frame: Frame) => Promise<void> | void,
): Promise<number> {
  const wanted = wantedOf(table, contract);
  const open = (capacity: number): ColumnSink[] =>
    wanted.map(({ kind, position }) => openSink(kind, position, capacity));
  let left = table.nRows;
  let sinks = open(Math.min(left, most + largestChunk));
  let nHeld = 0;
  const selected = sinks.map((sink) => sink.select).join(", ");
  const reader = await session.stream(`SELECT ${selected} FROM ${table.relation}`);
  for (let chunk = await reader.next(); chunk; chunk = await reader.next()) {
    left -= chunk.nRows;
    if (left < 0) continue;
    for (let i = 0; i < sinks.length; ++i) sinks[i]!.add(chunk, i, nHeld);
    nHeld += chunk.nRows;
    if (nHeld < most || left === 0) continue;
    await use(frameOf(nHeld, contract, finished(sinks, nHeld)));
    sinks = open(Math.min(left, most + largestChunk));
    nHeld = 0;
  }
  await use(frameOf(nHeld, contract, finished(sinks, nHeld)));
  return table.nRows - left;
}

function finished(sinks: readonly ColumnSink[], nRows: number): ColumnData[] {
  return sinks.map((sink) => sink.finish(nRows));
}

/**
 * Gives the contract's columns of a dataset that our own writer wrote to `use`, one row group after the other. Throws as
 * `readDataset` does, and SOURCE_UNREADABLE where another writer wrote the file.
 */
export async function eachGroup(
  path: string,
  contract: Contract,
  use: (frame: Frame, nRowsInAll: number) => Promise<void>,
): Promise<void> {
  const isRead = await withSnapshot(await realpath(path), async (snapshot) => {
    const wanted = wantedOf(snapshot, contract);
    for (const [g, { nRows }] of snapshot.groups.entries())
      await use(frameOf(nRows, contract, await readGroup(snapshot, g, wanted)), snapshot.nRows);
    return true;
  });
  if (isRead === null)
    throw new MillraceError("SOURCE_UNREADABLE", { path, format: "Parquet", reason: "it is no snapshot of ours" });
}

/** The structural shape of the engine's codec; the engine stands on the same floor and is not imported. */
export interface FrameCodec {
  readonly type: string;
  readonly format: number;
  write(frame: Frame, path: string): Promise<void>;
  read(path: string): Promise<Frame>;
}

/** Writes and reads frames of a contract as dataset artifacts, of which `memory` may hold so much. */
export function datasetCodec(contract: Contract, memory?: DatasetMemory): FrameCodec {
  return {
    type: "dataset",
    format: 1,
    write: (frame, path) => writeFrame(frame, contract, path),
    read: (path) => readDataset(path, contract, memory),
  };
}

function openSink(kind: Kind, position: number, capacity: number): ColumnSink {
  const source = `c${position}`;
  switch (kind) {
    case "number":
      return numberSink(kind, `coalesce(${source}::DOUBLE, 'nan'::DOUBLE)`, capacity);
    case "timestamp":
      return numberSink(kind, `coalesce(epoch_ms(${source})::DOUBLE, 'nan'::DOUBLE)`, capacity);
    case "boolean": {
      const values = new Uint8Array(capacity);
      return {
        select: `coalesce(${source}::UTINYINT, 255)::UTINYINT`,
        add: (chunk, index, offset) => values.set(chunk.numbers(index), offset),
        finish: (nRows) => ({ kind: "boolean", values: values.subarray(0, nRows) }),
      };
    }
    case "category":
      return categorySink(source, capacity);
    case "text": {
      const values: (string | null)[] = [];
      return {
        select: source,
        add(chunk, index) {
          for (const value of chunk.texts(index)) values.push(value);
        },
        finish: () => ({ kind: "text", values }),
      };
    }
  }
}

function numberSink(kind: Kind & ("number" | "timestamp"), select: string, capacity: number): ColumnSink {
  const values = new Float64Array(capacity);
  return {
    select,
    add: (chunk, index, offset) => values.set(chunk.numbers(index), offset),
    finish: (nRows) => ({ kind, values: values.subarray(0, nRows) }),
  };
}

function categorySink(source: string, capacity: number): ColumnSink {
  const dictionary = new TextDictionary();
  const codes = new Int32Array(capacity);
  return {
    select: `coalesce(${source}, '')`,
    add: (chunk, index, offset) => chunk.codes(index, dictionary, codes, offset),
    finish(nRows) {
      const { levels, newCodes } = dictionary.finish();
      for (let i = 0; i < nRows; ++i) if (codes[i]! >= 0) codes[i] = newCodes[codes[i]!]!;
      return { kind: "category", codes: codes.subarray(0, nRows), levels };
    },
  };
}

function positionOf(found: readonly string[], name: string): number {
  const position = found.indexOf(name);
  if (position >= 0) return position;
  throw new MillraceError("COLUMN_MISSING", {
    name,
    subject: "the dataset",
    found,
    nearest: nearestName(name, found),
  });
}
