import { type FileHandle, open } from "node:fs/promises";
import type { Kind } from "../../frame/column.ts";
import type { BlockColumn } from "../delimited/block.ts";
import { chunkRoom, type ColumnValues, createChunkMemory, damaged, decodeChunk } from "./chunk-columns.ts";
import { magic, physicalTypes, snapshotWriter } from "./snapshot-writer.ts";
import { decodeThrift, integerOf, listOf, structOf, type ThriftStruct, type ThriftValue } from "./thrift.ts";

/** Where a column's part of a row group stands. */
export interface Chunk {
  readonly start: number;
  readonly length: number;
}

/** A column to be read. */
export interface WantedColumn {
  readonly position: number;
  readonly kind: Kind;
  /** For the rows of one group; of the array that the kind has in memory. */
  readonly room?: ColumnValues | null;
}

/** A file that {@link SnapshotWriter} wrote, opened. Close it. */
export interface SnapshotFile {
  readonly names: readonly string[];
  readonly nRows: number;
  readonly groups: readonly { readonly nRows: number; readonly chunks: readonly Chunk[] }[];
  /** Throws a RangeError where a column is of another kind. */
  requireKinds(columns: readonly WantedColumn[]): void;
  /**
   * Columns of one row group, each by its position in `names`; one group after the other. Values and codes go to a column's
   * `room` where it has one. A RangeError says that the file is damaged, or that a column is of another kind.
   */
  read(group: number, columns: readonly WantedColumn[]): Promise<BlockColumn[]>;
  close(): Promise<void>;
}

/** Opens a snapshot of ours; null for any other file. Throws a RangeError where a file of ours is damaged. */
export async function openSnapshot(path: string): Promise<SnapshotFile | null> {
  const file = await open(path, "r");
  try {
    const footer = await readFooter(file);
    if (footer === null) await file.close();
    return footer === null ? null : fileOf(file, footer);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readFooter(file: FileHandle): Promise<ThriftStruct | null> {
  const { size } = await file.stat();
  if (size < 12) return null;
  const tail = await readAt(file, size - 8, 8);
  if (tail.toString("latin1", 4) !== magic) return null;
  const length = tail.readUInt32LE(0);
  if (length > size - 12) return null;
  const bytes = await readAt(file, size - 8 - length, length);
  if (!bytes.includes(snapshotWriter)) return null;
  const { fields } = decodeThrift(bytes, 0);
  return textOf(fields.get(6)) === snapshotWriter ? fields : null;
}

interface Layout extends Pick<SnapshotFile, "names" | "nRows" | "groups"> {
  readonly types: readonly number[];
}

/** Throws where the footer contradicts itself. */
function layoutOf(footer: ThriftStruct): Layout {
  const [, ...columns] = listOf(footer.get(2));
  const groups = listOf(footer.get(4)).map((group) => ({
    nRows: integerOf(structOf(group).get(3)),
    chunks: listOf(structOf(group).get(1)).map((chunk) => ({
      start: integerOf(structOf(chunk).get(2)),
      length: integerOf(structOf(structOf(chunk).get(3)).get(7)),
    })),
  }));
  const names = columns.map((column) => textOf(structOf(column).get(4)));
  const types = columns.map((column) => integerOf(structOf(column).get(1)));
  const nRows = integerOf(footer.get(3));
  if (groups.reduce((sum, group) => sum + group.nRows, 0) !== nRows) throw damaged();
  return { names, types, nRows, groups };
}

function fileOf(file: FileHandle, footer: ThriftStruct): SnapshotFile {
  const { names, types, nRows, groups } = layoutOf(footer);
  // What is made of chunks has memory of its own.
  const memory = createChunkMemory();
  const readChunk = ({ start, length }: Chunk, turn: 0 | 1): Promise<Buffer> => {
    const read = readAt(file, start, length, chunkRoom(memory, turn, length));
    // It may fail while the one before is decoded.
    read.catch(() => {});
    return read;
  };
  const requireKinds: SnapshotFile["requireKinds"] = (wanted) => {
    for (const { position, kind } of wanted) {
      if (types[position] !== physicalTypes[kind])
        throw new RangeError(`its column "${names[position]}" holds no values of the kind ${kind}`);
    }
  };
  return {
    names,
    nRows,
    groups,
    requireKinds,
    async read(index, wanted) {
      const group = groups[index]!;
      requireKinds(wanted);
      const read: BlockColumn[] = [];
      let next = wanted.length > 0 ? readChunk(group.chunks[wanted[0]!.position]!, 0) : null;
      for (const [i, { kind, room }] of wanted.entries()) {
        const bytes = await next!;
        // The system reads one while the one before is decoded.
        if (i + 1 < wanted.length) next = readChunk(group.chunks[wanted[i + 1]!.position]!, i % 2 === 0 ? 1 : 0);
        read.push(decodeChunk(bytes, kind, group.nRows, room ?? null, memory));
      }
      return read;
    },
    close: () => file.close(),
  };
}

/** Bytes of a file from `start` on. Throws a RangeError where it ends before. */
export async function readAt(
  file: FileHandle,
  start: number,
  length: number,
  bytes: Buffer = Buffer.allocUnsafeSlow(length),
): Promise<Buffer> {
  for (let done = 0; done < length;) {
    const { bytesRead } = await file.read(bytes, done, length - done, start + done);
    if (bytesRead === 0) throw new RangeError("the file ends early");
    done += bytesRead;
  }
  return bytes;
}

function textOf(value: ThriftValue | undefined): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString("utf8") : "";
}
