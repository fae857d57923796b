import { realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { ColumnData } from "../frame/column.ts";
import type { Contract } from "../frame/contract.ts";
import { columnOf, type Frame } from "../frame/frame.ts";
import type { TableColumn } from "../query/append.ts";
import { quoteIdentifier, quoteLiteral } from "../query/quote.ts";
import { withQuery } from "../query/session.ts";
import { storedNames } from "./stored-names.ts";

/** How every dataset file is written; part of what makes equal rows equal bytes. */
export const parquetOptions = "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880, USE_TMP_FILE false";

/** Writes the contract's columns of a frame as a dataset (Parquet) file to `path`. */
export async function writeFrame(frame: Frame, contract: Contract, path: string): Promise<void> {
  const file = join(await realpath(dirname(path)), basename(path));
  const columns = contract.columns.map((column) => columnOf(frame, column.name));
  const names = storedNames(contract.columns.map((column) => column.name));
  const selected = columns.map((column, i) => `${selectOf(column, `c${i}`)} AS ${quoteIdentifier(names[i]!)}`);
  await withQuery({ files: [file] }, async (session) => {
    await session.createTable("frame", columns.map(tableColumn), frame.nRows);
    await session.run(`COPY (SELECT ${selected.join(", ")} FROM frame) TO ${quoteLiteral(file)} (${parquetOptions})`);
  });
}

function tableColumn(column: ColumnData): TableColumn {
  switch (column.kind) {
    case "number":
    case "timestamp":
      return { type: "DOUBLE", values: column.values };
    case "boolean":
      return { type: "UTINYINT", values: column.values };
    case "category": {
      const { codes, levels } = column;
      return { type: "VARCHAR", textAt: (row) => levels[codes[row]!] ?? null };
    }
    case "text": {
      const { values } = column;
      return { type: "VARCHAR", textAt: (row) => values[row] ?? null };
    }
  }
}

/** SQL of a column of the table in the form a dataset stores it. */
function selectOf(column: ColumnData, name: string): string {
  switch (column.kind) {
    case "number":
      return `CASE WHEN isnan(${name}) THEN NULL ELSE ${name} END`;
    case "timestamp":
      return `CASE WHEN isnan(${name}) THEN NULL ELSE make_timestamp(floor(${name})::BIGINT * 1000) END`;
    case "boolean":
      return `CASE WHEN ${name} = 255 THEN NULL ELSE ${name} = 1 END`;
    default:
      return name;
  }
}
