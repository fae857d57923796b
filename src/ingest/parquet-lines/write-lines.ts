import { realpath, stat } from "node:fs/promises";
import { type ColumnData, type Kind, missingBoolean, missingCode } from "../../frame/column.ts";
import type { Contract } from "../../frame/contract.ts";
import type { Frame } from "../../frame/frame.ts";
import { formatTimestamp } from "../../frame/timestamp.ts";
import { withQuery } from "../../query/session.ts";
import { type Conversion, convert, withParsed } from "../convert.ts";
import { eachFrame } from "../dataset.ts";
import { ParquetFault } from "../parquet-shape.ts";
import { openParquetTable } from "../parquet-table.ts";

/** A column that is wanted of a file. */
export interface WantedColumn {
  readonly name: string;
  readonly kind: Kind;
}

/** What a Parquet file says of itself. */
export interface ParquetHead {
  readonly names: readonly string[];
  readonly nRows: number;
}

/** Takes the head of a file and then its rows, as texts of JSON lines. */
export interface LineSink {
  head(head: ParquetHead): void;
  write(lines: string): Promise<void>;
}

/** Rows that are turned into lines together. */
const rowsAtOnce = 2_048;
const longestShown = 100;
/** Of DuckDB's buffers. */
const memoryMb = 256;

/**
 * Writes the rows of a Parquet file as JSON lines: of each row those of the wanted columns that the file has, converted as a source
 * of training converts them, so that what would be a value there is one here. A cell that is none of its column's kind is a text
 * of what it holds, for the contract to refuse. Throws ParquetFault, with nothing in it that names a file.
 */
export async function writeParquetLines(path: string, wanted: readonly WantedColumn[], sink: LineSink): Promise<void> {
  try {
    await writeLines(await realpath(path), wanted, sink);
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    if (cause instanceof ParquetFault) throw cause;
    // What DuckDB says may name the file.
    const isTooMuch = /out of memory/i.test(String(cause));
    throw new ParquetFault(
      isTooMuch
        ? `reading it takes more than ${memoryMb} MB of buffers`
        : "it is damaged, or holds what cannot be decoded",
    );
  }
}

async function writeLines(path: string, wanted: readonly WantedColumn[], sink: LineSink): Promise<void> {
  const { size, mtimeMs } = await stat(path);
  const file = { path, sizeBytes: size, modifiedMs: mtimeMs, name: "the file", partition: [] };
  // One thread: whoever asks has other work to do, too.
  await withQuery({ files: [path], threads: 1, memoryMb }, async (session) => {
    const context = { session, folder: "", wanted, mayLackKeys: false, signal: undefined, nextFile: () => 0 };
    const table = await openParquetTable(file, context);
    const { names, nRows } = table;
    sink.head({ names, nRows });
    const found = wanted.filter(({ name }) => names.includes(name));
    if (found.length === 0) return;
    const cells = found.map(({ name, kind }) => {
      const position = names.indexOf(name);
      return { name, kind, conversion: convert(`c${position}`, table.types[position]!, kind, []) };
    });
    const { contract, relation } = selectionOf(cells, table.sql);
    const own = { names: contract.columns.map(({ name }) => name), nRows, relation };
    const nRead = await eachFrame(session, own, contract, rowsAtOnce, (frame) => sink.write(linesOf(cells, frame)));
    if (nRead !== nRows) throw new ParquetFault(`it says it holds ${nRows} rows, of which ${nRead} can be read`);
  });
}

interface Cells extends WantedColumn {
  readonly conversion: Conversion;
}

/** The values of all columns, and behind them, of each whose conversion can fail, what those cells hold that are no value. */
function selectionOf(cells: readonly Cells[], sql: string): { readonly contract: Contract; readonly relation: string } {
  const partial = cells.filter(({ conversion }) => !conversion.isTotal);
  const selected = [
    ...cells.map(({ kind, conversion }) => ({ kind, sql: conversion.value })),
    ...partial.map(({ conversion }) => ({ kind: "text" as const, sql: shownWhereBad(conversion) })),
  ];
  const parsed = withParsed(
    sql,
    cells.map(({ conversion }) => conversion),
  );
  return {
    // Names of ours: those of the file enter no query.
    contract: {
      columns: selected.map(({ kind }, i) => ({ name: `c${i}`, kind, missing: 1, onViolation: "fail" })),
    },
    relation: `(SELECT ${selected.map((one, i) => `${one.sql} AS c${i}`).join(", ")} FROM ${parsed})`,
  };
}

function shownWhereBad({ value, present, shown }: Conversion): string {
  return `CASE WHEN (${value}) IS NULL AND ${present} THEN left(${shown}, ${longestShown}) END`;
}

function linesOf(cells: readonly Cells[], { nRows, columns }: Frame): string {
  let nPartial = 0;
  const members = cells.map(({ name, conversion }, i) => {
    const text = cellTexts(columns[i]!);
    const bad = conversion.isTotal ? null : (columns[cells.length + nPartial++]! as ColumnData & { kind: "text" });
    const key = `${i === 0 ? "{" : ","}${JSON.stringify(name)}:`;
    return (row: number): string => {
      const shown = bad?.values[row] ?? null;
      return key + (shown === null ? text(row) : JSON.stringify(shown));
    };
  });
  let lines = "";
  for (let row = 0; row < nRows; ++row) {
    for (const member of members) lines += member(row);
    lines += "}\n";
  }
  return lines;
}

/** The values of a column as JSON, by row. */
function cellTexts(column: ColumnData): (row: number) => string {
  switch (column.kind) {
    case "number":
      return (row) => numberText(column.values[row]!);
    case "timestamp":
      return (row) => (Number.isNaN(column.values[row]) ? "null" : `"${formatTimestamp(column.values[row]!)}"`);
    case "boolean":
      return (row) => (column.values[row] === missingBoolean ? "null" : String(column.values[row] === 1));
    case "category": {
      const levels = column.levels.map((level) => JSON.stringify(level));
      return (row) => (column.codes[row] === missingCode ? "null" : levels[column.codes[row]!]!);
    }
    case "text":
      return (row) => JSON.stringify(column.values[row]);
  }
}

/** All digits of a large whole number: the shortest ones that tell it from other doubles are another integer. */
function numberText(value: number): string {
  if (Number.isNaN(value)) return "null";
  if (Object.is(value, -0)) return "-0";
  return Math.abs(value) >= 2 ** 53 && Math.abs(value) < 1e21 ? String(BigInt(value)) : String(value);
}
