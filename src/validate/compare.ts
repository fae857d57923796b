import type { Kind } from "../frame/column.ts";
import type { ColumnProfile, DatasetProfile } from "./profile.ts";
import { sketchShift } from "./sketch.ts";

/** How one column differs between two snapshots. */
export interface ColumnChange {
  readonly column: string;
  /** Population stability index; null where the kinds differ or a side has no rows. */
  readonly psi: number | null;
  /** What the index reaches by chance in 1 of 100 comparisons, over all columns; comparisons of earlier releases do not say. */
  readonly chance?: number;
  readonly kinds: readonly [before: Kind, after: Kind];
  /** What the column is in the source, where that differs and both profiles tell. */
  readonly types?: readonly [before: string, after: string];
  /** Shares of missing values. */
  readonly missing: readonly [before: number, after: number];
  /** Levels that came, and that went; at most 20 of each. */
  readonly newLevels: readonly string[];
  readonly goneLevels: readonly string[];
}

/** Two snapshots side by side. */
export interface ProfileComparison {
  readonly nRows: readonly [before: number, after: number];
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Columns of both, the most changed first. */
  readonly columns: readonly ColumnChange[];
}

const mostListed = 20;

/** Probability that any column of two samples of one population counts as moved. */
const familyAlpha = 0.01;

/** Compares two profiles: columns that came and went, and how far each other one moved. */
export function compareProfiles(before: DatasetProfile, after: DatasetProfile): ProfileComparison {
  const older = new Map(before.columns.map((column) => [column.column, column] as const));
  const newer = new Set(after.columns.map(({ column }) => column));
  const common = after.columns.filter(({ column }) => older.has(column));
  const alpha = familyAlpha / common.length;
  const columns = common.map((column) => changeOf(before, older.get(column.column)!, after, column, alpha));
  columns.sort((a, b) => (b.psi ?? Infinity) - (a.psi ?? Infinity) || (a.column < b.column ? -1 : 1));
  return {
    nRows: [before.nRows, after.nRows],
    added: [...newer].filter((name) => !older.has(name)),
    removed: [...older.keys()].filter((name) => !newer.has(name)),
    columns,
  };
}

function changeOf(
  before: DatasetProfile,
  old: ColumnProfile,
  after: DatasetProfile,
  column: ColumnProfile,
  alpha: number,
): ColumnChange {
  const levelsOf = ({ sketch }: ColumnProfile): readonly string[] =>
    sketch.form === "levels" ? sketch.levels.map(([level]) => level) : [];
  const [had, has] = [levelsOf(old), levelsOf(column)];
  const [known, now] = [new Set(had), new Set(has)];
  const share = (count: number, nRows: number): number => (nRows === 0 ? 0 : count / nRows);
  const shift = old.kind === column.kind ? sketchShift(old.sketch, column.sketch, alpha) : null;
  return {
    column: column.column,
    psi: shift?.psi ?? null,
    ...(shift && { chance: shift.chance }),
    kinds: [old.kind, column.kind],
    ...typesOf(sourceType(before, old), sourceType(after, column)),
    missing: [share(old.nMissing, before.nRows), share(column.nMissing, after.nRows)],
    newLevels: has.filter((level) => !known.has(level)).slice(0, mostListed),
    goneLevels: had.filter((level) => !now.has(level)).slice(0, mostListed),
  };
}

/** The kind stands for the types that are read as it without more ado; undefined: an earlier release did not say. */
function sourceType({ coerced }: DatasetProfile, { column, kind }: ColumnProfile): string | undefined {
  return coerced && (coerced.find((one) => one.column === column)?.from ?? kind);
}

function typesOf(before: string | undefined, after: string | undefined): Pick<ColumnChange, "types"> {
  return before === undefined || after === undefined || before === after ? {} : { types: [before, after] };
}

/** A comparison in lines: rows, columns that came and went, and the columns that moved. */
export function renderComparison(comparison: ProfileComparison): string[] {
  const moved = movedColumns(comparison);
  const width = Math.max(6, ...moved.map(([column]) => column.length));
  return [...comparisonSummary(comparison), ...moved.map(([column, how]) => `${column.padEnd(width)}  ${how}`)];
}

/** What holds of all columns: rows, columns that came and went, how many are as before. */
export function comparisonSummary(comparison: ProfileComparison): string[] {
  const { nRows, added, removed, columns } = comparison;
  const nSteady = columns.length - movedColumns(comparison).length;
  return [
    `rows ${nRows[0]} -> ${nRows[1]}`,
    ...(added.length > 0 ? [`new columns: ${added.join(", ")}`] : []),
    ...(removed.length > 0 ? [`columns gone: ${removed.join(", ")}`] : []),
    ...(nSteady > 0 ? [`${nSteady} columns as before`] : []),
  ];
}

/** The columns that moved, the most changed first, and how. */
export function movedColumns({ columns }: ProfileComparison): readonly (readonly [column: string, how: string])[] {
  return columns
    .filter((change) => verdictOf(change) !== "same")
    .map((change) => [change.column, describeChange(change)] as const);
}

/** Whether a column's index is above `limit` and above what chance explains. */
export function hasDrifted({ psi, chance = 0 }: ColumnChange, limit: number): boolean {
  return psi !== null && psi > limit && psi > chance;
}

/** Above 0.1 a shift is worth a look, above 0.25 it counts as large. */
function verdictOf(change: ColumnChange): "same" | "moved" | "large" {
  const { kinds, types, missing, newLevels, goneLevels } = change;
  if (kinds[0] !== kinds[1] || hasDrifted(change, 0.25)) return "large";
  const isMoved =
    types !== undefined ||
    hasDrifted(change, 0.1) ||
    Math.abs(missing[1] - missing[0]) >= 0.05 ||
    newLevels.length + goneLevels.length > 0;
  return isMoved ? "moved" : "same";
}

function describeChange(change: ColumnChange): string {
  const { psi, kinds, types, missing, newLevels, goneLevels } = change;
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const parts = [
    ...(psi === null ? [] : [`PSI ${psi.toFixed(3)}${verdictOf(change) === "large" ? " (large)" : ""}`]),
    ...(kinds[0] === kinds[1] ? [] : [`${kinds[0]} -> ${kinds[1]}`]),
    ...(types ? [`read from ${types[0]} -> ${types[1]}`] : []),
    ...(missing[0] === missing[1] ? [] : [`missing ${percent(missing[0])} -> ${percent(missing[1])}`]),
    ...(newLevels.length > 0 ? [`new: ${newLevels.slice(0, 5).join(", ")}`] : []),
    ...(goneLevels.length > 0 ? [`gone: ${goneLevels.slice(0, 5).join(", ")}`] : []),
  ];
  return parts.join("; ");
}
