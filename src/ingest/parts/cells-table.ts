import { MillraceError } from "../../core/errors/error.ts";
import { delimitedSql, longestOf } from "../delimited-sql.ts";
import type { LocatedFile } from "../locate.ts";
import type { FileTable, TableContext } from "../table.ts";
import { readNotes } from "./cells-file.ts";

const dialect = { delimiter: ",", hasHeader: true, quotes: true };

/** A file of cells as a table. Throws SOURCE_UNREADABLE where a wanted column holds what no kind of ours can. */
export async function openCells(file: LocatedFile, { wanted }: TableContext): Promise<FileTable> {
  const notes = await readNotes(file.path);
  for (const { name, refused } of notes.columns) {
    if (refused === undefined || !wanted?.some((column) => column.name === name)) continue;
    const reason = `the column "${name}" ${refused}`;
    throw new MillraceError("SOURCE_UNREADABLE", { path: file.name, format: "rows", reason });
  }
  const kept = notes.columns.flatMap(({ refused }, i) => (refused === undefined ? [i] : []));
  const columns = kept.map((i) => notes.columns[i]!);
  const scan = { leadingBlankLines: 0, lineEnd: "\n", longestRecordBytes: notes.longestRecordBytes } as const;
  const selected = kept.map((position, i) => `c${position} AS c${i}`).join(", ") || "NULL";
  const relationOf = (paths: readonly string[]): string =>
    `(SELECT ${selected} FROM ${delimitedSql(paths, notes.columns.length, dialect, scan)})`;
  return {
    file,
    sql: relationOf([file.path]),
    relationOf,
    layout: JSON.stringify([notes.columns, longestOf(scan)]),
    names: columns.map(({ name }) => name),
    types: columns.map(({ type }) => type),
    nRows: notes.nRows,
    emptiness: "no rows",
    origins: [{ file: file.name, nRows: notes.nRows, lines: [] }],
  };
}
