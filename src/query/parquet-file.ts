import { quoteLiteral } from "./quote.ts";
import type { QuerySession } from "./session.ts";

/** What the footer of a Parquet file says. */
export interface ParquetFile {
  readonly path: string;
  /** Top-level column names as written, which may be equal but for case. */
  readonly names: readonly string[];
  readonly nRows: number;
  /** SQL of the rows with columns called c0, c1, ... by position, so that no name of the file enters a query. */
  readonly relation: string;
}

/** Reads the footer; fails as DuckDB fails where the file is none or is cut off. */
export async function openParquet(session: QuerySession, path: string): Promise<ParquetFile> {
  const file = quoteLiteral(path);
  const schema = await session.rows(`SELECT name, coalesce(num_children, 0)::INTEGER FROM parquet_schema(${file})`);
  const names = topLevelNames(schema.map((row) => ({ name: String(row[0]), nChildren: Number(row[1]) })));
  const counted = await session.rows(`SELECT num_rows::DOUBLE FROM parquet_file_metadata(${file})`);
  return {
    path,
    names,
    nRows: Number(counted[0]![0]),
    relation: `read_parquet(${file}) AS source(${names.map((_, i) => `c${i}`).join(", ")})`,
  };
}

/** The schema is listed depth first, the root in front; the children of a nested column are skipped. */
function topLevelNames(elements: readonly { readonly name: string; readonly nChildren: number }[]): string[] {
  const names: string[] = [];
  const skip = (index: number): number => {
    let next = index + 1;
    for (let child = 0; child < elements[index]!.nChildren; ++child) next = skip(next);
    return next;
  };
  for (let index = 1; index < elements.length; index = skip(index)) names.push(elements[index]!.name);
  return names;
}
