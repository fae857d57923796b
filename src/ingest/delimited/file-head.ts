import { byteOrderMarkLength } from "../byte-order-mark.ts";
import { DelimitedFault, DelimitedScanner } from "../delimited-scan.ts";
import { carriageReturn, newline, quote } from "./grammar.ts";

/** How a delimited file begins. */
export interface FileHead {
  /** Cells of the first record. */
  readonly first: readonly string[];
  readonly lineEnd: "\n" | "\r\n";
  /** Where the first record starts and where the one after it. */
  readonly start: number;
  readonly end: number;
  /** Lines before each of the two. */
  readonly linesBefore: number;
  readonly lines: number;
}

/** The head of a file from its first bytes; null where they hold no whole record, or none that is sound. */
export function headOf(bytes: Buffer, delimiter: string, quotes: boolean): FileHead | null {
  let start = byteOrderMarkLength(bytes);
  let linesBefore = 0;
  for (; bytes[start] === newline || (bytes[start] === carriageReturn && bytes[start + 1] === newline); ++linesBefore) {
    start += bytes[start] === newline ? 1 : 2;
  }
  let lines = linesBefore;
  let end = start;
  let isOpen = false;
  for (; end < bytes.length; ++end) {
    if (bytes[end] === quote && quotes) isOpen = !isOpen;
    if (bytes[end] !== newline) continue;
    ++lines;
    if (!isOpen) break;
  }
  if (end >= bytes.length) return null;
  const scanner = new DelimitedScanner(delimiter, quotes);
  try {
    scanner.add(bytes.subarray(0, end + 1));
    const { first, nRecords, lineEnd } = scanner.finish();
    return nRecords !== 1 || lineEnd === "\r" ? null : { first, lineEnd, start, end: end + 1, linesBefore, lines };
  } catch (error) {
    if (error instanceof DelimitedFault) return null;
    throw error;
  }
}
