import { missingCode, type ColumnData } from "./column.ts";
import { checkValues, formatShare, ruleOf, type ColumnRule } from "./column-rule.ts";
import type { Contract, Issue, ViolationPolicy } from "./contract.ts";
import { findColumn, lengthOf, type Frame } from "./frame.ts";
import { createIssueLog, defaultIssueLimit, type IssueLog } from "./issue-log.ts";

/** What checking a dataset found. */
export interface ContractCheck {
  /** The first issues, in the order of the contract's columns, at most `limit`. */
  readonly issues: readonly Issue[];
  /** Number of all issues by "column:code". */
  readonly counts: ReadonlyMap<string, number>;
  /** Rows, ascending, that break a column with this policy. */
  rows(policy: ViolationPolicy): Uint32Array;
}

/**
 * Checks a frame against a contract, one pass a column. A column that allows missing values is judged by its share of
 * them (issue "missingShare", row -1), a required one row by row ("missing"). Columns the contract does not name are
 * not looked at. `limit` (default 1000) bounds the issues kept; counts are exact.
 */
export function checkContract(
  frame: Frame,
  contract: Contract,
  options: { readonly limit?: number } = {},
): ContractCheck {
  const log = createIssueLog(frame.nRows, options.limit ?? defaultIssueLimit);
  for (const column of contract.columns) {
    const rule = ruleOf(column);
    const data = findColumn(frame, column.name);
    if (data) checkColumn(data, rule, log);
    else log.add(rule, "columnAbsent", -1, "no such column");
  }
  return { issues: log.issues, counts: log.counts(), rows: (policy) => log.rows(policy) };
}

function checkColumn(data: ColumnData, rule: ColumnRule, log: IssueLog): void {
  const nRows = lengthOf(data);
  const share = nRows === 0 ? 0 : checkValues(data, rule, log) / nRows;
  const allowed = rule.column.missing;
  if (allowed > 0 && share > allowed) log.add(rule, "missingShare", -1, formatShare(share));
  if (rule.column.unique === true && data.kind === rule.column.kind) checkUnique(data, rule, log);
}

/** Sets hold at most 2^24 values in V8, so what was seen goes over several. */
const largestSet = 8_000_000;

function checkUnique(data: ColumnData, rule: ColumnRule, log: IssueLog): void {
  const full: Set<unknown>[] = [];
  let seen = new Set<unknown>();
  for (let i = 0, n = lengthOf(data); i < n; ++i) {
    const value = valueAt(data, i);
    if (value === null) continue;
    if (seen.has(value) || full.some((set) => set.has(value))) log.add(rule, "unique", i, "a value seen before");
    else seen.add(value);
    if (seen.size >= largestSet) {
      full.push(seen);
      seen = new Set();
    }
  }
}

function valueAt(data: ColumnData, row: number): number | string | null {
  switch (data.kind) {
    case "number":
    case "timestamp": {
      const value = data.values[row]!;
      return value === value ? value : null;
    }
    case "boolean":
      return data.values[row]! > 1 ? null : data.values[row]!;
    case "category":
      return data.codes[row] === missingCode ? null : data.codes[row]!;
    case "text":
      return data.values[row]!;
  }
}
