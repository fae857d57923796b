import type { Cleaning } from "./cleaning.ts";
import type { Kind } from "./column.ts";
import type { Privacy } from "./privacy.ts";

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

/** One violation as data. `row` counts from 0; -1 where the whole column is meant. `expected` and `actual` are for people. */
export interface Issue {
  readonly code: IssueCode;
  readonly column: string;
  readonly row: number;
  readonly expected: string;
  readonly actual: string;
}
