import type { DuckDBConnection, DuckDBDataChunk } from "@duckdb/node-api";

/** A column to be put into a table; missing values are NaN, 255 or null and become NULL when they are read back out. */
export type TableColumn =
  | { readonly type: "DOUBLE"; readonly values: Float64Array }
  | { readonly type: "UTINYINT"; readonly values: Uint8Array }
  | { readonly type: "VARCHAR"; readonly textAt: (row: number) => string | null };

const chunkRows = 2048;

/** Creates the table with columns c0, c1, ... and fills it, in chunks, rows in order. */
export async function createTable(
  connection: DuckDBConnection,
  table: string,
  columns: readonly TableColumn[],
  nRows: number,
): Promise<void> {
  const { DOUBLE, DuckDBDataChunk, UTINYINT, VARCHAR } = await import("@duckdb/node-api");
  const types = { DOUBLE, UTINYINT, VARCHAR };
  await connection.run(`CREATE TABLE ${table} (${columns.map((column, i) => `c${i} ${column.type}`).join(", ")})`);
  const appender = await connection.createAppender(table);
  for (let start = 0; start < nRows; start += chunkRows) {
    const count = Math.min(chunkRows, nRows - start);
    const chunk = DuckDBDataChunk.create(
      columns.map((column) => types[column.type]),
      count,
    );
    for (let i = 0; i < columns.length; ++i) fill(chunk, i, columns[i]!, start, count);
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
}

function fill(chunk: DuckDBDataChunk, index: number, column: TableColumn, start: number, count: number): void {
  if (column.type === "VARCHAR") {
    const { textAt } = column;
    chunk.setColumnValues(
      index,
      Array.from({ length: count }, (_, i) => textAt(start + i)),
    );
    return;
  }
  const vector = chunk.getColumnVector(index) as unknown as {
    readonly items: Float64Array | Uint8Array;
    flush(): void;
  };
  vector.items.set(column.values.subarray(start, start + count));
  vector.flush();
}
