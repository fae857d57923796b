import { checkColumnNames } from "../frame/column-name.ts";
import { openArrow } from "./arrow/arrow-table.ts";
import { readBytes } from "./byte-stream.ts";
import { DelimitedFault, type DelimitedScan, DelimitedScanner } from "./delimited-scan.ts";
import { delimitedSql, longestOf } from "./delimited-sql.ts";
import { openJson } from "./json-table.ts";
import type { FileFormat, LocatedFile, LocatedSource } from "./locate.ts";
import { openCells } from "./parts/cells-table.ts";
import { openParquetTable } from "./parquet-table.ts";
import { joinFiles } from "./partitions.ts";
import type { FileKind, SourceDescription } from "./source.ts";
import {
  type FileTable,
  malformedFile,
  mostColumns,
  type Table,
  type TableContext,
  unreadable,
  unreadableFile,
} from "./table.ts";

/** The rows of a source's files, one file after the other. */
export async function openFiles(located: LocatedSource, context: TableContext): Promise<Table> {
  const { source, files } = located;
  const format = located.format!;
  const tables: FileTable[] = [];
  if (format === "jsonl" || format === "json") tables.push(...(await openJson(located, context)));
  else {
    for (const file of files) {
      const table = await openFile(source, format, file, context);
      if (table.names.length > mostColumns) throw unreadable(source, `it has more than ${mostColumns} columns`);
      checkColumnNames(table.names);
      tables.push(table);
    }
  }
  return joinFiles(source, tables);
}

function openFile(
  source: SourceDescription,
  format: FileFormat,
  file: LocatedFile,
  context: TableContext,
): Promise<FileTable> {
  if (format === "cells") return openCells(file, context);
  if (format === "arrow") return openArrow(file, context);
  return format === "parquet" ? openParquetTable(file, context) : openDelimited(source, format, file, context.signal);
}

async function openDelimited(
  source: SourceDescription,
  format: FileKind,
  file: LocatedFile,
  signal: AbortSignal | undefined,
): Promise<FileTable> {
  const delimiter = source.delimiter ?? ",";
  const hasHeader = source.header ?? true;
  const scan = await scanDelimited(source, format, file, delimiter, signal);
  const names = source.columns ?? scan.first;
  if (scan.nRecords > 0 && names.length !== scan.first.length) {
    const reason = `its lines have ${scan.first.length} cells, but ${names.length} columns are named`;
    throw unreadableFile(file, format, reason);
  }
  const dialect = { delimiter, hasHeader, quotes: source.quotes ?? true };
  const relationOf = (paths: readonly string[]): string => delimitedSql(paths, names.length, dialect, scan);
  const nRows = Math.max(0, scan.nRecords - (hasHeader ? 1 : 0));
  return {
    file,
    sql: relationOf([file.path]),
    relationOf,
    layout: JSON.stringify([names, scan.leadingBlankLines, scan.lineEnd, longestOf(scan)]),
    names,
    types: names.map(() => "VARCHAR"),
    nRows,
    emptiness: scan.nRecords === 0 ? "only blank lines" : "a header line and nothing else",
    origins: [{ file: file.name, nRows, lines: hasHeader ? linesBelow(scan.lines) : scan.lines }],
  };
}

/** Lines of rows where the first record is the header. */
function linesBelow(lines: readonly number[]): readonly number[] {
  const shifted = lines.map((value, i) => (i % 2 === 0 ? value - 1 : value));
  // The stretch that holds the header begins one row earlier than there are rows.
  if (shifted[0] === -1) [shifted[0], shifted[1]] = [0, shifted[1]! + 1];
  return shifted[2] === 0 ? shifted.slice(2) : shifted;
}

async function scanDelimited(
  source: SourceDescription,
  format: FileKind,
  file: LocatedFile,
  delimiter: string,
  signal: AbortSignal | undefined,
): Promise<DelimitedScan> {
  const scanner = new DelimitedScanner(delimiter, source.quotes);
  try {
    for await (const bytes of readBytes(file.path, signal)) scanner.add(bytes);
    return scanner.finish();
  } catch (error) {
    throw error instanceof DelimitedFault ? malformedFile(source, file, format, error) : error;
  }
}
