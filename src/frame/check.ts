import { missingCode, type ColumnData } from "./column.ts";
import { checkValues, formatShare, ruleOf, type ColumnRule } from "./column-rule.ts";
import type { Contract, Issue, ViolationPolicy } from "./contract.ts";
import { findColumn, lengthOf, type Frame } from "./frame.ts";
import { createIssueLog, type IssueLog, type IssueLogOptions } from "./issue-log.ts";

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
  const checker = createContractChecker(contract, frame.nRows, options);
  checker.add(frame);
  return checker.finish();
}

/** Checks rows that come in stretches as if they were one frame. */
export interface ContractChecker {
  add(frame: Frame): void;
  /** Issues so far, kept or not. */
  total(): number;
  /** Of rows that are to be answered: what stood in the way of no answer so far. */
  nTolerated(): number;
  finish(): ContractCheck;
}

/** As `checkContract`, for `nRows` rows in all; issues come in the order of the stretches, then of the columns. */
export function createContractChecker(
  contract: Contract,
  nRows: number,
  options: IssueLogOptions = {},
): ContractChecker {
  const log = createIssueLog(nRows, options);
  const checks = contract.columns.map((column) => ({ rule: ruleOf(column), nMissing: 0, seen: createSeen() }));
  let from = 0;
  return {
    add(frame) {
      const offset = from;
      const local: Pick<IssueLog, "add"> = {
        add: (rule, code, row, actual) => log.add(rule, code, row < 0 ? row : offset + row, actual),
      };
      for (const check of checks) {
        const { rule } = check;
        const data = findColumn(frame, rule.column.name);
        if (!data) {
          if (offset === 0) log.add(rule, "columnAbsent", -1, "no such column");
          continue;
        }
        check.nMissing += checkValues(data, rule, local);
        // The share is known with the last stretch.
        if (offset + frame.nRows === nRows) checkShare(check, nRows, log);
        if (rule.column.unique === true && data.kind === rule.column.kind) checkUnique(data, rule, check.seen, local);
      }
      from += frame.nRows;
    },
    total: () => log.total(),
    nTolerated: () => log.nTolerated(),
    finish: () => ({ issues: log.issues, counts: log.counts(), rows: (policy) => log.rows(policy) }),
  };
}

function checkShare(
  { rule, nMissing }: { readonly rule: ColumnRule; readonly nMissing: number },
  nRows: number,
  log: IssueLog,
): void {
  const share = nRows === 0 ? 0 : nMissing / nRows;
  const allowed = rule.column.missing;
  if (allowed > 0 && share > allowed) log.add(rule, "missingShare", -1, formatShare(share));
}

/** Sets hold at most 2^24 values in V8, so what was seen goes over several. */
const largestSet = 8_000_000;

interface Seen {
  has(value: unknown): boolean;
  add(value: unknown): void;
}

function createSeen(): Seen {
  const full: Set<unknown>[] = [];
  let open = new Set<unknown>();
  return {
    has: (value) => open.has(value) || full.some((set) => set.has(value)),
    add(value) {
      open.add(value);
      if (open.size < largestSet) return;
      full.push(open);
      open = new Set();
    },
  };
}

function checkUnique(data: ColumnData, rule: ColumnRule, seen: Seen, log: Pick<IssueLog, "add">): void {
  for (let i = 0, n = lengthOf(data); i < n; ++i) {
    const value = valueAt(data, i);
    if (value === null) continue;
    if (seen.has(value)) log.add(rule, "unique", i, "a value seen before");
    else seen.add(value);
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
      // The code of a level is another in every stretch.
      return data.codes[row] === missingCode ? null : data.levels[data.codes[row]!]!;
    case "text":
      return data.values[row]!;
  }
}
