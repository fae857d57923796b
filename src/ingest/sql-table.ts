import { quoteIdentifier } from "../query/quote.ts";

/** One source of a query: a table expression whose columns are c0, c1, ... and their real names. */
interface NamedTable {
  readonly name: string;
  readonly sql: string;
  readonly names: readonly string[];
}

/** The query over its sources, each a table under its own name with its own column names. */
export function queryTableSql(query: string, tables: readonly NamedTable[]): string {
  const definitions = tables.map(({ name, sql, names }) => {
    const columns = names.map((column, i) => `c${i} AS ${quoteIdentifier(column)}`).join(", ");
    return `${quoteIdentifier(name)} AS (SELECT ${columns} FROM ${sql})`;
  });
  return `WITH ${definitions.join(", ")} SELECT * FROM (${query})`;
}
