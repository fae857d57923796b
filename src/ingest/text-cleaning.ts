import type { Cleaning } from "../frame/cleaning.ts";
import type { Contract } from "../frame/contract.ts";
import { quoteLiteral } from "../query/quote.ts";
import type { QuerySession } from "../query/session.ts";
import { blanks, type Conversion, isNoLostNumber, withParsed, wholeMs } from "./convert.ts";

/** How the texts of one column are cleaned before they are read, as plain data. */
export interface TextCleaning extends Cleaning {
  readonly column: string;
}

/** What a contract says of it. */
export function textsOf({ columns }: Contract): readonly TextCleaning[] {
  return columns.flatMap(({ name, clean }) => (clean === undefined ? [] : [{ column: name, ...clean }]));
}

/** How many cells of a column cleaning changed. */
export interface CleanedCells {
  readonly column: string;
  readonly cells: number;
}

/** Whether the one-pass reader reads such a column: all but texts that mean "missing" is left to SQL. */
export function isPlainlyRead({ trim, case: letters, units, dates }: TextCleaning): boolean {
  return !trim && letters === null && units === null && dates === null;
}

/** The conversion with its value cleaned. */
export function cleanValue(conversion: Conversion, kind: string, cleaning: TextCleaning | undefined): Conversion {
  if (!cleaning || isPlainlyRead(cleaning)) return conversion;
  if (cleaning.units !== null) return withUnits(conversion, cleaning.units);
  if (cleaning.dates !== null) return withDates(conversion, cleaning.dates);
  // Other kinds have no blanks and no case.
  if (kind !== "category" && kind !== "text") return conversion;
  const trimmed = cleaning.trim ? `trim(${conversion.value}, ${blanks})` : conversion.value;
  const cased = cleaning.case === null ? trimmed : `${cleaning.case}(${trimmed})`;
  return { ...conversion, value: `nullif(${cased}, '')` };
}

const numberWithUnit = "^([+-]?(?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?)\\s*(.*)$";

/** A number and one of the units declared; anything else is no number, for a unit must not be guessed. */
function withUnits(conversion: Conversion, units: Readonly<Record<string, number>>): Conversion {
  const text = `trim(${conversion.shown}, ${blanks})`;
  const part = (group: number): string => `regexp_extract(${text}, ${quoteLiteral(numberWithUnit)}, ${group})`;
  const cases = Object.entries(units).map(
    ([unit, factor]) =>
      `WHEN ${part(2)} = ${quoteLiteral(unit)} THEN TRY_CAST(${part(1)} AS DOUBLE) * ${factor}::DOUBLE`,
  );
  const alias = `clean_${conversion.alias}`;
  return {
    ...conversion,
    alias,
    parsed: `CASE ${cases.join(" ")} END`,
    // Beyond, a double would round what was written.
    value: `CASE WHEN ${conversion.present} AND abs(${alias}) < 9007199254740992 AND ${isNoLostNumber(alias, part(1))} THEN ${alias} END`,
    isTotal: false,
    expected: `a number with one of the units ${Object.keys(units)
      .map((unit) => (unit === "" ? "none" : unit))
      .join(", ")}`,
  };
}

/** The parts of a date format and what DuckDB's strptime calls them. */
const dateParts: readonly (readonly [part: string, directive: string])[] = [
  ["YYYY", "%Y"],
  ["MMM", "%b"],
  ["MM", "%m"],
  ["DD", "%d"],
  ["HH", "%H"],
  ["mm", "%M"],
  ["ss", "%S"],
  ["SSS", "%g"],
];

/** A format as strptime writes it; null where it is none: year, month and day once each, and nothing unknown. */
export function dateDirectives(format: string): string | null {
  const parts = /YYYY|MMM|MM|DD|HH|mm|SSS|ss/g;
  const found = format.match(parts) ?? [];
  const count = (...names: string[]): number => found.filter((part) => names.includes(part)).length;
  const isWhole = count("YYYY") === 1 && count("MM", "MMM") === 1 && count("DD") === 1;
  if (!isWhole || new Set(found).size !== found.length || /[A-Za-z%]/.test(format.replace(parts, "").replace(/T/g, "")))
    return null;
  return format.replace(parts, (part) => dateParts.find(([name]) => name === part)![1]);
}

/** A date in one of the formats declared. Where two of them read it as different days it is none: nobody can know which. */
function withDates(conversion: Conversion, formats: readonly string[]): Conversion {
  const text = `trim(${conversion.shown}, ${blanks})`;
  const readings = formats.map((format) =>
    format === "ISO"
      ? `(${conversion.parsed})::TIMESTAMP`
      : `try_strptime(${text}, ${quoteLiteral(dateDirectives(format)!)})`,
  );
  const alias = `clean_${conversion.alias}`;
  return {
    ...conversion,
    alias,
    parsed: `list_distinct(list_filter([${readings.join(", ")}], (one) -> one IS NOT NULL))`,
    value: `CASE WHEN ${conversion.present} AND len(${alias}) = 1 THEN ${wholeMs(`${alias}[1]`)} END`,
    isTotal: false,
    expected: `a date written ${formats.join(" or ")}, and not two days at once`,
  };
}

/** Counts the cells whose value cleaning changed, column by column, in one reading. */
export async function countCleaned(
  session: QuerySession,
  sql: string,
  columns: readonly { readonly column: string; readonly plain: Conversion; readonly clean: Conversion }[],
): Promise<readonly CleanedCells[]> {
  if (columns.length === 0) return [];
  const counts = columns.map(
    ({ plain, clean }) => `count(*) FILTER (WHERE (${plain.value}) IS DISTINCT FROM (${clean.value}))::DOUBLE`,
  );
  const both = columns.flatMap(({ plain, clean }) => (clean.alias === plain.alias ? [plain] : [plain, clean]));
  const parsed = withParsed(sql, both);
  const [counted] = await session.rows(`SELECT ${counts.join(", ")} FROM ${parsed}`);
  return columns.map(({ column }, i) => ({ column, cells: Number(counted![i]) }));
}
