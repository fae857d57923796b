import { crc32 } from "node:zlib";
import { type LogEntry, prefixOf } from "./log-line.ts";

/** The line of an entry, as `LineBuffer` writes it, made of texts. */
export function encodeLine(entry: LogEntry): string {
  const body = JSON.stringify(entry);
  return `${prefixOf(crc32(body))}${body.slice(1)}\n`;
}
