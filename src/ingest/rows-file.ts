import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import type { Digest } from "../core/digest.ts";
import { isMillraceError, MillraceError } from "../core/errors/error.ts";

const flushChars = 1 << 20;

/**
 * Writes rows, which may come in lists, as JSON lines, the form in which rows without a file of their own are kept until they
 * are read. Bigints keep their digits, Dates become ISO 8601, infinities texts, so that none turns into another value unseen.
 *
 * Throws SOURCE_UNREADABLE for a row that is no object, for values of other types and where the rows themselves throw,
 * CANCELLED when the signal aborts.
 */
export async function writeRows(
  path: string,
  subject: string,
  rows: AsyncIterable<unknown> | Iterable<unknown>,
  signal?: AbortSignal,
): Promise<{ readonly digest: Digest; readonly nRows: number }> {
  const file = await open(path, "w");
  const hash = createHash("sha256");
  let nRows = 0;
  let pending = "";
  const flush = async (): Promise<void> => {
    hash.update(pending);
    await file.write(pending);
    pending = "";
  };
  try {
    for await (const given of rows) {
      if (signal?.aborted) throw new MillraceError("CANCELLED", { subject: `reading ${subject}` });
      for (const row of Array.isArray(given) ? (given as readonly unknown[]) : [given]) {
        pending += `${lineOf(row, ++nRows, subject)}\n`;
        if (pending.length >= flushChars) await flush();
      }
    }
    await flush();
  } catch (error) {
    if (isMillraceError(error)) throw error;
    if (signal?.aborted) throw new MillraceError("CANCELLED", { subject: `reading ${subject}` }, { cause: error });
    const reason = `after row ${nRows} it throws: ${error instanceof Error ? error.message : String(error)}`;
    throw new MillraceError("SOURCE_UNREADABLE", { path: subject, format: "rows", reason }, { cause: error });
  } finally {
    await file.close();
  }
  return { digest: `sha256:${hash.digest("hex")}`, nRows };
}

function lineOf(row: unknown, number: number, subject: string): string {
  if (typeof row !== "object" || row === null || Array.isArray(row))
    throw unusable(subject, `row ${number} is no object but ${row === null ? "null" : typeof row}`);
  const members = Object.entries(row).map(([name, value]) => {
    const text = valueText(value);
    if (text === undefined) throw unusable(subject, `row ${number} holds a ${describe(value)} in "${name}"`);
    return `${JSON.stringify(name)}:${text}`;
  });
  return `{${members.join(",")}}`;
}

function valueText(value: unknown): string | undefined {
  switch (typeof value) {
    case "string":
    case "boolean":
      return JSON.stringify(value);
    case "number":
      if (Number.isNaN(value)) return "null";
      return Object.is(value, -0) ? "-0" : Number.isFinite(value) ? JSON.stringify(value) : `"${value}"`;
    case "bigint":
      return String(value);
    case "undefined":
      return "null";
    default:
      if (value === null) return "null";
      return value instanceof Date && !Number.isNaN(value.getTime()) ? JSON.stringify(value) : undefined;
  }
}

function describe(value: unknown): string {
  return typeof value === "object" && value !== null ? (value.constructor?.name ?? "object") : typeof value;
}

function unusable(subject: string, reason: string): MillraceError {
  return new MillraceError("SOURCE_UNREADABLE", { path: subject, format: "rows", reason });
}
