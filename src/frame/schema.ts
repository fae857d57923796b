import type { Kind } from "./column.ts";
import { columnNameFault, checkColumnNames } from "./column-name.ts";
import type { Contract, ContractColumn, ViolationPolicy } from "./contract.ts";
import { invalidDefinition, uncalled } from "./definition-fault.ts";
import { keyVariable, type TimeGrain } from "./privacy.ts";
import { checkLevels, checkOptions, type Constraints } from "./schema-options.ts";

/** The constraint of a schema entry. It must not mention `missing` or `levels`: inference of the builders depends on it. */
export interface DeclaredColumn {
  readonly kind: Kind;
}
/** What `number()` declares; `Missing` is the largest share of missing values, 0 = required. */
export interface NumberColumn<Missing extends number = number> extends DeclaredColumn {
  readonly kind: "number";
  readonly missing: Missing;
}
/** What `text()` declares. */
export interface TextColumn<Missing extends number = number> extends DeclaredColumn {
  readonly kind: "text";
  readonly missing: Missing;
}
/** What `boolean()` declares. */
export interface BooleanColumn<Missing extends number = number> extends DeclaredColumn {
  readonly kind: "boolean";
  readonly missing: Missing;
}
/** What `timestamp()` declares. */
export interface TimestampColumn<Missing extends number = number> extends DeclaredColumn {
  readonly kind: "timestamp";
  readonly missing: Missing;
}
/** What `category()` declares; `levels` is undefined at run time where any level is allowed. */
export interface CategoryColumn<
  Levels extends readonly string[] = readonly string[],
  Missing extends number = number,
> extends DeclaredColumn {
  readonly kind: "category";
  readonly missing: Missing;
  readonly levels: Levels;
}

/** The columns of a dataset by name: the contract as a user writes it. */
export type Schema = Readonly<Record<string, DeclaredColumn>>;

/** Options every column has. */
export interface ColumnOptions<Missing extends number> {
  /** Largest share of missing values, 0 to 1. Left out: every row must have a value. */
  readonly missing?: Missing;
  /** What a row that breaks the contract leads to: the run fails (default), the row is set aside, or it is only counted. */
  readonly onViolation?: ViolationPolicy;
  /** No two rows share a value; checked in datasets, not in requests. */
  readonly unique?: boolean;
}
/** Options of `number()`; bounds are inclusive. */
export interface NumberOptions<Missing extends number> extends ColumnOptions<Missing> {
  readonly min?: number;
  readonly max?: number;
  readonly integer?: boolean;
  /** Keeps the multiple of a whole number that is not above the value: an age of 37 becomes 30. */
  readonly privacy?: { readonly generalise: number };
}
/** Options of `category()`. */
export interface CategoryOptions<Missing extends number> extends ColumnOptions<Missing> {
  /** Keeps the first so many characters: of a postcode, the district. */
  readonly privacy?: { readonly generalise: number };
}
/** Options of `text()`: a regular expression (flag "u" or none) some part must match, and a length in UTF-16 code units. */
export interface TextOptions<Missing extends number> extends ColumnOptions<Missing> {
  readonly pattern?: RegExp;
  readonly maxLength?: number;
  /**
   * Keeps of each value a keyed hash (HMAC-SHA-256 under the key in MILLRACE_PRIVACY_KEY or a variable of its own), its last or its first so many
   * characters. A text that is hashed or masked is no feature.
   */
  readonly privacy?:
    | "hash"
    | { readonly hash: { readonly env: string } }
    | { readonly mask: number }
    | { readonly generalise: number };
}
/** Options of `timestamp()`: ISO 8601 texts, inclusive. */
export interface TimestampOptions<Missing extends number> extends ColumnOptions<Missing> {
  readonly after?: string;
  readonly before?: string;
  /** Keeps the day, month or year alone. */
  readonly privacy?: { readonly generalise: TimeGrain };
}

/** A column of numbers. */
export function number<M extends number = 0>(options?: NumberOptions<M>): NumberColumn<M> {
  return declare("number", checkOptions("number", options));
}

/** A column of free text, learned from by its words. For names from a fixed list use `category()`. */
export function text<M extends number = 0>(options?: TextOptions<M>): TextColumn<M> {
  return declare("text", checkOptions("text", options));
}

/** A column of true and false. */
export function boolean<M extends number = 0>(options?: ColumnOptions<M>): BooleanColumn<M> {
  return declare("boolean", checkOptions("boolean", options));
}

/** A column of instants: ISO 8601 texts, `Date`s or milliseconds since 1970 UTC. */
export function timestamp<M extends number = 0>(options?: TimestampOptions<M>): TimestampColumn<M> {
  return declare("timestamp", checkOptions("timestamp", options));
}

