import { missingCode, type CategoryColumnData, type ColumnData, type NumberColumnData } from "../column.ts";
import { lengthOf } from "../frame.ts";

/*
 * Kernels over truth values (0, 1, 255 for missing) and levels (positions, -1 for missing), and choices between columns.
 * An operand is read with a step of 1 (a column) or 0 (a constant held once).
 */

/** Kleene's and: false wins over missing. */
export function conjunction(a: Uint8Array, aStep: number, b: Uint8Array, bStep: number, n: number): Uint8Array {
  const out = new Uint8Array(n);
  for (let i = 0, ia = 0, ib = 0; i < n; ++i, ia += aStep, ib += bStep) {
    const p = a[ia]!;
    const q = b[ib]!;
    out[i] = p === 0 || q === 0 ? 0 : p === 1 && q === 1 ? 1 : 255;
  }
  return out;
}

/** Kleene's or: true wins over missing. */
export function disjunction(a: Uint8Array, aStep: number, b: Uint8Array, bStep: number, n: number): Uint8Array {
  const out = new Uint8Array(n);
  for (let i = 0, ia = 0, ib = 0; i < n; ++i, ia += aStep, ib += bStep) {
    const p = a[ia]!;
    const q = b[ib]!;
    out[i] = p === 1 || q === 1 ? 1 : p === 0 && q === 0 ? 0 : 255;
  }
  return out;
}

export function negation(a: Uint8Array): Uint8Array {
  const out = new Uint8Array(a.length);
  for (let i = 0; i < a.length; ++i) out[i] = a[i] === 255 ? 255 : 1 - a[i]!;
  return out;
}

/** 1, 0, or NaN for missing. */
export function truthNumbers(a: Uint8Array): Float64Array {
  const out = new Float64Array(a.length);
  for (let i = 0; i < a.length; ++i) out[i] = a[i] === 255 ? NaN : a[i]!;
  return out;
}

/** 1 where the level is one of `wanted`. */
export function levelsAmong(column: CategoryColumnData, wanted: readonly string[]): Uint8Array {
  const { codes, levels } = column;
  const isWanted = new Uint8Array(levels.length);
  for (let i = 0; i < levels.length; ++i) isWanted[i] = wanted.includes(levels[i]!) ? 1 : 0;
  const out = new Uint8Array(codes.length);
  for (let i = 0; i < codes.length; ++i) {
    const code = codes[i]!;
    out[i] = code < 0 ? 255 : isWanted[code]!;
  }
  return out;
}

/** The pairs of levels that occur, joined by "|"; equal texts of different pairs ("a|b" with "c", "a" with "b|c") are one level. */
export function crossed(
  a: CategoryColumnData,
  aStep: number,
  b: CategoryColumnData,
  bStep: number,
  n: number,
): CategoryColumnData {
  const codes = new Int32Array(n);
  const levels: string[] = [];
  const codeOfLevel = new Map<string, number>();
  const codeOfPair = new Map<number, number>();
  const nRight = b.levels.length;
  for (let i = 0, ia = 0, ib = 0; i < n; ++i, ia += aStep, ib += bStep) {
    const left = a.codes[ia]!;
    const right = b.codes[ib]!;
    if (left < 0 || right < 0) {
      codes[i] = missingCode;
      continue;
    }
    const pair = left * nRight + right;
    let code = codeOfPair.get(pair);
    if (code === undefined) {
      const level = `${a.levels[left]}|${b.levels[right]}`;
      code = codeOfLevel.get(level) ?? levels.length;
      if (code === levels.length) levels.push(level);
      codeOfLevel.set(level, code);
      codeOfPair.set(pair, code);
    }
    codes[i] = code;
  }
  return { kind: "category", codes, levels };
}

