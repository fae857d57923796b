import { type FileHandle, open } from "node:fs/promises";
import { largestGrowth } from "./byte-stream.ts";
import { grownBytes, type SharedPage, sharedPage } from "./parquet-page.ts";
import { readAt } from "./snapshot/snapshot-file.ts";
import { decodeThrift, integerOf, listOf, structOf, type ThriftStruct, type ThriftValue } from "./snapshot/thrift.ts";
import { mostColumns } from "./table.ts";

/** Why a Parquet file is not handed on to be read. */
export class ParquetFault extends Error {}

const magic = "PAR1";
const mostFooterBytes = 1 << 28;
const deepest = 32;
/** What a file of any size may hold; beyond that, what it holds must be in proportion to its size. */
const freeRows = 1_000_000;
const freeBytes = 1 << 28;
const rowsPerByte = 5_000;
const largestPage = 1 << 26;
const largestPageGrowth = 100;

export interface Repeats {
  readonly likely: number;
  readonly most: number;
  /** Bytes of values that are written as what each shares with the one before and what follows. */
  readonly grown: number;
}

/** What is left to be asked once a file may be read. */
export interface ParquetShape {
  /**
   * By top-level column: the bytes of its values if each value that is stored once were as long as their mean, or all of them
   * together one value, and stood in every row that refers to them. A suspicion, for most rows may refer to a short one, or be
   * missing.
   */
  readonly repeated: readonly Repeats[];
  /** How many bytes the values of all columns may come to. */
  readonly mostBytes: number;
}

/**
 * Looks at what a Parquet file says of itself before it is read: how schema, row groups and pages fit together, and how
 * much they would unpack to. A file made for harm is then refused without the memory, the time or the crash it asks for.
 *
 * Throws ParquetFault.
 */
export async function checkParquetShape(path: string): Promise<ParquetShape> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const layout = layoutOf(await readFooter(file, size), size);
    return await checkPages(file, layout, largestGrowth * size + freeBytes);
  } catch (error) {
    throw error instanceof RangeError ? new ParquetFault(`it is damaged: ${error.message}`) : error;
  } finally {
    await file.close();
  }
}

async function readFooter(file: FileHandle, size: number): Promise<Buffer> {
  if (size < 12) throw new ParquetFault("it is too short to be a Parquet file");
  const tail = await readAt(file, size - 8, 8);
  if (tail.toString("latin1", 4) !== magic) throw new ParquetFault("it does not end as a Parquet file does");
  const length = tail.readUInt32LE(0);
  if (length > size - 12) throw new ParquetFault("its footer is longer than the file");
  if (length > mostFooterBytes) throw new ParquetFault(`its footer is larger than ${mostFooterBytes} bytes`);
  return readAt(file, size - 8 - length, length);
}

/** Where the pages of one column in one row group lie. */
interface Chunk {
  /** Among the schema's elements that hold values. */
  readonly leaf: number;
  readonly start: number;
  readonly end: number;
  readonly nValues: number;
  readonly codec: number;
}

interface Layout {
  readonly chunks: readonly Chunk[];
  /** By leaf: the top-level column that it is a part of. */
  readonly columns: readonly number[];
  /** By leaf: whether its pages hold levels of repetition, and of presence. */
  readonly levels: readonly Levels[];
  readonly footerStart: number;
}

interface Levels {
  readonly repeats: boolean;
  readonly isOptional: boolean;
}

function layoutOf(footer: Buffer, size: number): Layout {
  const footerStart = size - 8 - footer.length;
  const schema = createSchemaCheck();
  const chunks: Chunk[] = [];
  let nRowsOfGroups = 0;
  const { fields } = decodeThrift(footer, 0, (id, element) => {
    if (id === 2) schema.add(structOf(element));
    if (id !== 4) return;
    const group = structOf(element);
    nRowsOfGroups += countOf(group.get(3));
    for (const [leaf, chunk] of listOf(group.get(1)).entries())
      chunks.push(chunkOf(leaf, structOf(structOf(chunk).get(3)), footerStart));
  });
  const { columns, levels } = schema.finish();
  const nRows = countOf(fields.get(3));
  if (nRows !== nRowsOfGroups)
    throw new ParquetFault(`it says it holds ${nRows} rows, and its row groups say ${nRowsOfGroups}`);
  if (nRows > freeRows + rowsPerByte * size) throw new ParquetFault(`it says it holds ${nRows} rows in ${size} bytes`);
  if (chunks.some(({ leaf }) => leaf >= columns.length))
    throw new ParquetFault("a row group of it holds more columns than its schema");
  return { chunks, columns, levels, footerStart };
}

interface SchemaCheck {
  add(element: ThriftStruct): void;
  finish(): Pick<Layout, "columns" | "levels">;
}

