import { columnOf, type Frame, kindOf, takeColumn } from "../frame/frame.ts";
import { choleskySolve } from "../math/linear-algebra.ts";
import { associate, type AssociationTarget, associationTarget } from "./association.ts";
import { lateLimit, shareLater } from "./later-times.ts";

/** A column that says more about the target than anything known beforehand should. */
export interface SuspectedLeak {
  readonly column: string;
  readonly reason: string;
}

const limits = { auc: 0.96, r2: 0.97, gain: 0.95 } as const;
const names = { auc: "AUC", r2: "R2", gain: "share of errors avoided" } as const;

/** Columns that predict the target almost alone, and totals of which the target is a part. */
export function suspectLeaks(
  frame: Frame,
  target: string,
  columns: readonly string[],
  rows: Uint32Array,
): SuspectedLeak[] {
  const found = associationTarget(columnOf(frame, target), rows);
  if (!found) return [];
  const goal = asLabels(found);
  const leaks: SuspectedLeak[] = [];
  for (const column of columns) {
    const strength = associate(columnOf(frame, column), goal);
    if (!strength || strength.value < limits[strength.measure]) continue;
    const reason = `alone it predicts ${target} with ${names[strength.measure]} ${strength.value.toFixed(3)}`;
    leaks.push({ column, reason });
  }
  const total = findTotal(
    frame,
    target,
    columns.filter((name) => !leaks.some((leak) => leak.column === name)),
    rows,
  );
  if (total) leaks.push({ column: total, reason: `it looks like a sum that contains ${target}` });
  return leaks;
}

/** Times that lie behind the time of their row: they tell what came after. */
export function suspectLaterTimes(
  frame: Frame,
  time: string,
  columns: readonly string[],
  rows: Uint32Array,
): SuspectedLeak[] {
  const own = columnOf(frame, time);
  return columns.flatMap((column) => {
    const data = columnOf(frame, column);
    if (column === time || data.kind !== "timestamp" || own.kind !== "timestamp") return [];
    const share = shareLater(data.values, own.values, rows);
    if (share < lateLimit) return [];
    return [{ column, reason: `in ${(100 * share).toFixed(1)} % of the rows it lies after ${time}` }];
  });
}

/** Numbers of two values are labels. */
function asLabels(target: AssociationTarget): AssociationTarget {
  const distinct = new Set(target.values.subarray(0, 10_000));
  if (target.nLabels !== 0 || distinct.size !== 2) return target;
  const low = Math.min(...distinct);
  if (target.values.some((value) => !distinct.has(value))) return target;
  return { ...target, nLabels: 2, values: target.values.map((value) => (value === low ? 0 : 1)) };
}

const mostColumns = 60;

/**
 * A number column T with target = T - (sum of other columns) + noise: a least-squares fit of the target on all number
 * columns is good, T and another column have large slopes of opposite sign that nearly cancel, and without T three times
 * as much stays unexplained. (Fare, tolls and tip in a total; slopes are below 1 where a part of the sum is not in the file.)
 */
export function findTotal(frame: Frame, target: string, columns: readonly string[], rows: Uint32Array): string | null {
  if (kindOf(frame, target) !== "number") return null;
  const numeric = columns.filter((name) => kindOf(frame, name) === "number").slice(0, mostColumns);
  if (numeric.length < 2) return null;
  const all = fit(frame, target, numeric, rows);
  if (!all || all.r2 < 0.8) return null;
  const cancels = (slope: number): boolean => all.slopes.some((other) => other < -0.5 && Math.abs(slope + other) < 0.2);
  const total = numeric.find((_, i) => all.slopes[i]! > 0.5 && all.slopes[i]! < 1.25 && cancels(all.slopes[i]!));
  if (total === undefined) return null;
  const others = numeric.filter((name) => name !== total);
  const rest = fit(frame, target, others, rows);
  return rest && 1 - rest.r2 > 3 * (1 - all.r2) ? total : null;
}

interface LinearFit {
  readonly r2: number;
  readonly slopes: Float64Array;
}

/** Least squares by the normal equations of centred columns, a little ridge against collinear ones; complete rows only. */
function fit(frame: Frame, target: string, columns: readonly string[], rows: Uint32Array): LinearFit | null {
  const arrays = [...columns, target].map(
    (name) => (takeColumn(frame, name, rows) as { readonly values: Float64Array }).values,
  );
  const complete = Uint32Array.from(rows.keys()).filter((place) =>
    arrays.every((values) => Number.isFinite(values[place]!)),
  );
  const n = columns.length;
  if (complete.length < 10 * n) return null;
  const means = arrays.map((values) => complete.reduce((sum, place) => sum + values[place]!, 0) / complete.length);
  const gram = new Float64Array(n * n);
  const moments = new Float64Array(n);
  let total = 0;
  for (const place of complete) {
    const y = arrays[n]![place]! - means[n]!;
    total += y * y;
    for (let i = 0; i < n; ++i) {
      const x = arrays[i]![place]! - means[i]!;
      moments[i]! += x * y;
      for (let j = 0; j <= i; ++j) gram[i * n + j]! += x * (arrays[j]![place]! - means[j]!);
    }
  }
  for (let i = 0; i < n; ++i) {
    gram[i * n + i]! *= 1 + 1e-9;
    for (let j = 0; j < i; ++j) gram[j * n + i] = gram[i * n + j]!;
  }
  const slopes = choleskySolve(gram.slice(), n, moments.slice());
  if (!slopes || total === 0) return null;
  let explained = 0;
  for (let i = 0; i < n; ++i) explained += slopes[i]! * moments[i]!;
  return { r2: explained / total, slopes };
}
