import type { Cleaning } from "./cleaning.ts";
import type { Kind } from "./column.ts";
import type { Privacy } from "./privacy.ts";

/**
 * What becomes of a row that breaks a rule of a column. Of a dataset: the run fails, the row is set aside, or it is kept and counted.
 * Of a request: it is refused, but where the column only warns it is answered and counted, as such rows were learned from.
 */
export type ViolationPolicy = "fail" | "quarantine" | "warn";

/**
 * One column of the contract as plain data: what `number({ min: 0 })` declares, with the column's name.
 * It is what a model file stores; absent members mean "not restricted".
 */
export interface ContractColumn {
  readonly name: string;
  readonly kind: Kind;
  /** Largest share of missing values, 0 to 1; 0 = every row must have a value. */
  readonly missing: number;
  readonly onViolation: ViolationPolicy;
  readonly unique?: boolean;
  /** number: inclusive bounds. */
  readonly min?: number;
  readonly max?: number;
  readonly integer?: boolean;
  /** category: the allowed levels; absent = any. */
  readonly levels?: readonly string[];
  /** text: source of a regular expression that must match, and the largest length in UTF-16 code units. */
  readonly pattern?: string;
  readonly maxLength?: number;
  /** timestamp: UTC milliseconds, inclusive bounds. */
  readonly after?: number;
  readonly before?: number;
  /** How values are cleaned before rules are asked. */
  readonly clean?: Cleaning;
  /** What is kept of the values; rules of the column hold for what is kept. */
  readonly privacy?: Privacy;
}

/** The columns a dataset must have and a request must send, in order. */
export interface Contract {
  readonly columns: readonly ContractColumn[];
}

/** The rule a value broke. */
export type IssueCode =
  | "missing"
  | "kind"
  | "min"
  | "max"
  | "integer"
  | "levels"
  | "pattern"
  | "maxLength"
  | "after"
  | "before"
  | "unique"
  | "missingShare"
  | "unknownColumn"
  | "check"
  | "duplicate"
  | "outlier"
  | "columnAbsent";

/** What is no value of the column: there is nothing that could be answered for. */
const unreadable: ReadonlySet<IssueCode> = new Set<IssueCode>(["kind", "columnAbsent", "unknownColumn"]);

/** Whether a row that is to be answered may break this rule of a column. */
export function isTolerated({ onViolation }: ContractColumn, code: IssueCode): boolean {
  return onViolation === "warn" && !unreadable.has(code);
}

/** A column as rows that are to be answered are held to it: of one that only warns, the kind alone. */
export function asRequested(column: ContractColumn): ContractColumn {
  return column.onViolation === "warn" ? withoutRules(column) : column;
}

/** A column that holds its values to their kind alone. */
export function withoutRules({ name, kind, onViolation, clean, privacy }: ContractColumn): ContractColumn {
  return { name, kind, missing: 1, onViolation, ...(clean && { clean }), ...(privacy && { privacy }) };
}

/** One violation as data. `row` counts from 0; -1 where the whole column is meant. `expected` and `actual` are for people. */
export interface Issue {
  readonly code: IssueCode;
  readonly column: string;
  readonly row: number;
  readonly expected: string;
  readonly actual: string;
}
