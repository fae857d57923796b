import { cellBytes } from "./kernels/shape.ts";
import { isOfNumbers, type Layout, type DataPlan } from "./plan.ts";
import { type RankedRows, rankedRows } from "./ranked-rows.ts";
import { sizeClasses } from "./sampling.ts";
import { leftBytes } from "./turns.ts";

/** Rows with their targets and scores, as typed arrays over the shared memory. */
export interface RowSet {
  readonly nRows: number;
  /** Address of record 0. */
  readonly rows: number;
  readonly values: Float64Array;
  readonly labels: Int32Array;
  readonly weights: Float64Array | null;
  readonly scores: Float64Array;
}

/** Typed arrays over the shared memory of one training; every thread makes its own. */
export interface View {
  readonly bytes: Uint8Array;
  /** The whole memory as cells: bytes, or pairs of them where bins take two. */
  readonly cells: Uint8Array | Uint16Array;
  /** The whole memory as 32-bit words: records and histograms. */
  readonly words: Int32Array;
  /** The whole memory as doubles. */
  readonly doubles: Float64Array;
  readonly train: RowSet;
  readonly validation: RowSet;
  readonly normaliser: Float64Array;
  /** Of the loss lambdarank alone; `lambdas` are gradient and hessian of each training row. */
  readonly ranking: {
    readonly train: RankedRows;
    readonly validation: RankedRows;
    readonly lambdas: Float64Array;
  } | null;
  readonly index: Uint32Array;
  readonly fullIndex: Uint32Array;
  readonly origins: Uint32Array | null;
  readonly candidates: Float64Array;
  readonly perThread: Float64Array;
  readonly leafSteps: Float64Array;
  readonly leafRows: Uint32Array;
  readonly sizeCounts: Uint32Array;
  readonly lossSums: Float64Array;
  /** See `Turns`. */
  readonly left: Int32Array;
  readonly flags: Int32Array;
}

export function openView(plan: DataPlan, threads: number): View {
  const { layout, nRows, nValidation, groups } = plan;
  const buffer = plan.memory.buffer;
  const doubles = (at: number, length: number): Float64Array =>
    new Float64Array(buffer, at < 0 ? 0 : at, at < 0 ? 0 : length);
  return {
    bytes: new Uint8Array(buffer),
    cells: cellBytes(plan.shape) === 2 ? new Uint16Array(buffer) : new Uint8Array(buffer),
    words: new Int32Array(buffer),
    doubles: new Float64Array(buffer),
    train: rowSet(plan, nRows, layout.rows, layout.targets, layout.weights, layout.scores),
    validation: rowSet(
      plan,
      nValidation,
      layout.validationRows,
      layout.validationTargets,
      layout.validationWeights,
      layout.validationScores,
    ),
    normaliser: doubles(layout.normaliser, nRows),
    ranking: groups && {
      train: rankedRows(buffer, layout.groups, nRows, groups.train),
      validation: rankedRows(buffer, layout.validationGroups, nValidation, groups.validation),
      lambdas: doubles(layout.lambdas, 2 * nRows),
    },
    index: new Uint32Array(buffer, layout.index, nRows),
    fullIndex: new Uint32Array(buffer, layout.fullIndex, nRows),
    origins: layout.origins < 0 ? null : new Uint32Array(buffer, layout.origins, nRows),
    candidates: doubles(layout.candidates, (layout.candidateRoutes - layout.candidates) / 8),
    perThread: doubles(layout.perThread, 2 * threads),
    leafSteps: doubles(layout.leafSteps, plan.settings.leaves),
    leafRows: new Uint32Array(buffer, layout.leafRows, 2 * threads * plan.settings.leaves),
    sizeCounts: new Uint32Array(
      buffer,
      Math.max(0, layout.sizeCounts),
      layout.sizeCounts < 0 ? 0 : threads * sizeClasses,
    ),
    lossSums: doubles(layout.lossSums, lossSumsLength(layout)),
    left: new Int32Array(buffer, layout.left, (threads * leftBytes) / 4),
    flags: new Int32Array(buffer, layout.flags, 16),
  };
}

const lossSumsLength = (layout: Layout): number => (layout.left - layout.lossSums) / 8;

function rowSet(plan: DataPlan, nRows: number, rows: number, targets: number, weights: number, scores: number): RowSet {
  const buffer = plan.memory.buffer;
  const isNumber = isOfNumbers(plan.loss);
  return {
    nRows,
    rows,
    values: new Float64Array(buffer, targets, isNumber ? nRows : 0),
    labels: new Int32Array(buffer, targets, isNumber ? 0 : nRows),
    weights: weights < 0 ? null : new Float64Array(buffer, weights, nRows),
    scores: new Float64Array(buffer, scores, nRows * plan.base.length),
  };
}
