import { refuse } from "./refusal.ts";

/** The lines `key=value` of one part of the file; the first of equal keys counts, keys without a value have "". */
export type Lines = ReadonlyMap<string, string>;

/** A LightGBM text model as its parts: the head, one part a tree, and the levels pandas knew. */
export interface LightgbmText {
  readonly head: Lines;
  readonly trees: readonly Lines[];
  /** One list of levels for each category column, in order; null where categories are numbers as they stand. */
  readonly pandasCategories: readonly (readonly unknown[])[] | null;
}

/** Cuts a file into its parts; what follows the trees (importances, parameters) does not reach a prediction. */
export function cutLightgbm(text: string): LightgbmText {
  const lines = text.split(/\r?\n/);
  if (lines[0] !== "tree") refuse('it does not begin with the line "tree" of a LightGBM text model');
  const end = lines.indexOf("end of trees");
  if (end < 0) refuse('it has no line "end of trees": it is cut short');
  const parts: Map<string, string>[] = [new Map()];
  for (let i = 1; i < end; ++i) {
    const line = lines[i]!;
    const cut = line.indexOf("=");
    const key = cut < 0 ? line : line.slice(0, cut);
    const value = cut < 0 ? "" : line.slice(cut + 1);
    if (key === "Tree") {
      if (value !== String(parts.length - 1)) refuse(`tree ${parts.length - 1} is named "${value.slice(0, 20)}"`);
      parts.push(new Map());
    }
    const part = parts.at(-1)!;
    if (!part.has(key)) part.set(key, value);
  }
  return { head: parts[0]!, trees: parts.slice(1), pandasCategories: pandasCategoriesOf(lines.slice(end)) };
}

/** The words of a line; none where it is absent or empty. */
export function wordsOf(lines: Lines, key: string): readonly string[] {
  const value = lines.get(key)?.trim() ?? "";
  return value === "" ? [] : value.split(/\s+/);
}

/** A list of exactly `length` numbers; `infinite` lets infinite ones pass. */
export function numbersOf(lines: Lines, key: string, length: number, infinite = false): Float64Array {
  const words = wordsOf(lines, key);
  if (words.length !== length) refuse(`${key} has ${words.length} numbers, not ${length}`);
  return Float64Array.from(words, (word) => {
    const value = numberOf(word);
    if (Number.isNaN(value) || (!infinite && !Number.isFinite(value))) refuse(`${key} holds "${word.slice(0, 40)}"`);
    return value;
  });
}

/** As `numbersOf`, whole numbers in [min, max]. */
export function wholesOf(lines: Lines, key: string, length: number, min: number, max: number): Float64Array {
  const values = numbersOf(lines, key, length);
  for (const value of values)
    if (!Number.isInteger(value) || value < min || value > max)
      refuse(`${key} holds ${value}, which is no whole number in [${min}, ${max}]`);
  return values;
}

export function wholeOf(lines: Lines, key: string, min: number, max: number): number {
  return wholesOf(lines, key, 1, min, max)[0]!;
}

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** A decimal number as C++ prints one; NaN for anything else. */
function numberOf(word: string): number {
  if (decimal.test(word)) return Number(word);
  if (word === "inf") return Infinity;
  return word === "-inf" ? -Infinity : Number.NaN;
}

function pandasCategoriesOf(lines: readonly string[]): readonly (readonly unknown[])[] | null {
  const key = "pandas_categorical:";
  const line = lines.find((candidate) => candidate.startsWith(key));
  if (line === undefined) return null;
  let value: unknown;
  try {
    value = JSON.parse(line.slice(key.length));
  } catch {
    return refuse("pandas_categorical is not JSON");
  }
  if (value === null) return null;
  if (!Array.isArray(value) || !value.every((levels) => Array.isArray(levels)))
    return refuse("pandas_categorical is not lists of levels");
  return value.length === 0 ? null : value;
}
