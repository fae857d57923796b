import { join } from "node:path";
import { checkColumnNames } from "../frame/column-name.ts";
import type { Kind } from "../frame/column.ts";
import { delimitedSql } from "./delimited-sql.ts";
import { type JsonLinesScan, transcribeJsonLines } from "./json-lines.ts";
import { JsonLinesFault } from "./json-list.ts";
import type { LocatedFile } from "./locate.ts";
import { type FileTable, type TableContext, unreadableFile } from "./table.ts";

type Wanted = readonly { readonly name: string; readonly kind: Kind }[];

const dialect = { delimiter: ",", hasHeader: false, quotes: true };

/** Files of JSON as tables of the same columns: a key that some objects lack is a missing value. */
export async function openJson(
  format: "json" | "jsonl",
  files: readonly LocatedFile[],
  context: TableContext,
): Promise<FileTable[]> {
  const partitions = new Set(files.flatMap(({ partition }) => partition.map(([key]) => key)));
  const wanted = context.wanted ?? (await findKeys(format, files, context));
  const scans: { readonly file: LocatedFile; readonly path: string; readonly scan: JsonLinesScan }[] = [];
  for (const file of files) {
    const path = join(context.folder, `rows-${context.nextFile()}.csv`);
    scans.push({ file, path, scan: await scanFile(format, file, wanted, path, context.signal) });
  }
  const keys = new Set(scans.flatMap(({ scan }) => scan.keys));
  checkColumnNames([...keys]);
  const present = wanted.map(({ name }) => name).filter((name) => keys.has(name));
  const lacksColumns = wanted.some(({ name }) => !keys.has(name) && !partitions.has(name));
  return scans.map(({ file, path, scan }) => {
    const columns = wanted.map((_, i) => `c${i}`);
    const kept = wanted.flatMap(({ name }, i) => (keys.has(name) ? [columns[i]!] : []));
    const from = delimitedSql([path], wanted.length, dialect, { ...scan, leadingBlankLines: 0, lineEnd: "\n" });
    return {
      file,
      sql: `(SELECT ${kept.map((column, i) => `${column} AS c${i}`).join(", ") || "NULL"} FROM ${from})`,
      relationOf: () => "",
      layout: path,
      // Whoever looks for a column that no object has finds the keys there are.
      names: lacksColumns ? [...keys] : present,
      types: (lacksColumns ? [...keys] : present).map(() => "VARCHAR"),
      nRows: scan.nRows,
      emptiness: format === "json" ? "an empty list" : "only blank lines",
      origins: [{ file: file.name, nRows: scan.nRows, lines: scan.lines }],
    };
  });
}

async function findKeys(
  format: "json" | "jsonl",
  files: readonly LocatedFile[],
  context: TableContext,
): Promise<Wanted> {
  const keys = new Set<string>();
  for (const file of files)
    for (const key of (await scanFile(format, file, [], null, context.signal)).keys) keys.add(key);
  return [...keys].map((name) => ({ name, kind: "text" }));
}

async function scanFile(
  format: "json" | "jsonl",
  file: LocatedFile,
  wanted: Wanted,
  output: string | null,
  signal: AbortSignal | undefined,
): Promise<JsonLinesScan> {
  try {
    return await transcribeJsonLines(file.path, wanted, output, { format, signal });
  } catch (error) {
    throw error instanceof JsonLinesFault ? unreadableFile(file, format, error.message, error) : error;
  }
}
