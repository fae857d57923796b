import type { DuckDBDataChunk, DuckDBResult } from "@duckdb/node-api";
import type { TextDictionary } from "./text-dictionary.ts";

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
  getItem(row: number): string | null;
}

type Guard = <T>(work: () => Promise<T>) => Promise<T>;

/** Wraps a streaming result. */
export function openChunkReader(result: DuckDBResult, guard: Guard): ChunkReader {
  return {
    next: () =>
      guard(async () => {
        const chunk = await result.fetchChunk();
        return chunk && chunk.rowCount > 0 ? wrap(chunk) : null;
      }),
  };
}

function wrap(chunk: DuckDBDataChunk): Chunk {
  const nRows = chunk.rowCount;
  return {
    nRows,
    numbers(index) {
      // `items` is the vector's typed array; reading it costs a tenth of `getItem` row by row.
      const items = (chunk.getColumnVector(index) as unknown as { readonly items: NumericVector }).items;
      return items.length === nRows ? items : items.subarray(0, nRows);
    },
    codes(index, dictionary, out, offset) {
      const vector = chunk.getColumnVector(index) as unknown as VarcharVector;
      const { buffer, byteOffset } = vector.dataView;
      const words = new Uint32Array(buffer, byteOffset, 4 * nRows);
      dictionary.encode(words, nRows, (row) => vector.getItem(row) ?? "", out, offset);
    },
    texts: (index) => chunk.getColumnValues(index) as (string | null)[],
  };
}
