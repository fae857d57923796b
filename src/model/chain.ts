import { MillraceError } from "../core/errors/error.ts";
import type { BooleanColumnData, CategoryColumnData, ColumnData } from "../frame/column.ts";
import { missingBoolean } from "../frame/column.ts";
import { log } from "../math/elementary.ts";
import type { FittedFeature, FittedTransform } from "./fitted-transform.ts";
import { findTerms, indexTerms, type TermIndex } from "./text-terms.ts";
import { cyclicParts, timePart } from "./time-parts.ts";

/** What runs through a chain: the column, then numbers, codes, one lit position a row, or weighted entries. */
export type ChainState =
  | { readonly form: "column"; readonly column: ColumnData }
  | { readonly form: "numbers"; readonly values: readonly Float64Array[]; readonly indicator: Float64Array | null }
  | { readonly form: "codes"; readonly values: Float64Array; readonly cardinality: number }
  /** One-hot before it is laid out: the lit position of each row, -1 for none. */
  | { readonly form: "lit"; readonly positions: Int32Array; readonly width: number }
  | { readonly form: "entries"; readonly entries: Entries; readonly width: number };

/** Compressed sparse rows of one feature, indices counting from 0 within it. */
export interface Entries {
  readonly offsets: Uint32Array;
  readonly indices: Uint32Array;
  readonly values: Float64Array;
}

/** A chain with what its steps look up, built once a model. */
export interface Chain {
  readonly feature: string;
  readonly steps: readonly ChainStep[];
}

interface ChainStep {
  readonly transform: FittedTransform;
  readonly levels: ReadonlyMap<string, number> | null;
  readonly terms: TermIndex | null;
}

/** Prepares the look-ups of a chain; costs time linear in its levels and terms. */
export function compileChain(feature: FittedFeature): Chain {
  const steps = feature.steps.map((transform) => ({
    transform,
    levels: "levels" in transform ? new Map(transform.levels.map((level, code) => [level, code])) : null,
    terms: transform.kind === "tfidf" ? indexTerms(transform.terms, transform.ngrams) : null,
  }));
  return { feature: feature.feature, steps };
}

/** Runs a column through a chain. A column of numbers that is only kept is handed on, not copied. */
export function applyChain(chain: Chain, column: ColumnData): ChainState {
  let state: ChainState = { form: "column", column };
  for (const step of chain.steps) state = applyStep(chain.feature, step, state);
  return state.form === "column"
    ? { form: "numbers", values: [numbersOf(chain.feature, column)], indicator: null }
    : state;
}

function applyStep(feature: string, step: ChainStep, state: ChainState): ChainState {
  const { transform } = step;
  switch (transform.kind) {
    case "keep":
      return numbersState(feature, state);
    case "impute":
      return imputeNumbers(numbersState(feature, state), transform.value, transform.indicator);
    case "clip":
      return clipNumbers(numbersState(feature, state), transform.low, transform.high);
    case "standardize":
      return standardizeNumbers(numbersState(feature, state), transform.mean, transform.scale);
    case "imputeLevel":
      return { form: "column", column: imputeLevel(categoryOf(feature, state), transform.level) };
    case "codes":
      return codesState(levelCodes(feature, state, step.levels!), transform.levels.length);
    case "oneHot":
      return litState(levelCodes(feature, state, step.levels!), transform.levels.length, transform.other);
    case "targetEncode":
      return encodeLevels(levelCodes(feature, state, step.levels!), transform.values, transform.fallback);
    case "timeParts": {
      const times = timesOf(feature, state);
      return { form: "numbers", values: transform.parts.map((part) => timePart(times, part)), indicator: null };
    }
    case "cyclic":
      return { form: "numbers", values: cyclicParts(timesOf(feature, state), transform.period), indicator: null };
    case "tfidf":
      return tfidfState(textsOf(feature, state), step.terms!, transform);
  }
}

type NumbersState = Extract<ChainState, { form: "numbers" }>;

