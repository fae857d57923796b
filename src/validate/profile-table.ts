import { formatTimestamp } from "../frame/timestamp.ts";
import type { Coercion } from "./coercions.ts";
import { describeWritten } from "./written.ts";
import type { ColumnProfile, DatasetProfile } from "./profile.ts";

const bars = " ▁▂▃▄▅▆▇█";
const widestName = 32;
const widestLevel = 20;

/** The lines of a table: column, kind, missing, distinct, and the values' range with a small histogram or the top levels. */
export function renderProfile(profile: DatasetProfile): string[] {
  const rows = profileRows(profile);
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => align(cell, widths[i]!, i))
      .join("  ")
      .trimEnd();
  const lines = [`${group(profile.nRows)} rows, ${profile.columns.length} columns`, ...rows.map(line)];
  if (profile.nSampled < profile.nRows) {
    lines.push(`Quantiles and distinct numbers are of ${group(profile.nSampled)} evenly spaced rows.`);
  }
  lines.push(...coercionLines(profile.coerced ?? []));
  lines.push(...(profile.written ?? []).map((one) => `${one.code}: ${describeWritten(one)}`));
  return lines;
}

/** A row for each column, below a row of titles. */
export function profileRows(profile: DatasetProfile): readonly (readonly string[])[] {
  const rows = profile.columns.map((column) => [
    shorten(column.column, widestName),
    column.kind,
    share(column.nMissing, profile.nRows),
    distinct(column, profile),
    describeValues(column, profile.nRows),
  ]);
  return [["column", "kind", "missing", "distinct", "values"], ...rows];
}

const mostNamed = 6;

/** A line for each pair of type and kind: which columns, and how many cells of them. */
function coercionLines(coerced: readonly Coercion[]): string[] {
  const pairs = new Map<string, Coercion[]>();
  for (const one of coerced) {
    const pair = `${one.from} read as ${one.to}`;
    pairs.set(pair, [...(pairs.get(pair) ?? []), one]);
  }
  return [...pairs].map(([pair, ones]) => {
    const named = ones
      .slice(0, mostNamed)
      .map(({ column, cells }) => `${shorten(column, widestName)} (${group(cells)})`);
    return `${pair}: ${named.join(", ")}${ones.length > mostNamed ? `, and ${ones.length - mostNamed} more` : ""}`;
  });
}

function align(cell: string, width: number, index: number): string {
  return index === 2 || index === 3 ? cell.padStart(width) : cell.padEnd(width);
}

function distinct(column: ColumnProfile, profile: DatasetProfile): string {
  const isSampled = profile.nSampled < profile.nRows && column.levels.length === 0;
  return `${isSampled && column.nDistinct > 1 ? ">=" : ""}${group(column.nDistinct)}`;
}

function describeValues(column: ColumnProfile, nRows: number): string {
  if (column.levels.length > 0) {
    const shown = column.levels
      .slice(0, 4)
      .map(([level, count]) => `${shorten(level, widestLevel)} ${share(count, nRows)}`);
    return shown.join(", ") + (column.nDistinct > shown.length ? ", ..." : "");
  }
  const spread = column.spread;
  if (!spread) return "";
  const format = column.kind === "timestamp" ? day : significant;
  const range = `${format(spread.min)} to ${format(spread.max)}`;
  const unit = column.kind === "text" ? " characters" : "";
  return `${range}${unit}, median ${format(spread.quantiles[2] ?? NaN)}  ${histogram(spread.histogram)}`;
}

function histogram(shares: readonly number[]): string {
  const most = Math.max(...shares);
  return shares.map((value) => bars[value === 0 ? 0 : Math.max(1, Math.round((value / most) * 8))]).join("");
}

function day(ms: number): string {
  return formatTimestamp(ms).slice(0, 16).replace("T", " ");
}

function significant(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e9 ? group(value) : String(Number(value.toPrecision(5)));
}

function share(count: number, total: number): string {
  if (count === 0) return "0";
  const percent = (100 * count) / total;
  return percent < 0.1 ? "<0.1 %" : `${percent.toFixed(1)} %`;
}

/** Thousands set apart by commas, whatever the machine's language. */
function group(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Control characters would break the table, and are not harmless on a terminal. */
function shorten(text: string, width: number): string {
  const plain = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\uFFFD");
  const characters = Array.from(plain);
  return characters.length <= width ? plain : `${characters.slice(0, width - 3).join("")}...`;
}

/** What holds between columns and rows: repeated rows, values far out, correlations. Nothing where there is nothing. */
export function renderRelations({ nRows, nRepeated, columns, correlations }: DatasetProfile): string[] {
  const far = columns.filter(({ nOutliers }) => nOutliers > 0);
  const listed = far.map(({ column, nOutliers }) => `${shorten(column, widestName)} (${group(nOutliers)})`);
  return [
    ...(nRepeated > 0 ? [`repeated rows: ${group(nRepeated)} (${share(nRepeated, nRows)})`] : []),
    ...(far.length > 0 ? [`values far out: ${listed.join(", ")}`] : []),
    ...correlations.map(
      ({ columns: [a, b], r }) => `correlation ${r.toFixed(3)}: ${shorten(a, widestName)}, ${shorten(b, widestName)}`,
    ),
  ];
}
