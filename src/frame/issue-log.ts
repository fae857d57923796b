import { expectedOf, type ColumnRule } from "./column-rule.ts";
import { type ContractColumn, type Issue, type IssueCode, isTolerated, type ViolationPolicy } from "./contract.ts";

/** Collects issues: keeps the first `limit`, counts all, and remembers which rows broke a column of which policy. */
export interface IssueLog {
  /** Numbers are written out where the issue is kept. */
  add(rule: ColumnRule, code: IssueCode, row: number, actual: string | number): void;
  /** An issue of no contract column. */
  addForeign(issue: Issue): void;
  readonly issues: readonly Issue[];
  /** All issues, kept or not. */
  total(): number;
  counts(): ReadonlyMap<string, number>;
  rows(policy: ViolationPolicy): Uint32Array;
  /** Of rows that are to be answered: the first `limit` that stand in the way of no answer, which are none of `issues`. */
  readonly tolerated: readonly Issue[];
  /** All of those. */
  nTolerated(): number;
}

export interface IssueLogOptions {
  /** Issues kept. Default 1,000. */
  readonly limit?: number;
  /** The rows are to be answered, not to be learned from. Default false. */
  readonly ofRequest?: boolean;
}

const defaultIssueLimit = 1000;

export function createIssueLog(nRows: number, options: IssueLogOptions = {}): IssueLog {
  const { limit = defaultIssueLimit, ofRequest = false } = options;
  const issues: Issue[] = [];
  const tolerated: Issue[] = [];
  let nTolerated = 0;
  // Created with the first issue: most requests have none.
  let tally: Tally | undefined;
  let total = 0;
  let nForeign = 0;
  return {
    issues,
    tolerated,
    nTolerated: () => nTolerated,
    add(rule, code, row, actual) {
      const { column } = rule;
      if (ofRequest && isTolerated(column, code)) {
        if (++nTolerated <= limit) tolerated.push(issueOf(column, code, row, actual));
        return;
      }
      ++total;
      tally ??= { counts: new Map(), marks: new Map() };
      count(tally, rule, code);
      if (row >= 0) mark(tally, column.onViolation, row, nRows);
      if (issues.length < limit) issues.push(issueOf(column, code, row, actual));
    },
    addForeign(issue) {
      ++total;
      ++nForeign;
      if (issues.length < limit) issues.push(issue);
    },
    total: () => total,
    counts: () => countsByName(tally, nForeign),
    rows(policy) {
      const marked = tally?.marks.get(policy);
      return marked ? positionsOfOnes(marked) : new Uint32Array(0);
    },
  };
}

/** How often which rule was broken how, and the rows that broke a column of which policy. */
interface Tally {
  readonly counts: Map<ColumnRule, Map<IssueCode, number>>;
  readonly marks: Map<ViolationPolicy, Uint8Array>;
}

function count({ counts }: Tally, rule: ColumnRule, code: IssueCode): void {
  let codes = counts.get(rule);
  if (!codes) counts.set(rule, (codes = new Map()));
  codes.set(code, (codes.get(code) ?? 0) + 1);
}

function mark({ marks }: Tally, policy: ViolationPolicy, row: number, nRows: number): void {
  let marked = marks.get(policy);
  if (!marked) marks.set(policy, (marked = new Uint8Array(nRows)));
  marked[row] = 1;
}

function countsByName(tally: Tally | undefined, nForeign: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [{ column }, codes] of tally?.counts ?? [])
    for (const [code, found] of codes) counts.set(`${column.name}:${code}`, found);
  if (nForeign > 0) counts.set(":unknownColumn", nForeign);
  return counts;
}

function issueOf(column: ContractColumn, code: IssueCode, row: number, actual: string | number): Issue {
  return { code, column: column.name, row, expected: expectedOf(column, code), actual: String(actual) };
}

function positionsOfOnes(marked: Uint8Array): Uint32Array {
  let count = 0;
  for (let i = 0; i < marked.length; ++i) count += marked[i]!;
  const positions = new Uint32Array(count);
  for (let i = 0, at = 0; i < marked.length; ++i) if (marked[i] === 1) positions[at++] = i;
  return positions;
}
