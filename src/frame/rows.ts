import type { JsonObject, JsonValue } from "../core/json.ts";
import { nearestName } from "../core/nearest.ts";
import { cleanedColumn } from "./cleaning.ts";
import { missingBoolean, missingCode, type ColumnData, type Kind } from "./column.ts";
import { checkValues, ruleOf, type ColumnRule } from "./column-rule.ts";
import type { Contract, Issue } from "./contract.ts";
import { showValue } from "./definition-fault.ts";
import { createFrame, type Frame, takeRows } from "./frame.ts";
import { createIssueLog, type IssueLog } from "./issue-log.ts";
import { generalised } from "./privacy.ts";
import { farthestTimestamp, formatTimestamp, parseTimestamp } from "./timestamp.ts";

/** The frame of a request with everything that breaks the contract. */
export interface FrameOfRows {
  /** A value that could not be read is missing here. */
  readonly frame: Frame;
  /** The first 1,000 issues. */
  readonly issues: readonly Issue[];
  /** Number of all issues. */
  readonly nIssues: number;
  /** The first 1,000 values that break a rule of a column that only warns, and the number of all: no reason to refuse a row. */
  readonly warnings: readonly Issue[];
  readonly nWarnings: number;
}

interface InputPlan {
  readonly contract: Contract;
  readonly rules: readonly ColumnRule[];
  readonly names: ReadonlySet<string>;
}

const plans = new WeakMap<readonly string[], InputPlan>();

function planOf(contract: Contract, inputs: readonly string[]): InputPlan {
  let plan = plans.get(inputs);
  if (plan?.contract !== contract) {
    const columns = new Map(contract.columns.map((column) => [column.name, column]));
    const rules = inputs.flatMap((name) => columns.get(name) ?? []).map(ruleOf);
    plan = { contract, rules, names: new Set(inputs) };
    plans.set(inputs, plan);
  }
  return plan;
}

/**
 * JSON rows as columns: the contract columns named in `inputs`, in that order, cleaned as the contract says. Nothing is coerced: numbers are finite
 * numbers, categories and texts are texts; timestamps are Dates, ISO 8601 texts or UTC milliseconds; null, undefined
 * and an absent member are missing. Only own members are read. What breaks the contract is an issue, never an exception.
 */
export function frameFromRows(rows: readonly unknown[], contract: Contract, inputs: readonly string[]): FrameOfRows {
  const plan = planOf(contract, inputs);
  const log = createIssueLog(rows.length, { ofRequest: true });
  const noObjects: number[] = [];
  for (let i = 0; i < rows.length; ++i) if (!isRecord(rows[i])) noObjects.push(i);
  const whole = noObjects.length === 0 ? rows : rows.map((row) => (isRecord(row) ? row : {}));
  const nKnown = new Uint32Array(rows.length);
  const columns = plan.rules.map((rule) => {
    const refused = noObjects.length === 0 ? undefined : new Set(noObjects);
    const cells = cellsOf(whole as readonly Row[], rule.column.name, nKnown);
    return columnOfCells(cells, rule, log, refused);
  });
  for (const row of noObjects) log.addForeign(notAnObject(rows[row], row));
  for (let i = 0; i < rows.length; ++i) reportUnknown(whole[i] as Row, i, nKnown[i]!, plan, log);
  const entries = columns.map((column, i) => [plan.rules[i]!.column.name, column] as const);
  return {
    frame: createFrame(rows.length, entries),
    issues: log.issues,
    nIssues: log.total(),
    warnings: log.tolerated,
    nWarnings: log.nTolerated(),
  };
}

type Row = Readonly<Record<string, unknown>>;

function isRecord(row: unknown): row is Row {
  return typeof row === "object" && row !== null && !Array.isArray(row);
}

function notAnObject(row: unknown, index: number): Issue {
  return { code: "kind", column: "", row: index, expected: "a row as an object", actual: showValue(row) };
}

/** The own members called `name`, null where there is none; counts them in `nKnown`. */
function cellsOf(rows: readonly Row[], name: string, nKnown: Uint32Array): readonly unknown[] {
  const cells: unknown[] = [];
  for (let i = 0; i < rows.length; ++i) {
    const row = rows[i]!;
    if (Object.hasOwn(row, name)) {
      nKnown[i] = nKnown[i]! + 1;
      cells.push(row[name] ?? null);
    } else cells.push(null);
  }
  return cells;
}

/** How many unknown members get a suggestion: finding the nearest name is too slow to do for every one of a hostile request. */
const nSuggestions = 10;

function reportUnknown(row: Row, index: number, nKnown: number, plan: InputPlan, log: IssueLog): void {
  const keys = Object.keys(row);
  if (keys.length === nKnown) return;
  for (const key of keys) {
    if (plan.names.has(key)) continue;
    const nearest = log.total() < nSuggestions ? nearestName(key, [...plan.names]) : undefined;
    const expected = nearest === undefined ? "a column a request sends" : `a column a request sends ("${nearest}"?)`;
    const column = key.length > 200 ? `${key.slice(0, 200)}...` : key;
    log.addForeign({ code: "unknownColumn", column, row: index, expected, actual: showValue(key) });
  }
}

