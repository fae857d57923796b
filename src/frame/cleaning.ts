import { trimBlanks } from "./blanks.ts";
import { type ColumnData, mapLevels } from "./column.ts";
import type { ContractColumn } from "./contract.ts";
import { isKeptHidden } from "./privacy.ts";
import { parseTimestamp } from "./timestamp.ts";

/** How the values of a column are cleaned before anything else looks at them, as plain data. */
export interface Cleaning {
  /** Without blanks at both ends. Numbers, booleans and times are read so anyway. */
  readonly trim: boolean;
  readonly case: "lower" | "upper" | null;
  /** Texts that mean "missing" in this column. */
  readonly missing: readonly string[];
  /** number: the units that stand behind values and what each is of the one that is kept; "" = where none stands. */
  readonly units: Readonly<Record<string, number>> | null;
  /** timestamp: how dates are written, such as "DD.MM.YYYY"; "ISO" = ISO 8601, the only way where this is null. */
  readonly dates: readonly string[] | null;
}

/**
 * The column of a request cleaned as its snapshot was, so that a value means what it meant in training. Numbers and times
 * come as such: of them, those that a missing text says are missing. What is kept as a hash or masked comes so already.
 */
export function cleanedColumn(data: ColumnData, { clean, privacy }: ContractColumn): ColumnData {
  if (clean === undefined) return data;
  switch (data.kind) {
    case "number":
      return { ...data, values: withoutValues(data.values, clean.missing.map(numberIn)) };
    case "timestamp":
      return { ...data, values: withoutValues(data.values, clean.missing.map(parseTimestamp)) };
    case "boolean":
      return data;
    case "category":
      return mapLevels(data, (level) => cleanedText(level, clean));
    case "text": {
      if (isKeptHidden(privacy)) return data;
      return { kind: "text", values: data.values.map((text) => (text === null ? null : cleanedText(text, clean))) };
    }
  }
}

/** NaN where the text is no number; an empty one is none. */
function numberIn(text: string): number {
  return text.trim() === "" ? NaN : Number(text);
}

function withoutValues(values: Float64Array, missing: readonly number[]): Float64Array {
  return missing.length === 0 ? values : values.map((value) => (missing.includes(value) ? NaN : value));
}

/** What is kept of a text; null where it means "missing". */
export function cleanedText(text: string, { trim, case: letters, missing }: Cleaning): string | null {
  const trimmed = trimBlanks(text);
  if (missing.includes(trimmed)) return null;
  const kept = trim ? trimmed : text;
  const cased = letters === null ? kept : inCase(kept, letters);
  return cased === "" ? null : cased;
}

/** Letters of Unicode 15.1 to 17, which DuckDB's tables do not have; whether those of Node do depends on its release. */
const newLetters =
  /[\u019b\u0264\u1c89\u1c8a\ua7cb-\ua7cf\ua7d2-\ua7d5\ua7da-\ua7dc\u{10d50}-\u{10d65}\u{10d70}-\u{10d85}\u{16ea0}-\u{16eb8}\u{16ebb}-\u{16ed3}]/u;

/** Letters that JavaScript turns into two; those of `hasIota` are others. */
const capitals: ReadonlyMap<string, string> = new Map([
  ["ß", "ẞ"],
  ["\u1fb3", "\u1fbc"],
  ["\u1fc3", "\u1fcc"],
  ["\u1ff3", "\u1ffc"],
]);

/** Whether it is one of the small Greek letters with an iota below that come in eights, each eight before its capitals. */
function hasIota(code: number): boolean {
  return code >= 0x1f80 && code < 0x1fb0 && (code & 8) === 0;
}

/** Character by character, each to one, as DuckDB does where it reads a file: a text must not depend on who cleaned it. */
function inCase(text: string, letters: "lower" | "upper"): string {
  const isAscii = /^[\0-\x7f]*$/.test(text); // the common case
  if (isAscii) return letters === "lower" ? text.toLowerCase() : text.toUpperCase();
  return Array.from(text, (letter) => letterIn(letter, letters)).join("");
}

function letterIn(letter: string, letters: "lower" | "upper"): string {
  if (newLetters.test(letter)) return letter;
  if (letters === "lower") return letter === "İ" ? "i" : letter.toLowerCase();
  const code = letter.codePointAt(0)!;
  const capital = hasIota(code) ? String.fromCodePoint(code + 8) : (capitals.get(letter) ?? letter.toUpperCase());
  return Array.from(capital).length === 1 ? capital : letter;
}