/** A column of names, at best from the `levels` given; without them any text is a level. */
export function category<const L extends readonly string[] = readonly string[], M extends number = 0>(
  levels?: L | CategoryOptions<M>,
  options?: CategoryOptions<M>,
): CategoryColumn<L, M> {
  if (!Array.isArray(levels)) {
    if (options !== undefined && levels !== undefined)
      throw invalidDefinition("category()", "takes the levels first, as a list", typeof levels);
    return declare("category", checkOptions("category", levels ?? options));
  }
  return declare("category", { ...checkOptions("category", options), levels: checkLevels(levels) });
}

const declared = new WeakSet<object>();

/** The builders alone know that the options fit the column's type parameters, hence the one assertion here. */
function declare<C extends DeclaredColumn>(kind: Kind, constraints: Constraints): C {
  const column = Object.freeze({ kind, ...constraints });
  declared.add(column);
  return column as unknown as C;
}

/**
 * The contract a schema declares, columns in key order.
 *
 * Throws COLUMN_NAME_INVALID, COLUMN_NAME_DUPLICATE, or DEFINITION_INVALID for entries no builder made and for
 * `{ __proto__: number() }`, which sets the prototype instead of declaring a column.
 */
export function contractOf(schema: Schema): Contract {
  if (typeof schema !== "object" || schema === null || Array.isArray(schema))
    throw invalidDefinition("schema", "must be an object of columns", describeType(schema));
  refusePrototype(schema);
  const names = Object.keys(schema);
  if (names.length === 0) throw invalidDefinition("schema", "must declare at least one column", "none");
  checkColumnNames(names);
  const columns = names.map((name) => contractColumnOf(name, schema[name]));
  const keys = new Set(columns.flatMap(({ privacy }) => keyVariable(privacy) ?? []));
  if (keys.size > 1) throw invalidDefinition("schema", "must hash its columns under one key", [...keys].join(" and "));
  return Object.freeze({ columns: Object.freeze(columns) });
}

/** Plain objects of any realm pass: their prototype is null or has none itself. */
function refusePrototype(schema: object): void {
  const prototype: unknown = Object.getPrototypeOf(schema);
  if (prototype === null || Object.getPrototypeOf(prototype) === null) return;
  throw invalidDefinition(
    "schema",
    "must be a plain object",
    declared.has(prototype as object) ? "a column as its prototype" : "an object with another prototype",
    'A column called __proto__ is written ["__proto__"]: number().',
  );
}

/** Columns made by a second copy of the package are not in `declared`; they pass if they look like one of ours. */
function contractColumnOf(name: string, column: unknown): ContractColumn {
  const isColumn =
    typeof column === "object" &&
    column !== null &&
    (declared.has(column) || (Object.isFrozen(column) && "kind" in column && "onViolation" in column));
  if (!isColumn)
    throw invalidDefinition(
      `schema.${columnNameFault(name) ? "column" : name}`,
      "must be made by number(), text(), boolean(), timestamp() or category()",
      describeType(column),
      uncalled(column),
    );
  return Object.freeze({ name, ...(column as Omit<ContractColumn, "name">) });
}

function describeType(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : `a value of type ${typeof value}`;
}

// ---- what the compiler derives from a schema

export type Keys<S> = keyof S & string;

export type LevelsOf<C> = C extends CategoryColumn<infer L> ? L[number] : string;

/** An interface looked up by property, not an alias: messages then print the names instead of the alias. */
export interface NamesOf<S> {
  all: keyof S & string;
  targetable: {
    [P in keyof S]: S[P] extends { readonly kind: "number" | "boolean" | "category" } ? P : never;
  }[keyof S] &
    string;
  number: { [P in keyof S]: S[P] extends { readonly kind: "number" } ? P : never }[keyof S] & string;
  timestamp: { [P in keyof S]: S[P] extends { readonly kind: "timestamp" } ? P : never }[keyof S] & string;
  identifier: { [P in keyof S]: S[P] extends { readonly kind: "number" | "text" | "category" } ? P : never }[keyof S] &
    string;
  grouping: { [P in keyof S]: S[P] extends { readonly kind: "boolean" | "category" } ? P : never }[keyof S] & string;
}

interface ValueByKind<C> {
  number: number;
  text: string;
  boolean: boolean;
  timestamp: Date | string | number;
  category: LevelsOf<C>;
}
/** What a request may hold for a column. */
export type ValueOf<C extends DeclaredColumn> = ValueByKind<C>[C["kind"]];

/** A row of a schema without the columns `Leave`; columns that may be missing are optional and may be null. */
export type RowParts<S extends Schema, Leave> = {
  [K in Exclude<keyof S, Leave> as S[K] extends { readonly missing: 0 } ? K : never]: ValueOf<S[K]>;
} & {
  [K in Exclude<keyof S, Leave> as S[K] extends { readonly missing: 0 } ? never : K]?: ValueOf<S[K]> | null | undefined;
};
interface Shapes<S extends Schema, Leave> {
  row: { [K in keyof RowParts<S, Leave>]: RowParts<S, Leave>[K] };
}
/** One row as a user's code sees it. */
export type RowOf<S extends Schema, Leave = never> = Shapes<S, Leave>["row"];