/** 1 where the value is missing, else 0. */
export function missingFlags(column: ColumnData): Uint8Array {
  const out = new Uint8Array(lengthOf(column));
  switch (column.kind) {
    case "number":
    case "timestamp":
      for (let i = 0; i < out.length; ++i) out[i] = column.values[i] === column.values[i] ? 0 : 1;
      break;
    case "boolean":
      for (let i = 0; i < out.length; ++i) out[i] = column.values[i]! > 1 ? 1 : 0;
      break;
    case "category":
      for (let i = 0; i < out.length; ++i) out[i] = column.codes[i]! < 0 ? 1 : 0;
      break;
    case "text":
      for (let i = 0; i < out.length; ++i) out[i] = column.values[i] === null ? 1 : 0;
      break;
  }
  return out;
}

/** A condition and two columns of one kind, each with its step. */
export interface Choice {
  readonly condition: Uint8Array;
  readonly conditionStep: number;
  readonly a: ColumnData;
  readonly aStep: number;
  readonly b: ColumnData;
  readonly bStep: number;
}

/** Row by row `a` where the condition is true, `b` where it is false, missing where it is missing. */
export function chosen(choice: Choice, n: number): ColumnData {
  const { a, b } = choice;
  if (a.kind === "category" && b.kind === "category") return chosenLevels(choice, a, b, n);
  if (a.kind === "text" && b.kind === "text") return chosenTexts(choice, a.values, b.values, n);
  if (a.kind === "boolean" && b.kind === "boolean") {
    const values = new Uint8Array(n);
    choose(choice, a.values, b.values, 255, values);
    return { kind: "boolean", values };
  }
  const [left, right] = [a as NumberColumnData, b as NumberColumnData];
  const values = new Float64Array(n);
  choose(choice, left.values, right.values, NaN, values);
  return { kind: a.kind as "number" | "timestamp", values };
}

type Values = Float64Array | Uint8Array | Int32Array;

function choose(choice: Choice, a: Values, b: Values, missing: number, out: Values): void {
  const { condition, conditionStep, aStep, bStep } = choice;
  const n = out.length;
  for (let i = 0, ic = 0, ia = 0, ib = 0; i < n; ++i, ic += conditionStep, ia += aStep, ib += bStep) {
    const truth = condition[ic]!;
    out[i] = truth === 1 ? a[ia]! : truth === 0 ? b[ib]! : missing;
  }
}

/** Levels are those of `a`, then those of `b` that `a` does not have. */
function chosenLevels(choice: Choice, a: CategoryColumnData, b: CategoryColumnData, n: number): ColumnData {
  const levels = a.levels.slice();
  // A search through a short list is quicker than building a map, and most lists are short.
  const codeOf = levels.length > 16 ? new Map(levels.map((level, code) => [level, code])) : undefined;
  const recoded = new Int32Array(b.levels.length);
  for (let i = 0; i < recoded.length; ++i) {
    const level = b.levels[i]!;
    const known = codeOf ? (codeOf.get(level) ?? -1) : a.levels.indexOf(level);
    recoded[i] = known < 0 ? levels.push(level) - 1 : known;
  }
  const bCodes = new Int32Array(b.codes.length);
  for (let i = 0; i < bCodes.length; ++i) bCodes[i] = b.codes[i]! < 0 ? missingCode : recoded[b.codes[i]!]!;
  const codes = new Int32Array(n);
  choose(choice, a.codes, bCodes, missingCode, codes);
  return { kind: "category", codes, levels };
}

function chosenTexts(
  choice: Choice,
  a: readonly (string | null)[],
  b: readonly (string | null)[],
  n: number,
): ColumnData {
  const { condition, conditionStep, aStep, bStep } = choice;
  const values: (string | null)[] = [];
  for (let i = 0, ic = 0, ia = 0, ib = 0; i < n; ++i, ic += conditionStep, ia += aStep, ib += bStep) {
    const truth = condition[ic]!;
    values.push(truth === 1 ? a[ia]! : truth === 0 ? b[ib]! : null);
  }
  return { kind: "text", values };
}
