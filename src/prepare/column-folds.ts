import type { ColumnData } from "../frame/column.ts";
import { invalidDefinition } from "../frame/definition-fault.ts";
import { columnOf } from "../frame/frame.ts";
import type { Fold, FoldInput } from "./fold.ts";
import { groupCodes, type Groups, withValue } from "./keys.ts";
import { timeOrder } from "./past.ts";
import { roleOf } from "./roles.ts";
import { innerWay } from "./split.ts";

/** Each fold is a whole fit; more values than this are names or measures. */
const mostFolds = 100;

interface NamedFold {
  readonly value: number | string;
  /** Ascending. */
  readonly rows: Uint32Array;
}

/**
 * Turns of cross-validation as a column says: for each of its values, in their order, one that tests on the rows of that value
 * and learns from those of the others; rows without a value are in none. What is declared once is obeyed: a group must lie
 * in one fold, and where rows are divided by time (then those without one are in no fold, either) folds must be periods, of
 * which each turn learns from the earlier ones alone, so that nothing tests on the first.
 *
 * Throws DEFINITION_INVALID where the column does not keep to that, or has fewer than 2 or more than 100 values.
 */
export function columnFolds(column: string, input: FoldInput): Fold[] {
  const { frame, roles } = input;
  const isTimed = innerWay(input.by, input) === "time";
  const time = isTimed ? columnOf(frame, roleOf(roles, "time")) : null;
  const values = columnOf(frame, column);
  const rows = withValue(values, time ? withValue(time, input.rows) : input.rows).sort();
  const foldOf = groupCodes(values, rows);
  if (foldOf.count < 2 || foldOf.count > mostFolds)
    throw invalidFolds(`must have 2 to ${mostFolds} values in the rows that are learned from`, String(foldOf.count));
  const folds = foldsByValue(values, rows, foldOf);
  if (time) return periodTurns(folds, time, input.gapMs ?? 0);
  if (roles.group !== null) refuseDividedGroups(foldOf, groupCodes(columnOf(frame, roles.group), rows));
  return folds.map((fold) => ({ train: joined(folds.filter((other) => other !== fold)), test: fold.rows }));
}

/** Numbers ascending, texts and levels by their code units. */
function foldsByValue(values: ColumnData, rows: Uint32Array, { codes, count }: Groups): NamedFold[] {
  const folds = Array.from({ length: count }, (_, fold) => rows.filter((_row, i) => codes[i] === fold));
  return folds
    .map((ofFold) => ({ value: valueAt(values, ofFold[0]!), rows: ofFold }))
    .sort((a, b) => (a.value < b.value ? -1 : 1));
}

function valueAt(column: ColumnData, row: number): number | string {
  if (column.kind === "text") return column.values[row]!;
  return column.kind === "category" ? column.levels[column.codes[row]!]! : column.values[row]!;
}

function periodTurns(folds: readonly NamedFold[], time: ColumnData, gapMs: number): Fold[] {
  const periods = folds
    .map(({ value, rows }) => ({ value, rows, ...timeOrder(time, rows) }))
    .sort((a, b) => a.times[0]! - b.times[0]!);
  return periods.slice(1).map(({ value, rows, times }, i) => {
    const before = periods[i]!;
    const [first, last] = [times[0]!, before.times.at(-1)!];
    if (last >= first) {
      const actual = `${JSON.stringify(value)} begins before ${JSON.stringify(before.value)} ends`;
      const remedy = "Name a column of periods, or leave the option out: folds then are periods of their own.";
      throw invalidFolds("must be periods that follow each other where rows are divided by time", actual, remedy);
    }
    const known = periods.slice(0, i + 1).map((period) => ({
      rows: period.order.filter((_, at) => gapMs === 0 || period.times[at]! <= first - gapMs),
    }));
    const train = joined(known);
    if (train.length === 0)
      throw invalidFolds("must leave rows to learn from before the gap", `none for ${JSON.stringify(value)}`);
    return { train, test: rows };
  });
}

/** All rows of the folds, ascending. */
function joined(folds: readonly { readonly rows: Uint32Array }[]): Uint32Array {
  const all = new Uint32Array(folds.reduce((total, { rows }) => total + rows.length, 0));
  let at = 0;
  for (const { rows } of folds) {
    all.set(rows, at);
    at += rows.length;
  }
  return all.sort();
}

/** A row without a group is one of its own. */
function refuseDividedGroups(foldOf: Groups, groups: Groups): void {
  const first = new Int32Array(groups.count).fill(-1);
  const divided = new Set<number>();
  groups.codes.forEach((group, i) => {
    if (first[group] === -1) first[group] = foldOf.codes[i]!;
    else if (first[group] !== foldOf.codes[i]) divided.add(group);
  });
  if (divided.size === 0) return;
  const actual = `${divided.size} of ${groups.count} groups divided`;
  const remedy =
    "Give all rows of a group one fold, or leave the option out: folds then keep groups whole of their own.";
  throw invalidFolds("must keep the rows of a group together", actual, remedy);
}

function invalidFolds(rule: string, actual: string, remedy?: string): Error {
  return invalidDefinition("split.folds", rule, actual, remedy);
}
