import type { DuckDBBlobVector, DuckDBDataChunk, DuckDBResult, DuckDBValue } from "@duckdb/node-api";
import { intact, type TextDictionary } from "./text-dictionary.ts";

/** The plain vectors a query of ours returns: DOUBLE, INTEGER, UTINYINT. */
export type NumericVector = Float64Array | Int32Array | Uint8Array;

/** Up to 2,048 rows of a result, by column position. Arrays are valid until the next chunk is fetched. */
export interface Chunk {
  readonly nRows: number;
  /** Values of a DOUBLE, INTEGER or UTINYINT column without missing values (the query puts a value in their place). */
  numbers(index: number): NumericVector;
  /** Values of a VARCHAR column; missing is null. */
  texts(index: number): readonly (string | null)[];
  /** Codes of a VARCHAR column without missing values, written to `out` from `offset` on; the empty text is -1. */
  codes(index: number, dictionary: TextDictionary, out: Int32Array, offset: number): void;
}

export interface ChunkReader {
  /** The next rows; null at the end. */
  next(): Promise<Chunk | null>;
}

/** What the driver keeps of a VARCHAR vector: 16 bytes a text, as TextDictionary describes. */
interface VarcharVector {
  readonly dataView: DataView;
  readonly validity: unknown;
}

type Guard = <T>(work: () => Promise<T>) => Promise<T>;

/** Chunks of so much memory may wait to be collected. */
const mostWaitingBytes = 1 << 25;
const bytesPerCell = 16;

/** Wraps a streaming result. */
export async function openChunkReader(result: DuckDBResult, guard: Guard): Promise<ChunkReader> {
  const { DuckDBBlobVector } = await import("@duckdb/node-api");
  let waitingBytes = 0;
  return {
    next: () =>
      guard(async () => {
        const chunk = await result.fetchChunk();
        if (!chunk || chunk.rowCount === 0) return null;
        waitingBytes += bytesPerCell * chunk.rowCount * chunk.columnCount;
        if (waitingBytes >= mostWaitingBytes) {
          collectChunks(waitingBytes);
          waitingBytes = 0;
        }
        return wrap(chunk, DuckDBBlobVector.prototype);
      }),
  };
}

/**
 * V8 frees chunks when it collects, and collects when its own memory grows: theirs is DuckDB's, so that a gigabyte of them
 * can wait. Buffers do count, and one that nobody writes to takes no memory.
 */
function collectChunks(nBytes: number): ArrayBuffer {
  return new ArrayBuffer(nBytes);
}

function wrap(chunk: DuckDBDataChunk, blobs: DuckDBBlobVector): Chunk {
  const nRows = chunk.rowCount;
  return {
    nRows,
    numbers(index) {
      // `items` is the vector's typed array; reading it costs a tenth of `getItem` row by row.
      const items = (chunk.getColumnVector(index) as unknown as { readonly items: NumericVector }).items;
      return items.length === nRows ? items : items.subarray(0, nRows);
    },
    codes(index, dictionary, out, offset) {
      const vector = varcharOf(chunk, index);
      const words = wordsOf(vector, nRows);
      dictionary.encode(words, nRows, (row, nBytes) => readRun(blobs, vector, words, row, nBytes), out, offset);
    },
    texts: (index) => textsOf(chunk, index),
  };
}

/** All rows of a chunk, values by position. */
export function rowsOf(chunk: DuckDBDataChunk): DuckDBValue[][] {
  const columns = Array.from({ length: chunk.columnCount }, (_, index) =>
    chunk.getColumnVector(index).type.toString() === "VARCHAR" ? textsOf(chunk, index) : chunk.getColumnValues(index),
  );
  return Array.from({ length: chunk.rowCount }, (_, row) => columns.map((column) => column[row]!));
}

function textsOf(chunk: DuckDBDataChunk, index: number): (string | null)[] {
  const words = wordsOf(varcharOf(chunk, index), chunk.rowCount);
  const texts = chunk.getColumnValues(index) as (string | null)[];
  for (let row = 0; row < texts.length; ++row) {
    const text = texts[row]!;
    if (text !== null) texts[row] = intact(text, words[4 * row + 1]!);
  }
  return texts;
}

/** The driver reads bytes where 16 bytes point; these are ours, of DuckDB's pointer and as many bytes as we like. */
function readRun(
  blobs: DuckDBBlobVector,
  { validity }: VarcharVector,
  words: Uint32Array,
  row: number,
  nBytes: number,
): Uint8Array {
  const own = Uint32Array.of(nBytes, 0, words[4 * row + 2]!, words[4 * row + 3]!);
  const parts = { dataView: { value: new DataView(own.buffer) }, validity: { value: validity } };
  return (Object.create(blobs, parts) as DuckDBBlobVector).getItemBytes(0)!;
}

function varcharOf(chunk: DuckDBDataChunk, index: number): VarcharVector {
  return chunk.getColumnVector(index) as unknown as VarcharVector;
}

function wordsOf({ dataView }: VarcharVector, nRows: number): Uint32Array {
  return new Uint32Array(dataView.buffer, dataView.byteOffset, 4 * nRows);
}
