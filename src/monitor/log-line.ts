import { crc32 } from "node:zlib";
import type { JsonObject, JsonValue } from "../core/json.ts";

/** One answered row: what came in, what went out, and which version answered. */
export interface PredictionEntry {
  readonly id: string;
  /** UTC milliseconds at which the request was answered. */
  readonly time: number;
  readonly version: number;
  readonly inputs: JsonObject;
  readonly output: JsonValue;
  /** Milliseconds the request spent in the predict route. */
  readonly latencyMs: number;
  /** Columns of the request that are not kept. */
  readonly redacted?: readonly string[];
}

/** Rows refused because they break the contract, counted by issue code; their values are not kept. */
export interface RejectedEntry {
  readonly kind: "rejected";
  readonly time: number;
  readonly version: number;
  /** Rows with at least one issue. */
  readonly count: number;
  /** Issues by code. */
  readonly codes: Readonly<Record<string, number>>;
}

export type LogEntry = PredictionEntry | RejectedEntry;

const crcMember = /^\{"crc":"([0-9a-f]{8})",/;
export const prefixLength: number = '{"crc":"00000000",'.length;

function hexOf(crc: number): string {
  return crc.toString(16).padStart(8, "0");
}

/** How the line begins of an object with this checksum. */
export function prefixOf(crc: number): string {
  return `{"crc":"${hexOf(crc)}",`;
}

/** The entry of a line without its newline; undefined where the line is torn or damaged. */
export function decodeLine(line: string): LogEntry | undefined {
  const found = crcMember.exec(line);
  if (!found) return undefined;
  const body = `{${line.slice(prefixLength)}`;
  return hexOf(crc32(body)) === found[1] ? (JSON.parse(body) as LogEntry) : undefined;
}

/** The id of a line of our own making, without reading the rest of it; undefined where the line begins otherwise. */
export function idOfLine(line: string): string | undefined {
  const start = prefixLength + '"id":"'.length;
  if (!line.startsWith('"id":"', prefixLength)) return undefined;
  return line.slice(start, line.indexOf('"', start));
}

/** Parts of entries as JSON without newlines, in the entries' order, where they are at hand. */
export interface EntryTexts {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/**
 * An entry as JSON; `inputs` and `output`: those parts as JSON, where they are at hand. To copy a request's own text costs a
 * fraction of writing its values anew.
 */
export function textOfEntry(entry: LogEntry, inputs?: string, output?: string): string {
  if (isRejected(entry)) return JSON.stringify(entry);
  const { id, time, version, latencyMs, redacted } = entry;
  const asked = inputs ?? textOfInputs(entry.inputs);
  const answered = output ?? JSON.stringify(entry.output);
  const left = redacted ? `,"redacted":${JSON.stringify(redacted)}` : "";
  return `{"id":${JSON.stringify(id)},"time":${time},"version":${version},"inputs":${asked},"output":${answered},"latencyMs":${latencyMs}${left}}`;
}

/** `JSON.stringify` knows no negative zero, which JSON does. */
function textOfInputs(inputs: JsonObject): string {
  const members = Object.entries(inputs);
  if (!members.some(([, value]) => Object.is(value, -0))) return JSON.stringify(inputs);
  const texts = members.map(
    ([name, value]) => `${JSON.stringify(name)}:${Object.is(value, -0) ? "-0" : JSON.stringify(value)}`,
  );
  return `{${texts.join(",")}}`;
}

export function isRejected(entry: LogEntry): entry is RejectedEntry {
  return "kind" in entry && entry.kind === "rejected";
}
