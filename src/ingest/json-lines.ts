import { isUtf8 } from "node:buffer";
import { open } from "node:fs/promises";
import { jsonDepth } from "../core/json.ts";
import type { Kind } from "../frame/column.ts";
import { readBytes } from "./byte-stream.ts";
import { mayBeAnotherNumber, nonZero } from "./delimited/cell-values.ts";
import { deepestNesting, jsonFault, JsonLinesFault, largestElement, splitElements } from "./json-list.ts";
import { LineIndex } from "./line-index.ts";

/** What a pass over a file of JSON lines found. */
export interface JsonLinesScan {
  readonly nRows: number;
  /** Every key of every line, in order of appearance. */
  readonly keys: readonly string[];
  /** An upper bound for the longest record written. */
  readonly longestRecordBytes: number;
  /** Pairs of (row, line), as in an origin of rows. */
  readonly lines: readonly number[];
}

const newline = 0x0a;
const flushChars = 1 << 20;

/**
 * Reads JSON lines, or the objects of a JSON list, with the platform's strict parser (DuckDB's accepts 9 of 188 texts that must be refused) and writes
 * the wanted keys as cells of a delimited file, all quoted, absent and null as empty, so that one path converts both.
 * Integers of 16 digits or more keep their digits. Blank lines are skipped.
 */
export async function transcribeJsonLines(
  path: string,
  wanted: readonly { readonly name: string; readonly kind: Kind }[],
  output: string | null,
  options: { readonly format?: "jsonl" | "json"; readonly signal?: AbortSignal | undefined } = {},
): Promise<JsonLinesScan> {
  const isList = options.format === "json";
  const index = new LineIndex();
  const keys = new Set<string>();
  const cells = wanted.map(({ name, kind }) => ({ key: name, normal: name.normalize("NFC"), kind }));
  const file = output === null ? null : await open(output, "w");
  let nRows = 0;
  let line = 0;
  let longestRecordBytes = 0;
  let pending = "";
  try {
    const chunks = readBytes(path, options.signal);
    for await (const bytes of isList ? splitElements(chunks) : splitLines(chunks)) {
      const row = parseLine(bytes, ++line, isList ? "element" : "line");
      if (!row) continue;
      if (!isList) index.add(nRows, line);
      ++nRows;
      for (const key of Object.keys(row)) if (!keys.has(key)) meet(key, keys, cells);
      if (!file) continue;
      const record = recordOf(row, cells);
      longestRecordBytes = Math.max(longestRecordBytes, 3 * record.length);
      pending += record;
      if (pending.length < flushChars) continue;
      await file.write(pending);
      pending = "";
    }
    await file?.write(pending);
  } finally {
    await file?.close();
  }
  return { nRows, keys: [...keys], longestRecordBytes, lines: index.pairs };
}

/** The lines of a file, without what ends them. Throws JsonLinesFault for one of more than 64 MiB. */
export async function* splitLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  let carry: Buffer[] = [];
  let carried = 0;
  let nLines = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      const tail = chunk.subarray(start, end);
      yield carry.length > 0 ? Buffer.concat([...carry, tail]) : tail;
      carry = [];
      carried = 0;
      ++nLines;
      start = end + 1;
    }
    carried += chunk.length - start;
    if (carried > largestElement) throw new JsonLinesFault(`line ${nLines + 1} is larger than 64 MiB`);
    if (start < chunk.length) carry.push(Buffer.from(chunk.subarray(start)));
  }
  if (carry.length > 0) yield Buffer.concat(carry);
}

const shortLine = 4_096;

/** The object a line holds; undefined where it is blank. Throws JsonLinesFault. */
export function parseLine(
  bytes: Buffer,
  line: number,
  unit: "line" | "element",
): Readonly<Record<string, unknown>> | undefined {
  if (!isUtf8(bytes)) throw new JsonLinesFault(`${unit} ${line} holds bytes that are not UTF-8`);
  const text = bytes.toString("utf8").replace(line === 1 ? /^\uFEFF/ : /^(?!)/, "");
  if (text.trim() === "") return undefined;
  // The parser goes through any depth, for seconds, and what writes cells does not: short lines are not worth the look.
  if (bytes.length >= shortLine && jsonDepth(text) > deepestNesting)
    throw new JsonLinesFault(`${unit} ${line} is nested too deep`);
  let row: unknown;
  try {
    row = JSON.parse(text);
  } catch (error) {
    throw new JsonLinesFault(`${unit} ${line} is ${jsonFault(error)}`);
  }
  if (typeof row !== "object" || row === null || Array.isArray(row)) {
    throw new JsonLinesFault(`${unit} ${line} holds no JSON object but ${Array.isArray(row) ? "a list" : typeof row}`);
  }
  const source = mayBeAnotherNumber.test(text) ? (JSON.parse(quoteLostNumbers(text)) as object) : row;
  return source as Readonly<Record<string, unknown>>;
}

/** Numbers are doubles to the parser; as texts, those that it would change keep their digits and the conversion can judge them. */
function quoteLostNumbers(json: string): string {
  return json.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) =>
    !token.startsWith('"') && isLost(token) ? `"${token}"` : token,
  );
}

function isLost(token: string): boolean {
  const value = Number(token);
  return /^-?\d{16,}$/.test(token) || !Number.isFinite(value) || (value === 0 && nonZero.test(token));
}

/** A column to be written, and the key it has in the file. */
interface WantedCell {
  key: string;
  /** Its name in Unicode's composed form: a file may spell it in another one. */
  readonly normal: string;
  readonly kind: Kind;
}

function meet(key: string, keys: Set<string>, cells: readonly WantedCell[]): void {
  keys.add(key);
  const normal = key.normalize("NFC");
  for (const cell of cells) if (cell.normal === normal) cell.key = key;
}

function recordOf(row: Readonly<Record<string, unknown>>, cells: readonly WantedCell[]): string {
  const texts: string[] = [];
  for (const { key, kind } of cells) {
    const value = Object.hasOwn(row, key) ? row[key] : null;
    texts.push(`"${cellOf(value, kind).replaceAll('"', '""')}"`);
  }
  return `${texts.join(",")}\n`;
}

function cellOf(value: unknown, kind: Kind): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return value;
  if (typeof value === "number")
    return kind === "timestamp" ? instantOf(value) : Object.is(value, -0) ? "-0" : String(value);
  return typeof value === "boolean" ? String(value) : JSON.stringify(value);
}

/** A number in a timestamp column is milliseconds since 1970 UTC, as in a request. */
function instantOf(ms: number): string {
  const instant = new Date(ms);
  return Number.isNaN(instant.getTime()) ? String(ms) : instant.toISOString();
}
