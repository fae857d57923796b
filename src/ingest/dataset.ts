import { realpath } from "node:fs/promises";
import { MillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import type { ColumnData, Kind } from "../frame/column.ts";
import type { Contract } from "../frame/contract.ts";
import { createFrame, type Frame } from "../frame/frame.ts";
import type { Chunk } from "../query/chunk-reader.ts";
import { openParquet, type ParquetFile } from "../query/parquet-file.ts";
import { withQuery } from "../query/session.ts";
import { writeFrame } from "./frame-writer.ts";
import { TextDictionary } from "../query/text-dictionary.ts";
import { readColumns } from "./snapshot/read-columns.ts";
import { openSnapshot, type SnapshotFile } from "./snapshot/snapshot-file.ts";
import { storedNames } from "./stored-names.ts";

/** Collects one column of a dataset, chunk by chunk. */
interface ColumnSink {
  /** What to select; never missing, so that chunks are plain arrays (but for text). */
  readonly select: string;
  add(chunk: Chunk, index: number, offset: number): void;
  finish(): ColumnData;
}

/**
 * Reads the contract's columns of a dataset (a Parquet file as {@link ingestSource} writes it) into memory, rows in file
 * order. The levels of a category column are those that occur, sorted by code point.
 *
 * Throws SOURCE_UNREADABLE for a damaged file and COLUMN_MISSING where it lacks a column.
 */
export async function readDataset(path: string, contract: Contract): Promise<Frame> {
  const file = await realpath(path);
  return (await readSnapshot(file, contract)) ?? readParquet(file, path, contract);
}

/** The fast way, which reads files of our own writer only. */
async function readSnapshot(file: string, contract: Contract): Promise<Frame | null> {
  let snapshot: SnapshotFile | null = null;
  try {
    snapshot = await openSnapshot(file);
    if (snapshot === null) return null;
    const names = storedNames(contract.columns.map((column) => column.name));
    const { names: found, nRows } = snapshot;
    const wanted = contract.columns.map(({ kind }, i) => ({ kind, position: positionOf(found, names[i]!) }));
    const columns = await readColumns(snapshot, wanted);
    return createFrame(
      nRows,
      contract.columns.map((column, i) => [column.name, columns[i]!] as const),
    );
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const context = { path: file, format: "Parquet", reason: error.message };
    throw new MillraceError("SOURCE_UNREADABLE", context, { cause: error });
  } finally {
    await snapshot?.close();
  }
}

function readParquet(file: string, path: string, contract: Contract): Promise<Frame> {
  return withQuery({ files: [file] }, async (session) => {
    const parquet = await openParquet(session, file).catch((error: unknown) => {
      throw new MillraceError(
        "SOURCE_UNREADABLE",
        { path, format: "Parquet", reason: String(error) },
        { cause: error },
      );
    });
    const sinks: ColumnSink[] = [];
    const names = storedNames(contract.columns.map((column) => column.name));
    for (const [i, column] of contract.columns.entries()) {
      sinks.push(openSink(parquet, column.kind, positionOf(parquet.names, names[i]!)));
    }
    const reader = await session.stream(
      `SELECT ${sinks.map((sink) => sink.select).join(", ")} FROM ${parquet.relation}`,
    );
    let offset = 0;
    for (let chunk = await reader.next(); chunk; chunk = await reader.next()) {
      for (let i = 0; i < sinks.length; ++i) sinks[i]!.add(chunk, i, offset);
      offset += chunk.nRows;
    }
    return createFrame(
      parquet.nRows,
      contract.columns.map((column, i) => [column.name, sinks[i]!.finish()] as const),
    );
  });
}

/** The structural shape of the engine's codec; the engine stands on the same floor and is not imported. */
export interface FrameCodec {
  readonly type: string;
  readonly format: number;
  write(frame: Frame, path: string): Promise<void>;
  read(path: string): Promise<Frame>;
}

/** Writes and reads frames of a contract as dataset artifacts. */
export function datasetCodec(contract: Contract): FrameCodec {
  return {
    type: "dataset",
    format: 1,
    write: (frame, path) => writeFrame(frame, contract, path),
    read: (path) => readDataset(path, contract),
  };
}

function openSink(file: ParquetFile, kind: Kind, position: number): ColumnSink {
  const source = `c${position}`;
  const nRows = file.nRows;
  switch (kind) {
    case "number":
      return numberSink(kind, `coalesce(${source}::DOUBLE, 'nan'::DOUBLE)`, nRows);
    case "timestamp":
      return numberSink(kind, `coalesce(epoch_ms(${source})::DOUBLE, 'nan'::DOUBLE)`, nRows);
    case "boolean": {
      const values = new Uint8Array(nRows);
      return {
        select: `coalesce(${source}::UTINYINT, 255)::UTINYINT`,
        add: (chunk, index, offset) => values.set(chunk.numbers(index), offset),
        finish: () => ({ kind: "boolean", values }),
      };
    }
    case "category":
      return categorySink(source, nRows);
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

function numberSink(kind: Kind & ("number" | "timestamp"), select: string, nRows: number): ColumnSink {
  const values = new Float64Array(nRows);
  return {
    select,
    add: (chunk, index, offset) => values.set(chunk.numbers(index), offset),
    finish: () => ({ kind, values }),
  };
}

function categorySink(source: string, nRows: number): ColumnSink {
  const dictionary = new TextDictionary();
  const codes = new Int32Array(nRows);
  return {
    select: `coalesce(${source}, '')`,
    add: (chunk, index, offset) => chunk.codes(index, dictionary, codes, offset),
    finish() {
      const { levels, newCodes } = dictionary.finish();
      for (let i = 0; i < nRows; ++i) if (codes[i]! >= 0) codes[i] = newCodes[codes[i]!]!;
      return { kind: "category", codes, levels };
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
