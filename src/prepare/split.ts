import { MillraceError } from "../core/errors/error.ts";
import type { Rng } from "../core/rng.ts";
import { shuffle } from "../core/rng.ts";
import { type ColumnData, isMissing } from "../frame/column.ts";
import type { Frame } from "../frame/frame.ts";
import { columnOf } from "../frame/frame.ts";
import { rowsWithCode, splitCode } from "../frame/split-codes.ts";
import type { Roles, Task } from "../model/model.ts";
import { groupCodes, identityHashes, withValue } from "./keys.ts";
import { moveBorder, timeOrder } from "./past.ts";
import { roleOf } from "./roles.ts";
import { strataOf } from "./strata.ts";

/** How the rows are divided, as plain data. `test` and `validation` are shares of all rows; the rest is train. */
export interface SplitPlan {
  /**
   * random: by chance. hash: by the group, else the id, so that a row keeps its split when others are added. target: by chance
   * within each label (regression: within each tenth of the values). time: past to train, then validation, the last to
   * test. group: whole groups. column: as a column of the data says.
   */
  readonly by: "random" | "hash" | "target" | "time" | "group" | "column";
  readonly test: number;
  readonly validation: number;
  /** time: how much time lies between what is learned from and what is judged; rows in between are left out. */
  readonly gapMs?: number;
  /** column: its name; it says "train", "validation" or "test", and rows where it says nothing are left out. */
  readonly column?: string;
}

/** What dividing rows needs to know about them. */
export interface SplitInput {
  readonly frame: Frame;
  readonly roles: Roles;
  readonly task: Task;
  readonly rng: Rng;
}

/**
 * The split of every row: 0 train, 1 validation, 2 test, 255 left out (the `excluded` rows, rows without a target and,
 * by time, rows without a time). The same plan, frame and rng give the same split.
 *
 * Throws SPLIT_EMPTY where a split with a share would hold no rows.
 */
export function planSplit(plan: SplitPlan, input: SplitInput & { readonly excluded?: Uint32Array }): Uint8Array {
  const codes = new Uint8Array(input.frame.nRows);
  const rows = usableRows(input, plan.by, codes);
  const rng = input.rng.fork("split");
  const inner = innerWay(plan.by, input);
  if (plan.validation === 0 || inner === plan.by || plan.by === "column") divide(plan, input, rows, rng, codes);
  else {
    divide({ ...plan, validation: 0 }, input, rows, rng, codes);
    const rest = rowsWithCode(codes, splitCode.train);
    const validation = Math.min(1, (plan.validation * rows.length) / Math.max(1, rest.length));
    const dated = inner === "time" ? withValue(columnOf(input.frame, roleOf(input.roles, "time")), rest) : rest;
    divide({ ...plan, by: inner, test: 0, validation }, input, dated, rng, codes);
  }
  refuseEmpty(plan, codes);
  return codes;
}

/**
 * How rows are divided further inside of a split (validation rows, folds): what is declared once is obeyed. Time where the
 * split goes by it, or by a column, and otherwise a declared group, and then a declared time; a split by hash stays one, which goes by
 * the group where there is one.
 */
export function innerWay(by: SplitPlan["by"], { roles, task }: Pick<SplitInput, "roles" | "task">): SplitPlan["by"] {
  if (by === "time" || by === "hash") return by;
  if (by === "column" && roles.time !== null) return "time";
  if (roles.group !== null) return "group";
  if (roles.time !== null) return "time";
  if (by !== "column") return by;
  return task === "binary" || task === "multiclass" ? "target" : "random";
}

/** Gives `rows`, whose codes are train, their codes in the manner of the plan; reorders them. */
function divide(plan: SplitPlan, input: SplitInput, rows: Uint32Array, rng: Rng, codes: Uint8Array): void {
  const { frame, roles } = input;
  switch (plan.by) {
    case "random":
      shuffle(rows, rng);
      assignStratum(
        codes,
        rows,
        0,
        rows.length,
        Math.round(rows.length * plan.test),
        Math.round(rows.length * plan.validation),
      );
      break;
    case "hash":
      splitByHash(plan, identityHashes(frame, roles, rng), rows, codes);
      break;
    case "target":
      splitByTarget(plan, input, rows, rng, codes);
      break;
    case "time":
      splitByTime(plan, columnOf(frame, roleOf(roles, "time")), rows, codes);
      break;
    case "column":
      splitByColumn(plan.column!, columnOf(frame, plan.column!), rows, codes);
      break;
    case "group":
      splitByGroup(plan, columnOf(frame, roleOf(roles, "group")), rows, rng, codes);
      break;
  }
}

