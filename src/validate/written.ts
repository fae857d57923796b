import type { ColumnData } from "../frame/column.ts";

/**
 * Texts that seem to be dates or numbers with units. What they mean is declared in `clean`, and never guessed: where
 * a day and a month could be either, `code` says so.
 */
export interface WrittenValues {
  readonly column: string;
  readonly code: "writtenDates" | "ambiguousDates" | "writtenUnits";
  /** Formats as `clean` takes them, or units. Of ambiguous dates all that could be meant. */
  readonly ways: readonly string[];
}

const mostValues = 2_000;
const fewest = 5;
const mostly = 0.95;
const mostUnits = 10;

const datePattern = /^(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})( \d{1,2}:\d{2}(:\d{2})?)?$/;
const unitPattern = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*([^\s\d.,+-]\S{0,9})$/;

/** What the texts of a column seem to be; null where they seem to be texts, or dates as ISO 8601 writes them. */
export function writtenIn(name: string, column: ColumnData, rows: Uint32Array): WrittenValues | null {
  const texts = textsOf(column, rows);
  if (texts.length < fewest) return null;
  const dates = texts.flatMap((text) => partsOf(text) ?? []);
  if (dates.length >= mostly * texts.length) return datesIn(name, dates);
  const units = texts.flatMap((text) => unitPattern.exec(text)?.[1] ?? []);
  const distinct = [...new Set(units)].sort();
  if (units.length < mostly * texts.length || distinct.length > mostUnits) return null;
  return { column: name, code: "writtenUnits", ways: distinct };
}

interface DateParts {
  readonly isYearFirst: boolean;
  readonly separator: string;
  readonly time: string;
  /** The two parts beside the year, in their order. */
  readonly first: number;
  readonly second: number;
}

function partsOf(text: string): DateParts | null {
  const [, a = "", separator = "", b = "", c = "", clock, seconds] = datePattern.exec(text) ?? [];
  const isYearFirst = a.length === 4;
  if (!isYearFirst && (c.length !== 4 || a.length > 2)) return null;
  if (isYearFirst && (c.length > 2 || separator === "-")) return null;
  const time = clock === undefined ? "" : seconds === undefined ? " HH:mm" : " HH:mm:ss";
  const [first, second] = isYearFirst ? [Number(b), Number(c)] : [Number(a), Number(b)];
  return { isYearFirst, separator, time, first, second };
}

/** One way that reads every date is what is meant; two that do, or two that are needed, are for a person to tell apart. */
function datesIn(column: string, dates: readonly DateParts[]): WrittenValues {
  const ways = new Set<string>();
  let isAmbiguous = false;
  const shapes = new Map<string, DateParts[]>();
  for (const date of dates) {
    const shape = `${date.isYearFirst} ${date.separator}${date.time}`;
    const ones = shapes.get(shape);
    if (ones === undefined) shapes.set(shape, [date]);
    else ones.push(date);
  }
  for (const ones of shapes.values()) {
    const { isYearFirst, separator: s, time } = ones[0]!;
    const [dayFirst, monthFirst] = [`DD${s}MM${s}YYYY${time}`, `MM${s}DD${s}YYYY${time}`];
    const isDayFirst = ones.every(({ first, second }) => first <= 31 && second <= 12);
    const isMonthFirst = ones.every(({ first, second }) => first <= 12 && second <= 31);
    if (isYearFirst) ways.add(`YYYY${s}MM${s}DD${time}`);
    else if (isDayFirst === isMonthFirst) {
      isAmbiguous = true;
      ways.add(dayFirst).add(monthFirst);
    } else ways.add(isDayFirst ? dayFirst : monthFirst);
  }
  return { column, code: isAmbiguous ? "ambiguousDates" : "writtenDates", ways: [...ways] };
}

function textsOf(column: ColumnData, rows: Uint32Array): string[] {
  if (column.kind !== "text" && column.kind !== "category") return [];
  const texts: string[] = [];
  for (let i = 0; i < rows.length && texts.length < mostValues; ++i) {
    const row = rows[i]!;
    const text =
      column.kind === "text" ? column.values[row]! : column.codes[row]! < 0 ? null : column.levels[column.codes[row]!]!;
    if (text !== null && text.trim() !== "") texts.push(text.trim());
  }
  return texts;
}

/** The finding as a sentence, with what to declare. */
export function describeWritten({ column, code, ways }: WrittenValues): string {
  const listed = ways.map((way) => JSON.stringify(way)).join(", ");
  const declare = (what: string): string => `clean: { columns: { ${JSON.stringify(column)}: { ${what} } } }`;
  switch (code) {
    case "writtenDates":
      return `"${column}" seems to hold dates: declare it as timestamp() with ${declare(`dates: [${listed}]`)}.`;
    case "ambiguousDates":
      return `"${column}" holds dates of which nobody can tell the day from the month: declare it as timestamp() and which of ${listed} they are with ${declare("dates: ...")}.`;
    case "writtenUnits":
      return `"${column}" seems to hold numbers with the units ${listed}: declare it as number() and how many of the one that is kept each is with ${declare("units: ...")}.`;
  }
}
