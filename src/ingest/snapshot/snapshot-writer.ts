import type { Kind } from "../../frame/column.ts";
import type { BlockColumn } from "../delimited/block.ts";
import { type ByteSink, openFileSink } from "./byte-sink.ts";
import type { ColumnCollector, EncodedColumn } from "./column-collector.ts";
import { openCollectors } from "./row-group.ts";
import { encodeThrift, type ThriftFields, type ThriftItem } from "./thrift.ts";

export const magic = "PAR1";

/** Who wrote a file says how it can be read: one page a column and row group, not packed. */
export const snapshotWriter = "millrace snapshot 1";

const largestGroup = 122_880;
const smallestGroup = 2_048;
/** Cells of a row group in memory: 128 MB where all are doubles. */
const groupCells = 1 << 24;

/** Parquet's numbers for types, encodings and such, as its specification lists them. */
export const physicalTypes = { number: 5, timestamp: 2, boolean: 0, category: 6, text: 6 } as const;
const optional = 1;
const plain = 0;
const runLengths = 3;
const coded = 8;
const dataPage = 0;
const dictionaryPage = 2;
const utf8 = 0;
const timestampMillis = 9;

export interface SnapshotColumn {
  /** As it is called in the file. */
  readonly name: string;
  readonly kind: Kind;
}

/**
 * Writes a dataset as a Parquet file, block by block: equal rows give equal bytes, however they come in blocks, on
 * every machine and every version of Node, for nothing here packs. A group of rows is in memory at a time, and one that is written.
 */
export class SnapshotWriter {
  readonly #columns: readonly SnapshotColumn[];
  readonly #sink: ByteSink;
  readonly #collectors: readonly ColumnCollector[];
  readonly #capacity: number;
  #nCollected = 0;
  #nRows = 0;
  #offset = 0;
  readonly #groups: ThriftItem[] = [];
  /** The row group before. */
  #written: Promise<void> = Promise.resolve();

