import type { Kind } from "../frame/column.ts";
import type { ColumnFacts } from "../query/column-facts.ts";
import { isOneOf } from "../query/quote.ts";
import { type Conversion, convert, withParsed } from "./convert.ts";
import type { Relation } from "./relation.ts";

/** Counts of one column by kind, over all rows. */
interface Counts {
  readonly nPresent: number;
  readonly nNonEmpty: number;
  readonly nNumber: number;
  readonly nWhole: number;
  readonly nTimestamp: number;
  readonly nTruth: number;
  readonly min: number;
  readonly max: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly meanLength: number;
  readonly maxLength: number;
  readonly nDistinct: number;
}

const fields: readonly (keyof Counts)[] = [
  "nPresent",
  "nNonEmpty",
  "nNumber",
  "nWhole",
  "nTimestamp",
  "nTruth",
  "min",
  "max",
  "firstMs",
  "lastMs",
  "meanLength",
  "maxLength",
  "nDistinct",
];

const truthTexts = ["true", "false", "t", "f"];
const mostLevels = 100;
const mostListed = 1_000;

/** Reads the source once into a table (which may spill to disk), then asks it for counts and for the values of columns with few. */
export async function gatherFacts(source: Relation): Promise<readonly ColumnFacts[]> {
  const columns = source.types.map((_, i) => `c${i}`).join(", ");
  await source.session.run(`CREATE TABLE facts AS SELECT ${columns} FROM ${source.sql}`);
  const relation: Relation = { ...source, sql: "facts" };
  const conversions = relation.types.map((type, i) => conversionsOf(`c${i}`, type));
  const selected = conversions.flatMap((of, i) => countsOf(of, relation.types[i]!));
  const parsed = withParsed(
    relation.sql,
    conversions.flatMap((of) => [of.number, of.timestamp, of.text]),
  );
  const row = (await relation.session.rows(`SELECT ${selected.join(", ")} FROM ${parsed}`))[0]!;
  const facts: ColumnFacts[] = [];
  for (let i = 0; i < relation.names.length; ++i) {
    const values = fields.map((field, k) => [field, Number(row[i * fields.length + k] ?? NaN)] as const);
    const counts = Object.fromEntries(values) as unknown as Counts;
    facts.push(await factsOf(relation, i, counts));
  }
  return facts;
}

type Conversions = Readonly<Record<"number" | "timestamp" | "text", Conversion>>;

function conversionsOf(column: string, type: string): Conversions {
  const to = (kind: Kind): Conversion => convert(column, type, kind, []);
  return { number: to("number"), timestamp: to("timestamp"), text: to("text") };
}

/** One SQL aggregate for each of `fields`. */
function countsOf({ number, timestamp, text }: Conversions, type: string): string[] {
  const truth =
    type === "BOOLEAN" ? text.present : `${text.present} AND ${isOneOf(`lower(trim(${text.shown}))`, truthTexts)}`;
  const isWhole = `(${number.value}) = trunc(${number.value}) AND abs(${number.value}) < 1e15`;
  const aggregates = [
    `count(*) FILTER (WHERE CASE WHEN (${number.value}) IS NULL THEN ${number.present} ELSE true END)`,
    `count(*) FILTER (WHERE ${text.present})`,
    `count(${number.value})`,
    `count(*) FILTER (WHERE ${isWhole})`,
    `count(${timestamp.value})`,
    `count(*) FILTER (WHERE ${truth})`,
    `min(${number.value})`,
    `max(${number.value})`,
    `epoch_ms(min(${timestamp.value}))`,
    `epoch_ms(max(${timestamp.value}))`,
    `avg(length(${text.value}))`,
    `max(length(${text.value}))`,
    `approx_count_distinct(${text.value})`,
  ];
  return aggregates.map((aggregate) => `(${aggregate})::DOUBLE`);
}

async function factsOf(relation: Relation, index: number, counts: Counts): Promise<ColumnFacts> {
  const type = relation.types[index]!;
  const listed = counts.nDistinct <= mostListed * 1.2 ? await listValues(relation, index) : null;
  const odd = listed ? oddTexts(counts, listed) : [];
  const nOdd = odd.reduce((sum, [, count]) => sum + count, 0);
  const kind = kindOf(type, { ...counts, nPresent: counts.nPresent - nOdd });
  const isOrdered = kind === "number" || kind === "timestamp";
  const nPresent = kind === "category" || kind === "text" ? counts.nNonEmpty : counts.nPresent - nOdd;
  const isOdd = new Set(odd.map(([text]) => text));
  const levels = (listed ?? []).filter(([text]) => !isOdd.has(text));
  return {
    name: relation.names[index]!,
    kind,
    nRows: relation.nRows,
    nMissing: relation.nRows - nPresent,
    nDistinct: listed && listed.length <= mostListed ? levels.length : Math.min(counts.nDistinct, nPresent),
    min: isOrdered && nPresent > 0 ? (kind === "number" ? counts.min : counts.firstMs) : null,
    max: isOrdered && nPresent > 0 ? (kind === "number" ? counts.max : counts.lastMs) : null,
    isInteger: kind === "number" && counts.nWhole === counts.nNumber,
    meanLength: counts.meanLength || 0,
    maxLength: counts.maxLength || 0,
    levels: levels.slice(0, mostLevels),
    missingTexts: kind === "number" || kind === "timestamp" ? [...isOdd].sort() : [],
  };
}

type Level = readonly [level: string, count: number];

/** The commonest values, equal counts by code point; one more than wanted tells that there are more. */
async function listValues(relation: Relation, index: number): Promise<readonly Level[]> {
  const { parsed } = convert(`c${index}`, relation.types[index]!, "text", []);
  const rows = await relation.session.rows(
    `SELECT v, n FROM (SELECT ${parsed} AS v, count(*)::DOUBLE AS n FROM ${relation.sql} GROUP BY v) WHERE v IS NOT NULL ORDER BY n DESC, v LIMIT ${mostListed + 1}`,
  );
  return rows.map((row) => [String(row[0]), Number(row[1])] as const);
}

const marker = /^(?:[^\p{L}\p{N}]+|unknown|missing|not available|n\.a\.|nil|undefined|#n\/a|-9{2,4})$/iu;
const mostOddTexts = 3;

/** Marks such as "?" in a column that holds numbers or times otherwise. */
function oddTexts(counts: Counts, values: readonly Level[]): readonly Level[] {
  const best = Math.max(counts.nNumber, counts.nTimestamp);
  if (best === counts.nPresent || best < counts.nPresent / 2) return [];
  const odd = values.filter(
    ([text]) => marker.test(text.trim()) && text.trim() !== "" && !Number.isFinite(Number(text)),
  );
  const nOdd = odd.reduce((sum, [, count]) => sum + count, 0);
  return odd.length <= mostOddTexts && best + nOdd === counts.nPresent
    ? odd.map(([text, n]) => [text.trim(), n] as const)
    : [];
}

const shortText = 20;

function kindOf(type: string, counts: Counts): Kind {
  if (type === "BOOLEAN") return "boolean";
  if (counts.nPresent <= 0) return /CHAR|ENUM/.test(type) && counts.nNonEmpty > 0 ? "category" : "number";
  if (counts.nTruth === counts.nPresent) return "boolean";
  if (counts.nNumber === counts.nPresent) return "number";
  if (counts.nTimestamp === counts.nPresent) return "timestamp";
  return counts.meanLength > shortText && counts.nDistinct > counts.nNonEmpty / 2 ? "text" : "category";
}