/** Elements come depth first, each saying how many children follow: an explicit stack, for a schema may nest without end. */
function createSchemaCheck(): SchemaCheck {
  const open: number[] = [];
  const columns: number[] = [];
  const levels: Levels[] = [];
  /** Of the groups that are open, from the root inwards. */
  const around: Levels[] = [];
  let nElements = 0;
  let nColumns = 0;
  return {
    add(element) {
      const nChildren = element.has(5) ? countOf(element.get(5)) : 0;
      const repetition = nElements === 0 ? 0 : integerOf(element.get(3) ?? 0);
      const outside = around.at(-1) ?? { repeats: false, isOptional: false };
      const inside = {
        repeats: outside.repeats || repetition === 2,
        isOptional: outside.isOptional || repetition !== 0,
      };
      if (nElements++ > 0 && open.length === 0) throw new ParquetFault("its schema holds more than its root says");
      if (open.length === 1) ++nColumns;
      if (nChildren === 0 && columns.push(nColumns - 1) > mostColumns)
        throw new ParquetFault(`it has more than ${mostColumns} columns`);
      if (nChildren === 0) levels.push(inside);
      if (open.length > 0) --open[open.length - 1]!;
      open.push(nChildren);
      around.push(inside);
      while (open.at(-1) === 0) {
        open.pop();
        around.pop();
      }
      // The groups that are open, and the root.
      if (open.length > deepest + 1) throw new ParquetFault(`its schema is nested more than ${deepest} deep`);
    },
    finish() {
      if (nElements === 0 || open.length > 0) throw new ParquetFault("its schema holds less than it says");
      return { columns, levels };
    },
  };
}

function chunkOf(leaf: number, metadata: ThriftStruct, footerStart: number): Chunk {
  // Writers say 0 of what is not there: of a dictionary, and of data where a file has no rows.
  const offsets = [metadata.get(9), metadata.get(11) ?? 0].map(countOf).filter((offset) => offset > 0);
  const start = Math.min(footerStart, ...offsets);
  const end = start + countOf(metadata.get(7));
  if (end > footerStart) throw new ParquetFault("a column of it lies outside of the file");
  return { leaf, start, end, nValues: countOf(metadata.get(5)), codec: countOf(metadata.get(4) ?? 0) };
}

/** Walks from page to page: their headers alone say how large each is once it is unpacked. */
async function checkPages(
  file: FileHandle,
  { chunks, columns, levels, footerStart }: Layout,
  mostBytes: number,
): Promise<ParquetShape> {
  const headers = createHeaderReader(file, footerStart);
  const repeated = Array.from({ length: (columns.at(-1) ?? -1) + 1 }, () => ({ likely: 0, most: 0, grown: 0 }));
  let nUnpacked = 0;
  for (const { leaf, start, end, nValues, codec } of chunks) {
    const column = repeated[columns[leaf]!]!;
    for (let at = start; at < end;) {
      const header = await headers.read(at);
      const [unpacked, packed] = [countOf(header.fields.get(2)), countOf(header.fields.get(3))];
      nUnpacked += unpacked;
      if (nUnpacked > mostBytes) throw new ParquetFault(`it unpacks to more than ${largestGrowth} times its size`);
      if (unpacked > largestPage && unpacked > largestPageGrowth * packed)
        throw new ParquetFault(`a page of it unpacks from ${packed} bytes to ${unpacked}`);
      const dictionary = header.fields.get(7);
      if (dictionary !== undefined) {
        column.likely += (unpacked / Math.max(1, countOf(structOf(dictionary).get(1)))) * nValues;
        column.most += unpacked * nValues;
      }
      const shared = sharedPage(header.fields, Number(levels[leaf]!.repeats) + Number(levels[leaf]!.isOptional));
      if (shared !== null) column.grown += grownPage(await readAt(file, header.end, packed), shared, codec, unpacked);
      at = header.end + packed;
    }
  }
  return { repeated, mostBytes };
}

/** How many bytes the values of a page are that are written as what each shares with the one before. */
function grownPage(page: Buffer, shared: SharedPage, codec: number, unpacked: number): number {
  const grown = grownBytes(page, shared, codec, unpacked) ?? shared.nValues * unpacked;
  if (grown > largestPage && grown > largestPageGrowth * page.length)
    throw new ParquetFault(`the values of a page of it grow from ${page.length} bytes to ${grown}`);
  return grown;
}

const windowBytes = 1 << 12;
const largestHeader = 1 << 20;

interface PageHeader {
  readonly fields: ThriftStruct;
  /** Where the page's bytes begin in the file. */
  readonly end: number;
}

/** Small pages follow each other within one reading of the file. */
function createHeaderReader(file: FileHandle, limit: number): { read(at: number): Promise<PageHeader> } {
  let window: Buffer = Buffer.alloc(0);
  let windowStart = 0;
  const decodeAt = (at: number): PageHeader | null => {
    if (at < windowStart || at >= windowStart + window.length) return null;
    try {
      const { fields, end } = decodeThrift(window, at - windowStart);
      return { fields, end: windowStart + end };
    } catch (error) {
      if (error instanceof RangeError) return null;
      throw error;
    }
  };
  return {
    async read(at) {
      for (const length of [0, windowBytes, largestHeader]) {
        if (length > 0) {
          windowStart = at;
          window = await readAt(file, at, Math.min(length, limit - at));
        }
        const header = decodeAt(at);
        if (header) return header;
      }
      throw new ParquetFault(`a page of it at byte ${at} has no header`);
    },
  };
}

function countOf(value: ThriftValue | undefined): number {
  const count = integerOf(value);
  if (count >= 0) return count;
  throw new RangeError("its metadata counts less than nothing");
}
