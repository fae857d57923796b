import type { ColumnData } from "../frame/column.ts";
import { invalidDefinition } from "../frame/definition-fault.ts";
import { columnOf } from "../frame/frame.ts";
import type { Fold, FoldInput } from "./fold.ts";
import { groupCodes, type Groups, withValue } from "./keys.ts";
import { timeOrder } from "./past.ts";
import { roleOf } from "./roles.ts";
import { innerWay } from "./split.ts";
import { turns, windows } from "./turns.ts";

/** Each fold is a whole fit; more values than this are names or measures. */
const mostFolds = 100;

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
  const values = columnOf(frame, column);
  if (innerWay(input.by, input) === "time") return periodTurns(values, columnOf(frame, roleOf(roles, "time")), input);
  const rows = withValue(values, input.rows).sort();
  const foldOf = foldsOf(values, rows);
  if (roles.group !== null) refuseDividedGroups(foldOf, groupCodes(columnOf(frame, roles.group), rows));
  const rank = ranksOf(firstOfEach(foldOf).map((i) => valueAt(values, rows[i]!)));
  return turns(
    foldOf.count,
    rows,
    foldOf.codes.map((code) => rank[code]!),
  );
}

function foldsOf(values: ColumnData, rows: Uint32Array): Groups {
  const folds = groupCodes(values, rows);
  if (folds.count < 2 || folds.count > mostFolds)
    throw invalidFolds(`must have 2 to ${mostFolds} values in the rows that are learned from`, String(folds.count));
  return folds;
}

/** Where each group appears, which is the order of their numbers. */
function firstOfEach({ codes }: Groups): number[] {
  const first: number[] = [];
  codes.forEach((code, i) => {
    if (code === first.length) first.push(i);
  });
  return first;
}

/** The place of each value: numbers ascending, texts and levels by their code units. */
function ranksOf(values: readonly (number | string)[]): number[] {
  const ascending = values.map((_, i) => i).sort((a, b) => (values[a]! < values[b]! ? -1 : 1));
  const ranks: number[] = [];
  ascending.forEach((i, rank) => (ranks[i] = rank));
  return ranks;
}

function valueAt(column: ColumnData, row: number): number | string {
  if (column.kind === "text") return column.values[row]!;
  return column.kind === "category" ? column.levels[column.codes[row]!]! : column.values[row]!;
}

/** Folds are numbered as they appear in time: where each ends before the next one begins, they are periods. */
function periodTurns(values: ColumnData, time: ColumnData, input: FoldInput): Fold[] {
  const { order, times } = timeOrder(time, withValue(values, withValue(time, input.rows)).sort());
  const foldOf = foldsOf(values, order);
  const first = firstOfEach(foldOf);
  const nameOf = (fold: number): string => JSON.stringify(valueAt(values, order[first[fold]!]!));
  const last = new Uint32Array(foldOf.count);
  foldOf.codes.forEach((fold, i) => (last[fold] = i));
  for (let fold = 1; fold < foldOf.count; ++fold) {
    if (times[last[fold - 1]!]! < times[first[fold]!]!) continue;
    const remedy = "Name a column of periods, or leave the option out: folds then are periods of their own.";
    const actual = `${nameOf(fold)} begins before ${nameOf(fold - 1)} ends`;
    throw invalidFolds("must be periods that follow each other where rows are divided by time", actual, remedy);
  }
  const folds = windows(order, times, [...first, order.length], input.gapMs ?? 0);
  const untaught = folds.findIndex(({ train }) => train.length === 0);
  if (untaught >= 0)
    throw invalidFolds("must leave rows to learn from before the gap", `none for ${nameOf(untaught + 1)}`);
  return folds;
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
