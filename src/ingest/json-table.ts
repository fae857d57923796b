import { join } from "node:path";
import { MillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import { checkColumnNames } from "../frame/column-name.ts";
import type { Kind } from "../frame/column.ts";
import { delimitedSql } from "./delimited-sql.ts";
import { type JsonLinesScan, transcribeJsonLines } from "./json-lines.ts";
import { JsonLinesFault } from "./json-list.ts";
import type { LocatedFile, LocatedSource } from "./locate.ts";
import { type FileTable, malformedFile, type TableContext } from "./table.ts";

type Wanted = readonly { readonly name: string; readonly kind: Kind }[];

const dialect = { delimiter: ",", hasHeader: false, quotes: true };

/** Files of JSON as tables of the same columns: a key that some objects lack is a missing value. */
export async function openJson(located: LocatedSource, context: TableContext): Promise<FileTable[]> {
  const wanted = context.wanted ?? (await findKeys(located, context));
  const scans: { readonly file: LocatedFile; readonly path: string; readonly scan: JsonLinesScan }[] = [];
  for (const file of located.files) {
    const path = join(context.folder, `rows-${context.nextFile()}.csv`);
    scans.push({ file, path, scan: await scanFile(located, file, wanted, path, context.signal) });
  }
  const keys = [...new Set(scans.flatMap(({ scan }) => scan.keys))];
  checkColumnNames(keys);
  const hasRows = scans.some(({ scan }) => scan.nRows > 0);
  if (hasRows && !context.mayLackKeys) requireKeys(located, wanted, keys);
  const folders = foldersOf(located);
  const lacks = (name: string): boolean => folders.has(name) && !keys.includes(name);
  const columns = wanted.flatMap(({ name }, i) => (lacks(name) ? [] : [{ name, cell: `c${i}` }]));
  return scans.map(({ file, path, scan }) => {
    const from = delimitedSql([path], wanted.length, dialect, { ...scan, leadingBlankLines: 0, lineEnd: "\n" });
    return {
      file,
      sql: `(SELECT ${columns.map(({ cell }, i) => `${cell} AS c${i}`).join(", ") || "NULL"} FROM ${from})`,
      // Each has a layout of its own, so that it is read alone.
      layout: path,
      relationOf: () => "",
      names: columns.map(({ name }) => name),
      types: columns.map(() => "VARCHAR"),
      nRows: scan.nRows,
      emptiness: located.format === "json" ? "an empty list" : "only blank lines",
      origins: [{ file: file.name, nRows: scan.nRows, lines: scan.lines }],
      keys,
    };
  });
}

/** Throws COLUMN_MISSING for a column that is neither a key of any object nor named by folders. */
export function requireKeys(
  located: LocatedSource,
  columns: readonly { readonly name: string }[],
  keys: readonly string[],
): void {
  const folders = foldersOf(located);
  const found = new Set(keys.map((key) => key.normalize("NFC")));
  const absent = columns.find(({ name }) => !found.has(name.normalize("NFC")) && !folders.has(name));
  if (absent === undefined) return;
  const { name } = absent;
  const subject = `"${located.source.path}"`;
  throw new MillraceError("COLUMN_MISSING", { name, subject, found: keys, nearest: nearestName(name, keys) });
}

function foldersOf({ files }: LocatedSource): ReadonlySet<string> {
  return new Set(files.flatMap(({ partition }) => partition.map(([key]) => key)));
}

async function findKeys(located: LocatedSource, { signal }: TableContext): Promise<Wanted> {
  const keys = new Set<string>();
  for (const file of located.files)
    for (const key of (await scanFile(located, file, [], null, signal)).keys) keys.add(key);
  return [...keys].map((name) => ({ name, kind: "text" }));
}

async function scanFile(
  located: LocatedSource,
  file: LocatedFile,
  wanted: Wanted,
  output: string | null,
  signal: AbortSignal | undefined,
): Promise<JsonLinesScan> {
  const format = located.format === "json" ? "json" : "jsonl";
  try {
    return await transcribeJsonLines(file.path, wanted, output, { format, signal });
  } catch (error) {
    throw error instanceof JsonLinesFault ? malformedFile(located.source, file, format, error) : error;
  }
}