  private constructor(sink: ByteSink, columns: readonly SnapshotColumn[], mostCells: number) {
    this.#sink = sink;
    this.#columns = columns;
    this.#capacity = Math.max(smallestGroup, Math.min(largestGroup, Math.floor(mostCells / columns.length)));
    this.#collectors = openCollectors(
      columns.map(({ kind }) => kind),
      this.#capacity,
    );
  }

  /** Throws STORE_UNWRITABLE, as the other methods do. */
  static async open(path: string, columns: readonly SnapshotColumn[]): Promise<SnapshotWriter> {
    return SnapshotWriter.into(await openFileSink(path), columns);
  }

  /**
   * Writes what would be a file to where bytes go one after the other, about `mostCells` cells at a time, but never fewer than
   * 2,048 rows; throws what `sink` throws.
   */
  static async into(
    sink: ByteSink,
    columns: readonly SnapshotColumn[],
    mostCells: number = groupCells,
  ): Promise<SnapshotWriter> {
    const writer = new SnapshotWriter(sink, columns, mostCells);
    await writer.#write([Buffer.from(magic)]);
    return writer;
  }

  /** Adds rows; `columns` in the order of the file's. */
  async add(columns: readonly BlockColumn[], nRows: number): Promise<void> {
    for (let start = 0; start < nRows;) {
      let count = Math.min(nRows - start, this.#capacity - this.#nCollected);
      for (const [i, column] of columns.entries())
        count = Math.min(count, this.#collectors[i]!.fits(column, start, count));
      for (const [i, column] of columns.entries()) if (count > 0) this.#collectors[i]!.add(column, start, count);
      start += count;
      this.#nCollected += count;
      if (start < nRows || this.#nCollected === this.#capacity) await this.#writeGroup();
    }
  }

  /** Completes the file and closes it. */
  async finish(): Promise<void> {
    if (this.#nCollected > 0) await this.#writeGroup();
    await this.#written;
    const root: ThriftItem = {
      struct: [
        [4, { text: "schema" }],
        [5, { i32: this.#columns.length }],
      ],
    };
    const footer = encodeThrift([
      [1, { i32: 1 }],
      [2, { list: [root, ...this.#columns.map(schemaOf)] }],
      [3, { i64: this.#nRows }],
      [4, { list: this.#groups }],
      [6, { text: snapshotWriter }],
    ]);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(footer.length);
    await this.#write([footer, length, Buffer.from(magic)]);
    await this.close();
  }

  /** Closes the file as it is. */
  async close(): Promise<void> {
    await Promise.allSettled([this.#written]);
    await this.#sink.close();
  }

  /** Begins to write the rows collected, which may take as long as it takes to collect the next. */
  async #writeGroup(): Promise<void> {
    await this.#written;
    const chunks: ThriftItem[] = [];
    const parts: Buffer[] = [];
    const start = this.#offset;
    let at = start;
    for (const [i, collector] of this.#collectors.entries()) {
      const chunk = chunkOf(this.#columns[i]!, collector.encode(), at);
      chunks.push(chunk.meta);
      parts.push(...chunk.parts);
      at += lengthOf(chunk.parts);
    }
    this.#written = this.#write(parts);
    // It may fail while rows are collected.
    this.#written.catch(() => {});
    this.#groups.push({
      struct: [
        [1, { list: chunks }],
        [2, { i64: at - start }],
        [3, { i64: this.#nCollected }],
      ],
    });
    this.#nRows += this.#nCollected;
    this.#nCollected = 0;
  }

  async #write(parts: readonly Buffer[]): Promise<void> {
    await this.#sink.write(parts);
    this.#offset += lengthOf(parts);
  }
}

/** A column's part of a row group that stands in the file from `start` on, and what the footer says of it. */
function chunkOf(
  { name, kind }: SnapshotColumn,
  { dictionary, data, nValues, nMissing }: EncodedColumn,
  start: number,
): { readonly parts: readonly Buffer[]; readonly meta: ThriftItem } {
  const encoding = dictionary ? coded : plain;
  const parts = dictionary ? pageOfDictionary(dictionary) : [];
  const dataStart = start + lengthOf(parts);
  const shape: ThriftFields = [
    [1, { i32: nValues }],
    [2, { i32: encoding }],
    [3, { i32: runLengths }],
    [4, { i32: runLengths }],
  ];
  parts.push(headerOf(dataPage, lengthOf(data), [5, { struct: shape }]), ...data);
  const encodings = dictionary ? [plain, runLengths, coded] : [plain, runLengths];
  const length = lengthOf(parts);
  const meta: ThriftFields = [
    [1, { i32: physicalTypes[kind] }],
    [2, { list: encodings.map((one) => ({ i32: one })) }],
    [3, { list: [{ text: name }] }],
    [4, { i32: 0 }],
    [5, { i64: nValues }],
    [6, { i64: length }],
    [7, { i64: length }],
    [9, { i64: dataStart }],
    ...(dictionary ? [[11, { i64: start }] as const] : []),
    [12, { struct: [[3, { i64: nMissing }]] }],
  ];
  const struct: ThriftFields = [
    [2, { i64: start }],
    [3, { struct: meta }],
  ];
  return { parts, meta: { struct } };
}

function pageOfDictionary({ bytes, size }: NonNullable<EncodedColumn["dictionary"]>): Buffer[] {
  const shape: ThriftFields = [
    [1, { i32: size }],
    [2, { i32: plain }],
  ];
  return [headerOf(dictionaryPage, bytes.length, [7, { struct: shape }]), bytes];
}

function lengthOf(parts: readonly Buffer[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

function headerOf(type: number, nBytes: number, shape: readonly [number, ThriftItem]): Buffer {
  return encodeThrift([[1, { i32: type }], [2, { i32: nBytes }], [3, { i32: nBytes }], shape]);
}

function schemaOf({ name, kind }: SnapshotColumn): ThriftItem {
  const common: ThriftFields = [
    [1, { i32: physicalTypes[kind] }],
    [3, { i32: optional }],
    [4, { text: name }],
  ];
  if (kind === "category" || kind === "text")
    return { struct: [...common, [6, { i32: utf8 }], [10, { struct: [[1, { struct: [] }]] }]] };
  if (kind !== "timestamp") return { struct: common };
  // In UTC by convention, without a zone: what DuckDB calls TIMESTAMP.
  const unit: ThriftItem = { struct: [[1, { struct: [] }]] };
  const logical: ThriftFields = [
    [
      8,
      {
        struct: [
          [1, { bool: false }],
          [2, unit],
        ],
      },
    ],
  ];
  return { struct: [...common, [6, { i32: timestampMillis }], [10, { struct: logical }]] };
}
