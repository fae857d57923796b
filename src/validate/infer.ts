import { MillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import type { Kind } from "../frame/column.ts";
import { columnOf, type Frame } from "../frame/frame.ts";
import type { Task } from "../model/model.ts";
import type { ColumnFacts } from "../query/column-facts.ts";
import { inferTarget } from "./infer-target.ts";
import { type PersonalData, personalDataIn } from "./personal.ts";
import { evenlySpaced } from "./sample-rows.ts";
import { suspectLaterTimes, suspectLeaks, type SuspectedLeak } from "./suspect-leaks.ts";
import { type WrittenValues, writtenIn } from "./written.ts";
import { looksLikeIdentifier, valuesOf } from "./value-count.ts";

/** What a file and a target suggest; `millrace init` writes it down for a person to read. */
export interface InferredDefinition {
  readonly task: Task;
  readonly target: string;
  readonly columns: readonly InferredColumn[];
  /** The one column that names rows; null where none does or several do. */
  readonly id: string | null;
  /** The one time that orders rows. */
  readonly time: TimeColumn | null;
  /** Columns to be left out of the features, with the reason. */
  readonly drops: readonly { readonly column: string; readonly reason: string }[];
  readonly leaks: readonly SuspectedLeak[];
  /** Columns that seem to tell who somebody is. */
  readonly personal: readonly { readonly column: string; readonly what: PersonalData }[];
  /** Columns of texts that seem to hold dates or numbers with units. */
  readonly written: readonly WrittenValues[];
  /** Columns whose names say that they describe a person in a way the law or decency protects. */
  readonly sensitive: readonly string[];
  readonly model: "boosting" | "linear";
  /** A limit any useful model clears, by the task's first metric. */
  readonly limit: { readonly metric: "auc" | "r2" | "accuracy"; readonly value: number };
}

export interface InferredColumn {
  readonly name: string;
  readonly kind: Kind;
  /** Share of missing values to allow; 0 = none. */
  readonly missing: number;
  readonly min?: number;
  /** Written for targets only: other columns take any level. */
  readonly levels?: readonly string[];
}

export interface TimeColumn {
  readonly name: string;
  /** Some instant is not midnight. */
  readonly hasHours: boolean;
}

export interface Inspected {
  readonly columns: readonly ColumnFacts[];
  /** The rows, with the kinds of `columns`. */
  readonly frame: Frame;
}

const mostSampled = 50_000;

/**
 * Infers schema, roles and suspicions. Throws COLUMN_MISSING for an unknown target, and TARGET_UNUSABLE where it is all
 * missing, constant, a time, or text of too many kinds to be labels.
 */
export function inferDefinition(inspected: Inspected, target: string): InferredDefinition {
  const { columns, frame } = inspected;
  const inferred = inferTarget(factsOf(columns, target));
  const rows = evenlySpaced(frame.nRows, mostSampled);
  const others = columns.filter(({ name }) => name !== target);
  const identifiers = others.filter((column) => isIdentifier(column, frame, rows));
  const id = identifiers.length === 1 && isUnique(identifiers[0]!, frame) ? identifiers[0]!.name : null;
  const empty = others.filter(({ nDistinct }) => nDistinct === 0);
  const time = inferTime(columns, frame, target);
  const aside = new Set([...identifiers, ...empty].map(({ name }) => name));
  const suspects = others.map(({ name }) => name).filter((name) => !aside.has(name));
  const leaks = [
    ...suspectLeaks(frame, target, suspects, rows),
    ...(time ? suspectLaterTimes(frame, time.name, suspects, rows) : []),
  ];
  const personal = others.flatMap(({ name }) => {
    const what = personalDataIn(name, columnOf(frame, name), rows);
    return what === null ? [] : [{ column: name, what }];
  });
  const told = new Set([...personal, ...leaks].map(({ column }) => column));
  const inputs = others.filter(({ name }) => !aside.has(name) && !told.has(name) && name !== time?.name);
  return {
    task: inferred.task,
    target,
    columns: columns.map((column) => (column.name === target ? inferred.column : inferColumn(column))),
    id,
    time,
    drops: dropsOf(personal, identifiers, empty).filter(({ column }) => column !== id),
    leaks: leaks.filter(({ column }) => !personal.some((one) => one.column === column)),
    personal,
    written: others.flatMap(({ name }) => writtenIn(name, columnOf(frame, name), rows) ?? []),
    sensitive: others.map(({ name }) => name).filter(looksSensitive),
    model: inputs.length > 0 && inputs.every(({ kind }) => kind === "text") ? "linear" : "boosting",
    limit: inferred.limit,
  };
}

function factsOf(columns: readonly ColumnFacts[], name: string): ColumnFacts {
  const facts = columns.find((column) => column.name === name);
  if (facts) return facts;
  const found = columns.map((column) => column.name);
  throw new MillraceError("COLUMN_MISSING", { name, subject: "the file", found, nearest: nearestName(name, found) });
}

/** What is left out of the features, for the first reason there is. */
function dropsOf(
  personal: InferredDefinition["personal"],
  identifiers: readonly ColumnFacts[],
  empty: readonly ColumnFacts[],
): InferredDefinition["drops"] {
  const isPersonal = new Set(personal.map(({ column }) => column));
  const because = (of: readonly ColumnFacts[], reason: string): InferredDefinition["drops"] =>
    of.filter(({ name }) => !isPersonal.has(name)).map(({ name }) => ({ column: name, reason }));
  return [
    ...personal.map(({ column, what }) => ({ column, reason: `it looks like ${what}` })),
    ...because(identifiers, "it names rows rather than describes them"),
    ...because(empty, "every value is missing"),
  ];
}

function inferColumn(facts: ColumnFacts): InferredColumn {
  const { name, kind, min } = facts;
  const missing = allowedShare(facts);
  return kind === "number" && min !== null && min >= 0 ? { name, kind, missing, min: 0 } : { name, kind, missing };
}

/** Half as much again as was seen, in steps of 5 %: a contract that new data does not break for nothing. */
export function allowedShare({ nMissing, nRows }: ColumnFacts): number {
  if (nMissing === 0) return 0;
  return Math.min(1, Math.ceil((nMissing / nRows) * 1.5 * 20 + 0.1) / 20);
}

function isIdentifier(facts: ColumnFacts, frame: Frame, rows: Uint32Array): boolean {
  const column = columnOf(frame, facts.name);
  return looksLikeIdentifier(facts.name, column, valuesOf(column, rows));
}

function isUnique({ name, nMissing, nRows }: ColumnFacts, frame: Frame): boolean {
  return nMissing === 0 && valuesOf(columnOf(frame, name), evenlySpaced(frame.nRows, frame.nRows)).nDistinct === nRows;
}

/** The only complete timestamp column, or the one that precedes all others in nearly every row. */
function inferTime(columns: readonly ColumnFacts[], frame: Frame, target: string): TimeColumn | null {
  const candidates = columns.filter(
    (c) => c.kind === "timestamp" && c.nMissing === 0 && c.nDistinct > 1 && c.name !== target,
  );
  const first = candidates.find((c) => candidates.every((other) => other === c || precedes(frame, c.name, other.name)));
  if (!first) return null;
  const column = columnOf(frame, first.name);
  const hasHours = column.kind === "timestamp" && column.values.some((ms) => ms % 86_400_000 !== 0);
  return { name: first.name, hasHours };
}

function precedes(frame: Frame, name: string, other: string): boolean {
  const a = columnOf(frame, name);
  const b = columnOf(frame, other);
  if (a.kind !== "timestamp" || b.kind !== "timestamp") return false;
  let before = 0;
  for (let i = 0; i < frame.nRows; ++i) if (a.values[i]! <= b.values[i]!) ++before;
  return before >= 0.999 * frame.nRows;
}

const sensitiveWords: ReadonlySet<string> = new Set(
  "sex gender race ethnic ethnicity religion religious nationality marital disability disabled pregnant pregnancy orientation veteran senior citizenship".split(
    " ",
  ),
);
const sensitiveNames: ReadonlySet<string> = new Set([
  "age",
  "agecat",
  "agegroup",
  "nativecountry",
  "countryofbirth",
  "seniorcitizen",
]);

/** Goes by words of the name, so that `sex_code` is one and `essex` is none; an age is meant only where it is a person's. */
function looksSensitive(name: string): boolean {
  const words = name
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}]+/u);
  return words.some((word) => sensitiveWords.has(word)) || sensitiveNames.has(words.join(""));
}