function numbersState(feature: string, state: ChainState): NumbersState {
  if (state.form === "numbers") return state;
  if (state.form === "column") return { form: "numbers", values: [numbersOf(feature, state.column)], indicator: null };
  return unreadable(feature, "numbers", state.form);
}

function numbersOf(feature: string, column: ColumnData): Float64Array {
  if (column.kind === "number" || column.kind === "timestamp") return column.values;
  if (column.kind !== "boolean") return unreadable(feature, "numbers", column.kind);
  const out = new Float64Array(column.values.length);
  for (let i = 0; i < out.length; ++i) out[i] = column.values[i] === missingBoolean ? NaN : column.values[i]!;
  return out;
}

/** The indicator looks at the first column: the parts of a time are missing together. */
function imputeNumbers(state: NumbersState, value: number, wantsIndicator: boolean): NumbersState {
  const values = state.values.map((column) => {
    const out = new Float64Array(column.length);
    for (let i = 0; i < out.length; ++i) out[i] = Number.isNaN(column[i]!) ? value : column[i]!;
    return out;
  });
  if (!wantsIndicator) return { ...state, values };
  const first = state.values[0]!;
  const indicator = new Float64Array(first.length);
  for (let i = 0; i < indicator.length; ++i) indicator[i] = Number.isNaN(first[i]!) ? 1 : 0;
  return { form: "numbers", values, indicator };
}

function clipNumbers(state: NumbersState, low: number, high: number): NumbersState {
  const values = state.values.map((column) => {
    const out = new Float64Array(column.length);
    for (let i = 0; i < out.length; ++i) out[i] = column[i]! < low ? low : column[i]! > high ? high : column[i]!;
    return out;
  });
  return { ...state, values };
}

function standardizeNumbers(state: NumbersState, mean: number, scale: number): NumbersState {
  const values = state.values.map((column) => {
    const out = new Float64Array(column.length);
    for (let i = 0; i < out.length; ++i) out[i] = (column[i]! - mean) / scale;
    return out;
  });
  return { ...state, values };
}

function imputeLevel(column: CategoryColumnData, level: string): CategoryColumnData {
  const known = column.levels.indexOf(level);
  const levels = known < 0 ? [...column.levels, level] : column.levels;
  const code = known < 0 ? column.levels.length : known;
  const codes = column.codes.slice();
  for (let i = 0; i < codes.length; ++i) if (codes[i]! < 0) codes[i] = code;
  return { kind: "category", codes, levels };
}

/** Codes of each row against the fitted levels; -1 where missing or unknown. */
function levelCodes(feature: string, state: ChainState, levels: ReadonlyMap<string, number>): Int32Array {
  if (state.form !== "column") return unreadable(feature, "levels", state.form);
  if (state.column.kind === "boolean") return booleanCodes(state.column, levels);
  return categoryCodes(categoryOf(feature, state), levels);
}

function booleanCodes(column: BooleanColumnData, levels: ReadonlyMap<string, number>): Int32Array {
  const ofFalse = levels.get("false") ?? -1;
  const ofTrue = levels.get("true") ?? -1;
  const out = new Int32Array(column.values.length);
  for (let i = 0; i < out.length; ++i) {
    const value = column.values[i]!;
    out[i] = value === missingBoolean ? -1 : value === 0 ? ofFalse : ofTrue;
  }
  return out;
}

/** Looks each level of the column up once; where rows are fewer than levels, each row's. */
function categoryCodes(column: CategoryColumnData, levels: ReadonlyMap<string, number>): Int32Array {
  const { codes } = column;
  const out = new Int32Array(codes.length);
  if (codes.length < column.levels.length) {
    for (let i = 0; i < out.length; ++i) out[i] = codes[i]! < 0 ? -1 : (levels.get(column.levels[codes[i]!]!) ?? -1);
    return out;
  }
  const mapped = Int32Array.from(column.levels, (level) => levels.get(level) ?? -1);
  for (let i = 0; i < out.length; ++i) out[i] = codes[i]! < 0 ? -1 : mapped[codes[i]!]!;
  return out;
}

