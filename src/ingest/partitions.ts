import { MillraceError } from "../core/errors/error.ts";
import { quoteLiteral } from "../query/quote.ts";
import type { SourceDescription } from "./source.ts";
import { columnList, type FileTable, type Table } from "./table.ts";

/**
 * Several files as one table: columns are matched by name, folders `key=value` become columns beside them. Files of other
 * columns or other types are refused, for what they mean cannot be known.
 *
 * Throws SOURCE_MISMATCH.
 */
export function joinFiles(source: SourceDescription, tables: readonly FileTable[]): Table {
  const [first] = tables;
  const keys = first!.file.partition.map(([key]) => key).filter((key) => !first!.names.includes(key));
  if (tables.length === 1 && keys.length === 0) return first!;
  for (const table of tables) {
    requireSameColumns(source, first!, table);
    requireSamePartitions(source, first!, table);
  }
  const selects = runsOf(tables).map((run) => selectOf(run, first!.names, keys));
  return {
    sql: `(${selects.join(" UNION ALL ")})`,
    names: [...first!.names, ...keys],
    types: [...first!.types, ...keys.map(() => "VARCHAR")],
    nRows: tables.reduce((sum, table) => sum + table.nRows, 0),
    emptiness: `${tables.length} files without rows`,
    origins: tables.flatMap((table) => table.origins),
    ...(first!.keys && { keys: first!.keys }),
  };
}

/** Neighbours that one call reads. */
function runsOf(tables: readonly FileTable[]): FileTable[][] {
  const runs: FileTable[][] = [];
  const keyOf = ({ layout, file }: FileTable): string => `${layout} ${JSON.stringify(file.partition)}`;
  for (const table of tables) {
    const run = runs.at(-1);
    if (run && keyOf(run[0]!) === keyOf(table)) run.push(table);
    else runs.push([table]);
  }
  return runs;
}

function selectOf(run: readonly FileTable[], names: readonly string[], keys: readonly string[]): string {
  const [table] = run;
  const own = names.map((name, i) => `c${table!.names.indexOf(name)} AS c${i}`);
  const values = new Map(table!.file.partition);
  const constants = keys.map((key, i) => {
    const value = values.get(key) ?? null;
    return `${value === null ? "NULL::VARCHAR" : `${quoteLiteral(value)}::VARCHAR`} AS c${names.length + i}`;
  });
  const from = run.length === 1 ? table!.sql : table!.relationOf(run.map(({ file }) => file.path));
  return `SELECT ${[...own, ...constants].join(", ") || columnList(0)} FROM ${from}`;
}

function requireSameColumns(source: SourceDescription, first: FileTable, other: FileTable): void {
  const subject = `"${other.file.name}"`;
  const absent = first.names.filter((name) => !other.names.includes(name));
  const extra = other.names.filter((name) => !first.names.includes(name));
  if (absent.length + extra.length > 0) {
    const actual = [
      ...(absent.length > 0 ? [`none called ${absent.join(", ")}`] : []),
      ...(extra.length > 0 ? [`also ${extra.join(", ")}`] : []),
    ].join(" and ");
    const rule = `must have the columns of "${first.file.name}"`;
    throw new MillraceError("SOURCE_MISMATCH", { subject, rule, actual, remedy: remedyOf(source) });
  }
  for (const [i, name] of first.names.entries()) {
    const type = other.types[other.names.indexOf(name)]!;
    if (first.types[i] === type) continue;
    const rule = `must hold "${name}" as ${first.types[i]}, as "${first.file.name}" does`;
    throw new MillraceError("SOURCE_MISMATCH", { subject, rule, actual: type, remedy: remedyOf(source) });
  }
}

function requireSamePartitions(source: SourceDescription, first: FileTable, other: FileTable): void {
  const keysOf = ({ file }: FileTable): string => file.partition.map(([key]) => key).join("/");
  if (keysOf(first) === keysOf(other)) return;
  const subject = `the folders of "${other.file.name}"`;
  const rule = `must name the partitions of "${first.file.name}" (${keysOf(first) || "none"})`;
  const actual = keysOf(other) || "none";
  throw new MillraceError("SOURCE_MISMATCH", { subject, rule, actual, remedy: remedyOf(source) });
}

function remedyOf(source: SourceDescription): string {
  return `Narrow the pattern of ${source.kind}(), or bring both to one shape with union() and sql().`;
}
