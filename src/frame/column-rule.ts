import { eachIrregular } from "../math/number-scan.ts";
import { stretch } from "../math/stretch.ts";
import { farthestTimestamp, formatTimestamp } from "./timestamp.ts";
import { rowsByCode } from "./code-counts.ts";
import type { BooleanColumnData, CategoryColumnData, ColumnData } from "./column.ts";
import type { ContractColumn, IssueCode } from "./contract.ts";
import { showValue } from "./definition-fault.ts";
import type { IssueLog } from "./issue-log.ts";

/** A contract column made ready for checking. */
export interface ColumnRule {
  readonly column: ContractColumn;
  readonly pattern: RegExp | null;
  readonly levels: ReadonlySet<string> | null;
}

const rules = new WeakMap<ContractColumn, ColumnRule>();

/** The rule of a contract column, compiled once. */
export function ruleOf(column: ContractColumn): ColumnRule {
  let rule = rules.get(column);
  if (!rule) {
    const pattern = column.pattern === undefined ? null : new RegExp(column.pattern, "u");
    rule = { column, pattern, levels: column.levels ? new Set(column.levels) : null };
    rules.set(column, rule);
  }
  return rule;
}

/**
 * Reports every value that breaks its column's rule, and where no value may be missing every missing one, but those of
 * `refused` rows, which were reported as they were read. Returns the number of missing values.
 * One implementation for datasets and for requests.
 */
export function checkValues(
  data: ColumnData,
  rule: ColumnRule,
  log: Pick<IssueLog, "add">,
  refused?: ReadonlySet<number>,
): number {
  if (data.kind !== rule.column.kind) {
    log.add(rule, "kind", -1, `kind ${data.kind}`);
    return 0;
  }
  switch (data.kind) {
    case "number":
      return checkNumbers(data.values, rule, log, refused);
    case "timestamp":
      return checkTimestamps(data.values, rule, log, refused);
    case "boolean":
      return checkTruths(data, rule, log, refused);
    case "category":
      return checkCodes(data, rule, log, refused);
    case "text":
      return checkTexts(data.values, rule, log, refused);
  }
}

function reportMissing(
  rule: ColumnRule,
  row: number,
  log: Pick<IssueLog, "add">,
  refused: ReadonlySet<number> | undefined,
): number {
  if (rule.column.missing === 0 && !refused?.has(row)) log.add(rule, "missing", row, "missing");
  return 1;
}

function checkNumbers(
  values: Float64Array,
  rule: ColumnRule,
  log: Pick<IssueLog, "add">,
  refused: ReadonlySet<number> | undefined,
): number {
  const { min = -Infinity, max = Infinity, integer = false, missing } = rule.column;
  let nMissing = 0;
  const judge = (i: number): void => {
    const value = values[i]!;
    if (value !== value) nMissing += reportMissing(rule, i, log, refused);
    else if (value - value !== 0) log.add(rule, "kind", i, value);
    else {
      if (value < min) log.add(rule, "min", i, value);
      else if (value > max) log.add(rule, "max", i, value);
      if (integer && Math.floor(value) !== value) log.add(rule, "integer", i, value);
    }
  };
  const nPassed = eachIrregular(values, { min, max, integer, missing: missing > 0 }, judge);
  return nMissing + nPassed;
}

function checkTimestamps(
  values: Float64Array,
  rule: ColumnRule,
  log: Pick<IssueLog, "add">,
  refused: ReadonlySet<number> | undefined,
): number {
  const { after = -Infinity, before = Infinity, missing } = rule.column;
  let nMissing = 0;
  const judge = (i: number): void => {
    const value = values[i]!;
    if (value !== value) nMissing += reportMissing(rule, i, log, refused);
    else if (Math.abs(value) > farthestTimestamp) log.add(rule, "kind", i, value);
    else if (value < after) log.add(rule, "after", i, formatTimestamp(value));
    else if (value > before) log.add(rule, "before", i, formatTimestamp(value));
  };
  const [min, max] = [Math.max(after, -farthestTimestamp), Math.min(before, farthestTimestamp)];
  const nPassed = eachIrregular(values, { min, max, integer: false, missing: missing > 0 }, judge);
  return nMissing + nPassed;
}

/** From so many rows on a column is counted before its rows are looked at one by one, which mostly need not be. */
const manyRows = 4 * stretch;

