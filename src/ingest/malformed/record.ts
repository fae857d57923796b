import { isUtf8 } from "node:buffer";
import * as grammar from "../delimited/grammar.ts";

/** How the records of a delimited file are written. */
export interface RecordForm {
  readonly delimiter: number;
  /** -1 where `"` is an ordinary character. */
  readonly quote: number;
  /** Cells of each record; 0 = not known yet. */
  readonly nCells: number;
  /** What ends every line; "" = not known yet. */
  readonly lineEnd: grammar.LineEnd | "";
}

/** One record as a forgiving reader takes it. */
export interface FoundRecord {
  /** Where the next one starts. */
  readonly end: number;
  /** Where its first line ends: before `end` where a quote holds line ends. */
  readonly firstLineEnd: number;
  /** Lines it takes, as the strict reader counts them. */
  readonly nLines: number;
  readonly nCells: number;
  /** "" at the end of the file. */
  readonly lineEnd: grammar.LineEnd | "";
  readonly isBlank: boolean;
  /** Why it is none of the form; null where it is one. */
  readonly fault: string | null;
  /** A quote is in fault, or may be, so that where the record ends is a guess. */
  readonly isGuess: boolean;
  /** A quote was open where the bytes ended. */
  readonly isOpen: boolean;
  /** A quote stands inside of a cell that is not quoted: sound, but where a quote was lost, the rest of one. */
  readonly hasBareQuote: boolean;
}

// Read faster in a loop over bytes than imported names.
const { afterClosingSpace, afterQuote, atCellStart, inPlainCell, inQuotes } = grammar;
const { carriageReturn, newline, space } = grammar;

/**
 * Finds the record that starts at `start`, by the grammar of `DelimitedScanner`, going on where that one stops: text after a
 * closing quote is taken for the rest of its cell, NUL and whatever else for characters. null where the bytes end before
 * the record does, unless they are the `last` ones.
 */
export function findRecord(bytes: Buffer, start: number, form: RecordForm, isLast: boolean): FoundRecord | null {
  const { delimiter, quote } = form;
  const lineByte = form.lineEnd === "\r" ? carriageReturn : newline;
  let [state, nCells, nInnerLines, firstLineEnd] = [atCellStart, 1, 0, -1];
  let [isMisquoted, hasNul, hasBareQuote, bits] = [false, false, false, 0];
  let i = start;
  for (; i < bytes.length; ++i) {
    const byte = bytes[i]!;
    bits |= byte;
    if (byte === 0) hasNul = true;
    if (state === inQuotes) {
      if (byte === quote) state = afterQuote;
      if (byte === newline) ++nInnerLines;
      if (byte === lineByte && firstLineEnd < 0) firstLineEnd = i + 1;
    } else if (byte === newline || byte === carriageReturn) break;
    else if (byte === delimiter) {
      ++nCells;
      state = atCellStart;
    } else if (state === afterQuote || state === afterClosingSpace) {
      if (byte === quote && state === afterQuote) state = inQuotes;
      else if (byte === space) state = afterClosingSpace;
      else {
        isMisquoted = true;
        state = inPlainCell;
      }
    } else if (byte === quote && state === atCellStart) state = inQuotes;
    else {
      hasBareQuote ||= byte === quote;
      if (byte !== space) state = inPlainCell;
    }
  }
  const isReturn = bytes[i] === carriageReturn;
  if (!isLast && (i === bytes.length || (isReturn && i + 1 === bytes.length))) return null;
  const lineEnd = i === bytes.length ? "" : !isReturn ? "\n" : bytes[i + 1] === newline ? "\r\n" : "\r";
  const isOpen = state === inQuotes;
  const end = i + lineEnd.length;
  const isBlank = i === start;
  const isRagged = form.nCells > 0 && nCells !== form.nCells && !isBlank;
  const isBadText = bits > 127 && !isUtf8(bytes.subarray(start, end));
  return {
    end,
    firstLineEnd: firstLineEnd < 0 ? end : firstLineEnd,
    // A CR alone where lines end with LF breaks a line in fault, but no line that anybody would count.
    nLines: nInnerLines + (lineEnd === "\r" && lineByte === newline ? 0 : 1),
    nCells,
    lineEnd,
    isBlank,
    isOpen,
    hasBareQuote,
    isGuess: isOpen || isMisquoted || (isRagged && firstLineEnd >= 0),
    fault: isOpen
      ? "opens a quote that is never closed"
      : isMisquoted
        ? "has text after a closing quote"
        : hasNul
          ? "holds a NUL byte"
          : isBadText
            ? "holds bytes that are not UTF-8"
            : isRagged
              ? `has ${nCells} ${nCells === 1 ? "cell" : "cells"}, the first line has ${form.nCells}`
              : endFault(lineEnd, form.lineEnd),
  };
}

function endFault(lineEnd: grammar.LineEnd | "", wanted: grammar.LineEnd | ""): string | null {
  if (lineEnd === "" || wanted === "" || lineEnd === wanted) return null;
  return `ends with ${grammar.lineEndNames[lineEnd]}, the first line with ${grammar.lineEndNames[wanted]}`;
}