/**
 * The cells of one column, checked. A cell of a wrong kind is reported and becomes missing; its row joins the `refused`
 * ones, which are not reported as missing again.
 */
function columnOfCells(
  cells: readonly unknown[],
  rule: ColumnRule,
  log: IssueLog,
  refused: Set<number> | undefined,
): ColumnData {
  let refusedRows = refused;
  const read = readCells(rule.column.kind, cells, (row) => {
    refusedRows ??= new Set();
    refusedRows.add(row);
    log.add(rule, "kind", row, showValue(cells[row]));
  });
  const data = generalised(cleanedColumn(read, rule.column), rule.column.privacy);
  checkValues(data, rule, log, refusedRows);
  return data;
}

type Refuse = (row: number) => void;

function readCells(kind: Kind, cells: readonly unknown[], refuse: Refuse): ColumnData {
  switch (kind) {
    case "number":
      return { kind, values: numbersOf(cells, refuse) };
    case "timestamp":
      return { kind, values: timestampsOf(cells, refuse) };
    case "boolean":
      return { kind, values: booleansOf(cells, refuse) };
    case "category":
      return categoryOf(cells, refuse);
    case "text":
      return { kind, values: textsOf(cells, refuse) };
  }
}

function numbersOf(cells: readonly unknown[], refuse: Refuse): Float64Array {
  const values = new Float64Array(cells.length);
  for (let i = 0; i < cells.length; ++i) {
    const cell = cells[i];
    if (typeof cell === "number" && cell - cell === 0) values[i] = cell;
    else {
      values[i] = NaN;
      if (cell !== null) refuse(i);
    }
  }
  return values;
}

function timestampsOf(cells: readonly unknown[], refuse: Refuse): Float64Array {
  const values = new Float64Array(cells.length);
  for (let i = 0; i < cells.length; ++i) {
    const cell = cells[i];
    values[i] = cell === null ? NaN : instantOf(cell);
    if (cell !== null && values[i] !== values[i]) refuse(i);
  }
  return values;
}

function instantOf(cell: unknown): number {
  if (typeof cell === "string") return parseTimestamp(cell);
  if (typeof cell === "number") return Math.abs(cell) <= farthestTimestamp ? cell + 0 : NaN;
  return Object.prototype.toString.call(cell) === "[object Date]" ? (cell as Date).getTime() : NaN;
}

function booleansOf(cells: readonly unknown[], refuse: Refuse): Uint8Array {
  const values = new Uint8Array(cells.length);
  for (let i = 0; i < cells.length; ++i) {
    const cell = cells[i];
    if (typeof cell === "boolean") values[i] = cell ? 1 : 0;
    else {
      values[i] = missingBoolean;
      if (cell !== null) refuse(i);
    }
  }
  return values;
}

function categoryOf(cells: readonly unknown[], refuse: Refuse): ColumnData {
  const codes = new Int32Array(cells.length);
  const levels: string[] = [];
  const codeOf = new Map<string, number>();
  for (let i = 0; i < cells.length; ++i) {
    const cell = cells[i];
    if (typeof cell !== "string") {
      codes[i] = missingCode;
      if (cell !== null) refuse(i);
      continue;
    }
    let code = codeOf.get(cell);
    if (code === undefined) codeOf.set(cell, (code = levels.push(cell) - 1));
    codes[i] = code;
  }
  return { kind: "category", codes, levels };
}

function textsOf(cells: readonly unknown[], refuse: Refuse): (string | null)[] {
  return cells.map((cell, row) => {
    if (typeof cell === "string") return cell;
    if (cell !== null) refuse(row);
    return null;
  });
}

/**
 * The rows of a frame (all, or those at `rows`) as JSON: objects without a prototype, timestamps as ISO 8601 texts (or
 * as numbers where they hold fractions of a millisecond), missing values as null.
 */
export function rowsFromFrame(frame: Frame, rows?: Uint32Array): JsonObject[] {
  if (rows && frame.reader) return rowsFromFrame(takeRows(frame, rows));
  const n = rows ? rows.length : frame.nRows;
  const result: JsonObject[] = [];
  for (let i = 0; i < n; ++i) {
    const row = rows ? rows[i]! : i;
    const members = Object.create(null) as Record<string, JsonValue>;
    for (let c = 0; c < frame.names.length; ++c) members[frame.names[c]!] = jsonOf(frame.columns[c]!, row);
    result.push(members);
  }
  return result;
}

function jsonOf(column: ColumnData, row: number): JsonValue {
  switch (column.kind) {
    case "number": {
      const value = column.values[row]!;
      return Number.isFinite(value) ? value : null;
    }
    case "timestamp": {
      const value = column.values[row]!;
      if (!Number.isFinite(value)) return null;
      return Number.isInteger(value) ? formatTimestamp(value) : value;
    }
    case "boolean":
      return column.values[row] === missingBoolean ? null : column.values[row] === 1;
    case "category": {
      const code = column.codes[row]!;
      return code === missingCode ? null : column.levels[code]!;
    }
    case "text":
      return column.values[row]!;
  }
}