function checkTruths(
  data: BooleanColumnData,
  rule: ColumnRule,
  log: Pick<IssueLog, "add">,
  refused: ReadonlySet<number> | undefined,
): number {
  const { values } = data;
  if (values.length >= manyRows) {
    const counts = rowsByCode(data);
    const nAbsent = values.length - counts[1]! - counts[2]!;
    if (nAbsent === 0 || rule.column.missing > 0) return nAbsent;
  }
  let nMissing = 0;
  for (let i = 0; i < values.length; ++i) if (values[i]! > 1) nMissing += reportMissing(rule, i, log, refused);
  return nMissing;
}

function checkCodes(
  data: CategoryColumnData,
  rule: ColumnRule,
  log: Pick<IssueLog, "add">,
  refused: ReadonlySet<number> | undefined,
): number {
  const { codes, levels } = data;
  const allowed = new Uint8Array(levels.length);
  for (let i = 0; i < levels.length; ++i) allowed[i] = rule.levels === null || rule.levels.has(levels[i]!) ? 1 : 0;
  if (codes.length >= manyRows) {
    const counts = rowsByCode(data);
    const nAbsent = counts[0]!;
    const isForeign = allowed.some((flag, code) => flag === 0 && counts[code + 1]! > 0);
    if (!isForeign && (nAbsent === 0 || rule.column.missing > 0)) return nAbsent;
  }
  let nMissing = 0;
  for (let from = 0; from < codes.length; from += stretch) {
    const some = codes.subarray(from, from + stretch);
    const found = countCodes(some, allowed);
    nMissing += found.nMissing;
    if (found.nForeign === 0 && (found.nMissing === 0 || rule.column.missing > 0)) continue;
    for (let i = 0; i < some.length; ++i) {
      const code = some[i]!;
      if (code < 0) reportMissing(rule, from + i, log, refused);
      else if (allowed[code] !== 1) log.add(rule, "levels", from + i, showValue(levels[code]));
    }
  }
  return nMissing;
}

function countCodes(codes: Int32Array, allowed: Uint8Array): { readonly nMissing: number; readonly nForeign: number } {
  let [nMissing, nForeign] = [0, 0];
  for (let i = 0, n = codes.length; i < n; ++i) {
    const code = codes[i]!;
    if (code < 0) ++nMissing;
    else nForeign += 1 - allowed[code]!;
  }
  return { nMissing, nForeign };
}

function checkTexts(
  values: readonly (string | null)[],
  rule: ColumnRule,
  log: Pick<IssueLog, "add">,
  refused: ReadonlySet<number> | undefined,
): number {
  const { pattern } = rule;
  const { maxLength = Infinity } = rule.column;
  let nMissing = 0;
  for (let i = 0, n = values.length; i < n; ++i) {
    const value = values[i]!;
    if (value === null) nMissing += reportMissing(rule, i, log, refused);
    else if (value.length > maxLength) log.add(rule, "maxLength", i, `${value.length}`);
    else if (pattern !== null && !pattern.test(value)) log.add(rule, "pattern", i, showValue(value));
  }
  return nMissing;
}

const expectedKind: Readonly<Record<ContractColumn["kind"], string>> = {
  number: "a finite number",
  boolean: "true or false",
  category: "a text",
  text: "a text",
  timestamp: "an ISO 8601 text, a Date or UTC milliseconds",
};

/** What a column asks of a value, in words. */
export function expectedOf(column: ContractColumn, code: IssueCode): string {
  switch (code) {
    case "missing":
      return "a value in every row";
    case "kind":
      return expectedKind[column.kind];
    case "min":
      return `at least ${column.min}`;
    case "max":
      return `at most ${column.max}`;
    case "integer":
      return "a whole number";
    case "levels":
      return `one of ${shortList(column.levels ?? [])}`;
    case "pattern":
      return `a match of /${column.pattern}/u`;
    case "maxLength":
      return `at most ${column.maxLength} UTF-16 code units`;
    case "after":
      return `not before ${formatTimestamp(column.after!)}`;
    case "before":
      return `not after ${formatTimestamp(column.before!)}`;
    case "unique":
      return "a value no other row has";
    case "missingShare":
      return `at most ${formatShare(column.missing)} missing`;
    case "duplicate":
      return "a row no other row equals";
    case "outlier":
      return "a value near the others";
    case "check":
      return "the check to hold";
    case "unknownColumn":
      return "a column of the contract";
    case "columnAbsent":
      return `a column of kind ${column.kind}`;
  }
}

function shortList(levels: readonly string[]): string {
  const shown = levels.slice(0, 10).map(showValue).join(", ");
  return levels.length > 10 ? `${shown}, ... (${levels.length} levels)` : shown;
}

/** A share as percents with up to two decimals. */
export function formatShare(share: number): string {
  return `${Math.round(share * 10_000) / 100} %`;
}
