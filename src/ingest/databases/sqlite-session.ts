import { quoteIdentifier } from "../../query/quote.ts";
import { rollBack, type SqliteValue } from "../../store/sqlite.ts";
import type { Cell, CellRows } from "../parts/cells-file.ts";
import { openReading, rowsOf } from "../sqlite-rows.ts";
import { batchRows, notGrowing, type SelectSession } from "./session.ts";

/** Opens a SQLite file for reading, within one transaction; integers keep their digits. What SQLite says is thrown as it is. */
export async function openSqlite(path: string): Promise<SelectSession & { close(): void }> {
  const database = await openReading(path);
  const select = async (query: string, parameters: readonly string[] = []): Promise<CellRows> => {
    const statement = database.prepare(query);
    statement.setReadBigInts(true);
    const names = statement.columns().map(({ name }) => name);
    return {
      columns: names.map((name) => ({ name, type: "VARCHAR" })),
      batches: batchesOf(rowsOf(statement, parameters), names),
    };
  };
  try {
    database.exec("BEGIN");
  } catch (error) {
    database.close();
    throw error;
  }
  return {
    select,
    close() {
      try {
        // A closed database keeps its lock on the file till its statements are collected as garbage.
        rollBack(database);
      } finally {
        database.close();
      }
    },
    quoteName: quoteIdentifier,
    watermark: (query, column) => watermarkOf(select, query, column),
  };
}

/**
 * A column has no type here, but each of its values has. Numbers come before texts and texts before bytes, so the types of the
 * least and the greatest value tell those of all in between, but for fractions among integers: those compare soundly.
 */
async function watermarkOf(select: SelectSession["select"], query: string, column: string): Promise<string> {
  const name = quoteIdentifier(column);
  const { batches } = await select(`SELECT typeof(min(${name})), typeof(max(${name})) FROM (${query}) AS q`);
  for await (const [types] of batches) {
    const [least, most] = types!;
    if (least !== most) throw notGrowing(column);
    if (most === "null" || most === "text") return "?";
    if (most === "integer") return "CAST(? AS INTEGER)";
  }
  throw notGrowing(column);
}

async function* batchesOf(
  rows: Iterable<unknown>,
  names: readonly string[],
): AsyncGenerator<readonly (readonly Cell[])[]> {
  let batch: Cell[][] = [];
  for (const row of rows as Iterable<Readonly<Record<string, SqliteValue>>>) {
    batch.push(names.map((name) => cellOf(row[name]!, name)));
    if (batch.length < batchRows) continue;
    yield batch;
    batch = [];
  }
  yield batch;
}

function cellOf(value: SqliteValue, name: string): Cell {
  if (value === null || typeof value === "string") return value;
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  throw new TypeError(`"${name}" holds bytes, which are neither text nor number; read what they stand for`);
}