function usableRows(
  input: SplitInput & { readonly excluded?: Uint32Array },
  by: SplitPlan["by"],
  codes: Uint8Array,
): Uint32Array {
  for (const row of input.excluded ?? []) codes[row] = splitCode.leftOut;
  if (input.roles.target !== null) leaveOutMissing(columnOf(input.frame, input.roles.target), codes);
  if (by === "time") leaveOutMissing(columnOf(input.frame, roleOf(input.roles, "time")), codes);
  return rowsWithCode(codes, 0);
}

function leaveOutMissing(column: ColumnData, codes: Uint8Array): void {
  const n = codes.length;
  for (let row = 0; row < n; ++row) if (isMissing(column, row)) codes[row] = splitCode.leftOut;
}

/** The first rows from `start` on become test, the next validation; the rest up to `end` stay train. */
function assignStratum(
  codes: Uint8Array,
  rows: Uint32Array,
  start: number,
  end: number,
  nTest: number,
  nValidation: number,
): void {
  const testEnd = Math.min(start + nTest, end);
  const validationEnd = Math.min(testEnd + nValidation, end);
  for (let i = start; i < testEnd; ++i) codes[rows[i]!] = splitCode.test;
  for (let i = testEnd; i < validationEnd; ++i) codes[rows[i]!] = splitCode.validation;
}

/** An identity's place on the circle [0, 1) decides, so its split never depends on other rows. Rows without one are train. */
function splitByHash(plan: SplitPlan, hashes: Float64Array, rows: Uint32Array, codes: Uint8Array): void {
  const testEnd = plan.test * 4294967296;
  const validationEnd = (plan.test + plan.validation) * 4294967296;
  for (const row of rows) {
    const hash = hashes[row]!;
    codes[row] = hash < testEnd ? splitCode.test : hash < validationEnd ? splitCode.validation : splitCode.train;
  }
}

function splitByTarget(plan: SplitPlan, input: SplitInput, rows: Uint32Array, rng: Rng, codes: Uint8Array): void {
  const target = columnOf(input.frame, roleOf(input.roles, "target"));
  shuffle(rows, rng);
  const strata = strataOf(target, input.task, rows);
  const nStrata = strata.offsets.length - 1;
  const sizes = new Uint32Array(nStrata);
  for (let s = 0; s < nStrata; ++s) sizes[s] = strata.offsets[s + 1]! - strata.offsets[s]!;
  const nTest = allocate(sizes, plan.test, new Uint32Array(nStrata));
  const nValidation = allocate(sizes, plan.validation, nTest);
  for (let s = 0; s < nStrata; ++s) {
    assignStratum(codes, strata.rows, strata.offsets[s]!, strata.offsets[s + 1]!, nTest[s]!, nValidation[s]!);
  }
}

/**
 * Rows each stratum gives to a split of `share`: rounded down, then one more to the strata with the largest remainders
 * until the total is right. A stratum always keeps a row for train, so that no label is unknown there.
 */
function allocate(sizes: Uint32Array, share: number, taken: Uint32Array): Uint32Array {
  const nStrata = sizes.length;
  const given = new Uint32Array(nStrata);
  let nRows = 0;
  let nGiven = 0;
  for (let s = 0; s < nStrata; ++s) {
    nRows += sizes[s]!;
    given[s] = Math.min(Math.floor(sizes[s]! * share), sizes[s]! - taken[s]!);
    nGiven += given[s]!;
  }
  const wanted = Math.round(nRows * share);
  const remainder = (s: number): number => sizes[s]! * share - given[s]!;
  const byRemainder = Array.from({ length: nStrata }, (_, s) => s).sort((a, b) => remainder(b) - remainder(a) || a - b);
  for (const s of byRemainder) {
    if (nGiven >= wanted) break;
    if (remainder(s) <= 0 || given[s]! + taken[s]! + 1 >= sizes[s]!) continue;
    given[s] = given[s]! + 1;
    ++nGiven;
  }
  return given;
}

