import { MillraceError } from "../core/errors/error.ts";
import { readBytes } from "./byte-stream.ts";
import { splitRecord } from "./delimited-scan.ts";
import type { LocatedFile } from "./locate.ts";
import { arrow, csv, json, jsonl, kindOfPath, parquet, type Source, tsv } from "./source.ts";

const headBytes = 65_536;
const delimiters = [",", ";", "|", "\t"] as const;

/**
 * The description of a file a person points at: kind by its ending, delimiter by counting. This is the one place where
 * a guess is allowed, because a person reads what comes of it; runs are given every detail.
 *
 * `columns` say that there is no header line, unless the first line holds just these names.
 */
export async function guessSource(
  path: string,
  file: LocatedFile,
  columns: readonly string[] | undefined,
): Promise<Source> {
  const kind = kindOfPath(path);
  if (kind === "parquet") return parquet(path);
  if (kind === "jsonl") return jsonl(path);
  if (kind === "json") return json(path);
  if (kind === "arrow") return arrow(path);
  const first = await firstLine(file.path);
  const delimiter = kind === "tsv" ? "\t" : commonest(first);
  const cells = splitRecord(first, delimiter);
  const isHeader = columns !== undefined && columns.every((name, i) => name === cells[i]);
  if (columns === undefined) refuseValues(cells);
  const named = columns === undefined || isHeader ? {} : { columns };
  if (kind === "tsv") return tsv(path, named);
  return csv(path, delimiter === "," ? named : { ...named, delimiter });
}

async function firstLine(path: string): Promise<string> {
  let head = "";
  for await (const chunk of readBytes(path)) {
    head += chunk.subarray(0, headBytes).toString("utf8");
    if (head.length >= headBytes || /\S.*[\r\n]/.test(head)) break;
  }
  return /[^\r\n]*\S[^\r\n]*/.exec(head.replace(/^\uFEFF/, ""))?.[0] ?? "";
}

function commonest(line: string): string {
  const outside = line.replace(/"(?:[^"]|"")*"/g, "");
  const counts = delimiters.map((delimiter) => outside.split(delimiter).length - 1);
  return delimiters[counts.indexOf(Math.max(...counts))]!;
}

/** A header of numbers is a row of values whose names are lost. */
function refuseValues(cells: readonly string[]): void {
  const value = cells.find((cell) => cell.trim() !== "" && Number.isFinite(Number(cell)));
  if (value === undefined) return;
  const rule = "it is a number; has the file no header line?";
  throw new MillraceError("COLUMN_NAME_INVALID", { name: value, rule });
}
