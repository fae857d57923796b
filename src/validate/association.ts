import { mix32 } from "../core/rng.ts";
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
  /** 1 for the rows an association is judged on, 0 for those it is learned from: a coin by position, about half each. */
  readonly judged: Uint8Array;
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
  // Every second row would fall in step with data that has a rhythm of its own.
  const judged = Uint8Array.from(known, (_, i) => mix32(i) & 1);
  return { rows: known, values: Float64Array.from(known, at), nLabels, judged };
}

/**
 * The strength of one column alone: group means (or label shares) are learned from half of the rows and judged on the
 * others, so that an identifier, which knows every row it has seen, gets no credit. Numbers are judged by their linear
 * correlation too, since 256 bins are too coarse for a copy of a long-tailed target.
 */
export function associate(column: ColumnData, target: AssociationTarget): Association | null {
  const groups = groupBy(column, target.rows, mostGroups);
  if (!groups || target.rows.length < 4) return null;
  if (target.nLabels === 2) return { measure: "auc", value: aucOfGroups(groups, target) };
  if (target.nLabels > 2) return { measure: "gain", value: gainOfGroups(groups, target) };
  const byGroup = r2OfGroups(groups, target);
  const linear =
    column.kind === "number" || column.kind === "timestamp" ? squaredCorrelation(column.values, target) : 0;
  return { measure: "r2", value: Math.max(byGroup, linear) };
}

function aucOfGroups(groups: Grouping, target: AssociationTarget): number {
  const { nGroups } = groups;
  const learned = sumsByGroup(groups, target, 0);
  const judged = sumsByGroup(groups, target, 1);
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

function r2OfGroups(groups: Grouping, target: AssociationTarget): number {
  const { values, judged } = target;
  const learned = sumsByGroup(groups, target, 0);
  const { mean } = sumsByGroup(groups, target, 1);
  let residual = 0;
  let total = 0;
  for (let i = 0; i < values.length; ++i) {
    if (judged[i] === 0) continue;
    const group = groups.codes[i]!;
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
  for (let i = 0; i < codes.length; ++i) {
    if (target.judged[i] === 1) continue;
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
  for (let i = 0; i < codes.length; ++i) {
    if (target.judged[i] === 0) continue;
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

/** Sums over the rows that are learned from (`half` 0) or judged on (1). */
function sumsByGroup({ nGroups, codes }: Grouping, { values, judged }: AssociationTarget, half: 0 | 1): GroupSums {
  const sums = new Float64Array(nGroups);
  const counts = new Uint32Array(nGroups);
  let mean = 0;
  let n = 0;
  for (let i = 0; i < codes.length; ++i) {
    if (judged[i] !== half) continue;
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