function splitByTime(plan: SplitPlan, time: ColumnData, rows: Uint32Array, codes: Uint8Array): void {
  const { order, times } = timeOrder(time, rows);
  const n = order.length;
  const testStart = plan.test > 0 ? moveBorder(times, 0, n, n - Math.round(n * plan.test)) : n;
  const nValidation = Math.round(n * plan.validation);
  const validationStart = plan.validation > 0 ? moveBorder(times, 0, testStart, testStart - nValidation) : testStart;
  const isNear = (i: number, start: number): boolean => start < n && times[i]! > times[start]! - (plan.gapMs ?? 0);
  for (let i = 0; i < validationStart; ++i) if (isNear(i, validationStart)) codes[order[i]!] = splitCode.leftOut;
  for (let i = validationStart; i < testStart; ++i)
    codes[order[i]!] = isNear(i, testStart) ? splitCode.leftOut : splitCode.validation;
  for (let i = testStart; i < n; ++i) codes[order[i]!] = splitCode.test;
}

const codeOfWord: ReadonlyMap<string, number> = new Map([
  ["train", splitCode.train],
  ["validation", splitCode.validation],
  ["test", splitCode.test],
]);

function splitByColumn(name: string, column: ColumnData, rows: Uint32Array, codes: Uint8Array): void {
  const wordAt = (row: number): string | null => {
    if (column.kind === "category") return column.levels[column.codes[row]!] ?? null;
    return column.kind === "text" ? column.values[row]! : null;
  };
  for (const row of rows) {
    const word = wordAt(row);
    const code = word === null ? splitCode.leftOut : codeOfWord.get(word);
    if (code === undefined) {
      const first = `column "${name}", row ${row + 1}: expected train, validation or test, got ${JSON.stringify(word)}`;
      throw new MillraceError("CONTRACT_VIOLATED", { subject: "the split", count: 1, first });
    }
    codes[row] = code;
  }
}

/** In random order each group joins the first of test, validation and train that it brings nearer to its share. */
function splitByGroup(plan: SplitPlan, group: ColumnData, rows: Uint32Array, rng: Rng, codes: Uint8Array): void {
  const groups = groupCodes(group, rows);
  const splitOfGroup = new Uint8Array(groups.count);
  const held = [0, 0, 0];
  const wanted = [0, rows.length * plan.validation, rows.length * plan.test];
  for (const g of shuffledOrder(groups.count, rng)) {
    const size = groups.sizes[g]!;
    const split = [2, 1].find((code) => held[code]! + size / 2 <= wanted[code]!) ?? 0;
    splitOfGroup[g] = split;
    held[split] = held[split]! + size;
  }
  for (const split of [2, 1]) {
    if (held[split]! > 0 || wanted[split] === 0) continue;
    const smallest = smallestTrainGroup(groups.sizes, splitOfGroup);
    if (smallest >= 0) splitOfGroup[smallest] = split;
  }
  for (let i = 0; i < rows.length; ++i) codes[rows[i]!] = splitOfGroup[groups.codes[i]!]!;
}

/** The train group with fewest rows, or -1 where train holds a single group. */
function smallestTrainGroup(sizes: Uint32Array, splitOfGroup: Uint8Array): number {
  let smallest = -1;
  let nTrain = 0;
  for (let g = 0; g < sizes.length; ++g) {
    if (splitOfGroup[g] !== 0) continue;
    ++nTrain;
    if (smallest < 0 || sizes[g]! < sizes[smallest]!) smallest = g;
  }
  return nTrain > 1 ? smallest : -1;
}

function shuffledOrder(count: number, rng: Rng): Uint32Array {
  const order = new Uint32Array(count);
  for (let i = 0; i < count; ++i) order[i] = i;
  shuffle(order, rng);
  return order;
}

function refuseEmpty(plan: SplitPlan, codes: Uint8Array): void {
  const counts = [0, 0, 0];
  for (const code of codes) if (code !== splitCode.leftOut) counts[code] = counts[code]! + 1;
  const shares = [1 - plan.test - plan.validation, plan.validation, plan.test];
  const names = ["train", "validation", "test"];
  for (let code = 0; code < 3; ++code) {
    if (shares[code]! > 0 && counts[code] === 0)
      throw new MillraceError("SPLIT_EMPTY", { split: names[code]!, nRows: codes.length });
  }
}
