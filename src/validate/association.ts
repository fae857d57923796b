import { missingBoolean, missingCode, type ColumnData } from "../frame/column.ts";
import { type Grouping, groupBy } from "./grouping.ts";

/** How well one column alone predicts the target, on rows other than those it was learned from. */
export interface Association {
  /** auc: 0.5 nothing to 1 all; r2: 0 to 1; gain: the share of the errors of always answering the commonest label that go away. */
  readonly measure: "auc" | "r2" | "gain";
  readonly value: number;
}

/** The target of the given rows: numbers, or label positions with `nLabels` of them. Rows without a target are not in. */
export interface AssociationTarget {
  readonly rows: Uint32Array;
  readonly values: Float64Array;
  /** 0 = numbers. */
  readonly nLabels: number;
}

const mostGroups = 256;

/** The target column at `rows`, those without a target left out; null for text, which cannot be a target. */
export function associationTarget(column: ColumnData, rows: Uint32Array): AssociationTarget | null {
  switch (column.kind) {
    case "text":
      return null;
    case "boolean":
      return targetOf(rows, 2, (row) => (column.values[row] === missingBoolean ? NaN : column.values[row]!));
    case "category":
      return targetOf(rows, column.levels.length, (row) =>
        column.codes[row] === missingCode ? NaN : column.codes[row]!,
      );
    default:
      return targetOf(rows, 0, (row) => column.values[row]!);
  }
}

function targetOf(rows: Uint32Array, nLabels: number, at: (row: number) => number): AssociationTarget {
  const known = rows.filter((row) => !Number.isNaN(at(row)));
  return { rows: known, values: Float64Array.from(known, at), nLabels };
}

/**
 * The strength of one column alone: group means (or label shares) are learned from every second row and judged on the
 * others, so that an identifier, which knows every row it has seen, gets no credit. Numbers are judged by their linear
 * correlation too, since 256 bins are too coarse for a copy of a long-tailed target.
 */
export function associate(column: ColumnData, target: AssociationTarget): Association | null {
  const groups = groupBy(column, target.rows, mostGroups);
  if (!groups || target.rows.length < 4) return null;
  if (target.nLabels === 2) return { measure: "auc", value: aucOfGroups(groups, target.values) };
  if (target.nLabels > 2) return { measure: "gain", value: gainOfGroups(groups, target) };
  const byGroup = r2OfGroups(groups, target.values);
  const linear =
    column.kind === "number" || column.kind === "timestamp" ? squaredCorrelation(column.values, target) : 0;
  return { measure: "r2", value: Math.max(byGroup, linear) };
}

function aucOfGroups({ nGroups, codes }: Grouping, labels: Float64Array): number {
  const learned = sumsByGroup(nGroups, codes, labels, 0);
  const judged = sumsByGroup(nGroups, codes, labels, 1);
  const rate = (group: number): number => (learned.sums[group]! + learned.mean) / (learned.counts[group]! + 1);
  const order = Array.from({ length: nGroups }, (_, i) => i).sort((a, b) => rate(a) - rate(b));
  let below = 0;
  let area = 0;
  let nPositive = 0;
  for (let i = 0; i < order.length;) {
    let positive = 0;
    let negative = 0;
    const tied = rate(order[i]!);
    for (; i < order.length && rate(order[i]!) === tied; ++i) {
      positive += judged.sums[order[i]!]!;
      negative += judged.counts[order[i]!]! - judged.sums[order[i]!]!;
    }
    area += positive * (below + negative / 2);
    below += negative;
    nPositive += positive;
  }
  return nPositive === 0 || below === 0 ? 0.5 : area / (nPositive * below);
}

function r2OfGroups({ nGroups, codes }: Grouping, values: Float64Array): number {
  const learned = sumsByGroup(nGroups, codes, values, 0);
  let mean = 0;
  let n = 0;
  for (let i = 1; i < values.length; i += 2) mean += (values[i]! - mean) / ++n;
  let residual = 0;
  let total = 0;
  for (let i = 1; i < values.length; i += 2) {
    const group = codes[i]!;
    const predicted = learned.counts[group]! > 0 ? learned.sums[group]! / learned.counts[group]! : learned.mean;
    residual += (values[i]! - predicted) ** 2;
    total += (values[i]! - mean) ** 2;
  }
  return total > 0 ? Math.max(0, 1 - residual / total) : 0;
}

function gainOfGroups({ nGroups, codes }: Grouping, target: AssociationTarget): number {
  const k = target.nLabels;
  if (nGroups * k > 5_000_000) return 0;
  const counts = new Uint32Array(nGroups * k);
  const totals = new Uint32Array(k);
  for (let i = 0; i < codes.length; i += 2) {
    ++counts[codes[i]! * k + target.values[i]!]!;
    ++totals[target.values[i]!]!;
  }
  const commonest = totals.indexOf(Math.max(...totals));
  const answers = Array.from({ length: nGroups }, (_, group) => {
    const shares = counts.subarray(group * k, (group + 1) * k);
    const best = shares.reduce((most, count, label) => (count > shares[most]! ? label : most), 0);
    return shares[best]! > 0 ? best : commonest;
  });
  let wrong = 0;
  let wrongAlways = 0;
  for (let i = 1; i < codes.length; i += 2) {
    if (answers[codes[i]!] !== target.values[i]) ++wrong;
    if (commonest !== target.values[i]) ++wrongAlways;
  }
  return wrongAlways === 0 ? 0 : Math.max(0, 1 - wrong / wrongAlways);
}

interface GroupSums {
  readonly sums: Float64Array;
  readonly counts: Uint32Array;
  readonly mean: number;
}

/** Sums over the rows at even (`first` 0) or odd (1) positions. */
function sumsByGroup(nGroups: number, codes: Int32Array, values: Float64Array, first: 0 | 1): GroupSums {
  const sums = new Float64Array(nGroups);
  const counts = new Uint32Array(nGroups);
  let mean = 0;
  let n = 0;
  for (let i = first; i < codes.length; i += 2) {
    const group = codes[i]!;
    sums[group]! += values[i]!;
    ++counts[group]!;
    mean += (values[i]! - mean) / ++n;
  }
  return { sums, counts, mean };
}

function squaredCorrelation(values: Float64Array, target: AssociationTarget): number {
  let n = 0;
  let meanX = 0;
  let meanY = 0;
  let xx = 0;
  let yy = 0;
  let xy = 0;
  for (let i = 0; i < target.rows.length; ++i) {
    const x = values[target.rows[i]!]!;
    const y = target.values[i]!;
    if (x !== x) continue;
    ++n;
    const dx = x - meanX;
    const dy = y - meanY;
    meanX += dx / n;
    meanY += dy / n;
    xx += dx * (x - meanX);
    yy += dy * (y - meanY);
    xy += dx * (y - meanY);
  }
  return n > 10 && xx > 0 && yy > 0 ? (xy * xy) / (xx * yy) : 0;
}
