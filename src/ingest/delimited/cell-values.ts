import { trimBlanks } from "../../frame/blanks.ts";
import { parseTimestamp } from "../../frame/timestamp.ts";

/** Texts that mean "missing" where a number, a boolean or a timestamp is expected; surrounding blanks do not count. */
export const missingTexts: readonly string[] = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"];

/** Booleans, in any case. */
export const trueTexts: readonly string[] = ["true", "t", "yes", "y", "1", "1.0"];
export const falseTexts: readonly string[] = ["false", "f", "no", "n", "0", "0.0"];

const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const whole = /^[+-]?\d+$/;
/** Written as another number than 0. */
export const nonZero: RegExp = /^[^eE]*[1-9]/;
const clock = "\\d{4}-\\d{2}-\\d{2}(?:[T ](?:[01]\\d|2[0-3]):\\d{2}(?::\\d{2}(?:\\.\\d{1,9})?)?";
const utc = new RegExp(`^${clock}(?:Z| UTC)?)?$`);
const zoned = new RegExp(`^${clock}[+-]\\d{2}(?::?\\d{2})?)$`);

/** Whether a text means "missing" where a number, a boolean or a timestamp is expected. */
export function isMissingText(text: string, missing: readonly string[]): boolean {
  const trimmed = trimBlanks(text);
  return missingTexts.includes(trimmed) || missing.includes(trimmed);
}

/**
 * The finite number a text writes; NaN for anything else, for integers of 2^53 and beyond that a double would round, and for
 * what is so small that it would become 0.
 */
export function numberOf(text: string): number {
  const trimmed = text.replace(/^[ \t\n\v\f\r]+|[ \t\n\v\f\r]+$/g, "");
  if (!decimal.test(trimmed)) return NaN;
  const value = Number(trimmed);
  if (!Number.isFinite(value) || (value === 0 && nonZero.test(trimmed))) return NaN;
  if (Math.abs(value) < 9_007_199_254_740_992 || !whole.test(trimBlanks(text))) return value;
  return BigInt(trimmed.replace("+", "")) === BigInt(value) ? value : NaN;
}

/** In JSON, only with so many digits, in a number or in its exponent, is a double another number than what is written, 0 or infinite. */
export const mayBeAnotherNumber: RegExp = /\d{16}|[eE][+-]?\d{3}/;

/** 1, 0, or 255 where the text is neither true nor false. */
export function truthOf(text: string): number {
  const word = trimBlanks(text).toLowerCase();
  return trueTexts.includes(word) ? 1 : falseTexts.includes(word) ? 0 : 255;
}

/** UTC milliseconds of an ISO 8601 text with a year of four digits, blanks around it allowed; NaN where it is none. */
export function instantOf(text: string): number {
  const trimmed = text.replace(/^ +| +$/g, "");
  if (utc.test(trimmed)) return parseTimestamp(trimmed.replace(/Z$| UTC$/, ""));
  if (!zoned.test(trimmed)) return NaN;
  const isHourAlone = /[+-]\d{2}$/.test(trimmed) && !/[+-]\d{2}:?\d{2}$/.test(trimmed.slice(16));
  return parseTimestamp(isHourAlone ? `${trimmed}:00` : trimmed);
}