function codesState(codes: Int32Array, cardinality: number): ChainState {
  const values = new Float64Array(codes.length);
  for (let i = 0; i < values.length; ++i) values[i] = codes[i]! < 0 ? NaN : codes[i]!;
  return { form: "codes", values, cardinality };
}

function litState(positions: Int32Array, nLevels: number, other: boolean): ChainState {
  if (other) for (let i = 0; i < positions.length; ++i) if (positions[i]! < 0) positions[i] = nLevels;
  return { form: "lit", positions, width: nLevels + (other ? 1 : 0) };
}

function encodeLevels(codes: Int32Array, levelValues: readonly number[], fallback: number): NumbersState {
  const values = new Float64Array(codes.length);
  for (let i = 0; i < values.length; ++i) values[i] = codes[i]! < 0 ? fallback : levelValues[codes[i]!]!;
  return { form: "numbers", values: [values], indicator: null };
}

function tfidfState(
  texts: readonly (string | null)[],
  index: TermIndex,
  transform: Extract<FittedTransform, { kind: "tfidf" }>,
): ChainState {
  const width = transform.terms.length;
  const entries = weighTerms(texts, index, transform);
  if (!transform.dense) return { form: "entries", entries, width };
  const values = Array.from({ length: width }, () => new Float64Array(texts.length));
  for (let row = 0; row < texts.length; ++row) {
    if (texts[row] === null) for (const column of values) column[row] = NaN;
    for (let e = entries.offsets[row]!; e < entries.offsets[row + 1]!; ++e)
      values[entries.indices[e]!]![row] = entries.values[e]!;
  }
  return { form: "numbers", values, indicator: null };
}

/** Term frequency (1 + ln of it where sublinear) times idf, each row scaled to length 1. */
function weighTerms(
  texts: readonly (string | null)[],
  index: TermIndex,
  { idf, sublinear }: { readonly idf: readonly number[]; readonly sublinear: boolean },
): Entries {
  const offsets = new Uint32Array(texts.length + 1);
  let indices = new Uint32Array(16 * texts.length);
  let values = new Float64Array(16 * texts.length);
  let end = 0;
  for (let row = 0; row < texts.length; ++row) {
    const text = texts[row]!;
    const found = text === null ? noTerms : findTerms(text, index);
    if (end + found.length > values.length) {
      indices = withRoom(indices, new Uint32Array(2 * (end + found.length)));
      values = withRoom(values, new Float64Array(2 * (end + found.length)));
    }
    const start = end;
    let squares = 0;
    for (let i = 0; i < found.length;) {
      const term = found[i]!;
      const first = i;
      while (i < found.length && found[i] === term) ++i;
      const value = (sublinear ? 1 + log(i - first) : i - first) * idf[term]!;
      squares += value * value;
      indices[end] = term;
      values[end++] = value;
    }
    const length = Math.sqrt(squares);
    if (length > 0) for (let e = start; e < end; ++e) values[e] = values[e]! / length;
    offsets[row + 1] = end;
  }
  return { offsets, indices: indices.slice(0, end), values: values.slice(0, end) };
}

const noTerms = new Uint32Array(0);

function withRoom<A extends Uint32Array | Float64Array>(from: A, to: A): A {
  to.set(from);
  return to;
}

function categoryOf(feature: string, state: ChainState): CategoryColumnData {
  if (state.form === "column" && state.column.kind === "category") return state.column;
  return unreadable(feature, "a category", state.form === "column" ? state.column.kind : state.form);
}

function timesOf(feature: string, state: ChainState): Float64Array {
  if (state.form === "column" && state.column.kind === "timestamp") return state.column.values;
  return unreadable(feature, "a timestamp", state.form === "column" ? state.column.kind : state.form);
}

function textsOf(feature: string, state: ChainState): readonly (string | null)[] {
  if (state.form === "column" && state.column.kind === "text") return state.column.values;
  return unreadable(feature, "text", state.form === "column" ? state.column.kind : state.form);
}

function unreadable(feature: string, wanted: string, actual: string): never {
  throw new MillraceError("INTERNAL", {
    reason: `the chain of feature "${feature}" asks for ${wanted} and finds ${actual}`,
  });
}
