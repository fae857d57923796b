import { refuseCounted } from "../completeness.ts";
import { MillraceError } from "../../core/errors/error.ts";
import { isShared } from "../../core/shared-memory.ts";
import type { Target } from "../../model/estimator.ts";
import type { TreesPredictor } from "../../model/predictor.ts";
import { type InfiniteCounts, boundsOfBlocks, cellsFrom, writeBlockBins, writeBounds } from "./binning.ts";
import { type HeldColumns, binAll, finished, writeAll } from "./binning-work.ts";
import { type ColumnBins, rowsSampled } from "./bins.ts";
import type { Constraints } from "./constraints.ts";
import { roundsOf, writeScores } from "./continuation.ts";
import { compileBounds } from "./kernels/bounds.ts";
import type { BoundsPlan } from "./kernels/bounds-finder.ts";
import { compileBinning, compileKernels } from "./kernels/compile.ts";
import { writeSides } from "./kernels/rows.ts";
import type { KernelShape } from "./kernels/shape.ts";
import { findCollector, isWorthReclaiming, reclaimMemory } from "../../threads/reclaim-memory.ts";
import { createMemory, hasKernels, maximumPages, pageBytes } from "../../math/wasm/webassembly.ts";
import {
  type DataPlan,
  type FeatureBins,
  isOfNumbers,
  type Layout,
  type TrainingPlan,
  planMemory,
  recordBytes,
} from "./plan.ts";
import { type Preparation, type Problem, problemOf, type Rows } from "./problem.ts";
import { isWorthOrdering } from "./row-order.ts";
import { type GroupCounts, groupCountsOf, writeRanked } from "./ranked-rows.ts";
import { type RowSet, type View, openView } from "./view.ts";

/**
 * Bins the rows into the shared memory and describes the training for the threads. `pause` is awaited between blocks
 * of rows. Throws TRAINING_TOO_LARGE where 32-bit addresses do not reach.
 */
export async function prepareTraining(
  args: Preparation,
): Promise<{ plan: TrainingPlan; bins: readonly ColumnBins[]; start: TreesPredictor | null }> {
  const { train, validation, settings, pause } = args;
  const held = heldOf(train, validation);
  const work = { threads: held && areShared(held) ? args.threads : 1, pause };
  const problem = problemOf(args);
  const binning = { maxBins: settings.bins, seed: args.rng.fork("bins").integer(4294967296) };
  const finding = findingOf(problem.nRows, settings.bins);
  const found = held
    ? await binAll({ kind: "bounds", columns: held.columns, ...binning, finding }, work)
    : await finished(boundsOfBlocks(train.rows, binning), pause);
  const bins = found.map((one) => one.bins);
  const data = dataOf(args, problem, bins);
  const view = openView(data, args.threads);
  writeBounds(data, view, found);
  writeSides(view.bytes, data.layout.sides);
  const order = {
    plan: data,
    module: hasKernels() ? compileBinning(data.shape, limitsOf(data), data.nRows >= cellsFrom) : null,
    bins,
  };
  const isLarge = args.threads > 1 && isWorthReclaiming(data.nRows, bins.length);
  // Workers, who do the same, are not at work yet.
  if (isLarge) findCollector();
  // Workers, once they have their order, write the bins while kernels are compiled here, and alone read the rows unless scores are to be made.
  const writing = held && writeAll({ kind: "rows", ...order, ...held }, work);
  const isReadHere = work.threads === 1 || problem.start !== null;
  if (!isReadHere) releaseRows(args, isLarge);
  const [plan, infinite] = await Promise.all([completed(args, problem, data, view, bins), writing]);
  if (infinite) refuseFound(train, infinite.train);
  if (infinite && validation) refuseFound(validation, infinite.validation);
  if (!held) await finished(writeBlockBins(order, train.rows, validation?.rows ?? null), pause);
  if (isReadHere) releaseRows(args, isLarge);
  return { plan, bins, start: problem.start };
}

/** Throws DEFINITION_INVALID where a column has infinite values. */
function refuseFound({ rows: { columns, nRows } }: Rows, counts: InfiniteCounts): void {
  for (const [f, nInfinite] of counts.entries())
    refuseCounted({ estimator: "boosting", column: columns[f]!.name, nInfinite, nRows });
}

/** Lets go of the rows, which this thread does not read again. */
function releaseRows({ train, validation }: Preparation, isLarge: boolean): void {
  train.rows.release();
  validation?.rows.release();
  if (isLarge) reclaimMemory();
}

/** Places everything in memory of the training's own. */
function dataOf(args: Preparation, problem: Problem, bins: readonly ColumnBins[]): DataPlan {
  const { train, settings, threads } = args;
  const { loss, parameter, nRows, nValidation, constraints, groups, watchedGroups, start, base } = problem;
  const binRoom = binRoomOf(bins);
  const isPlain = loss === "logistic" && train.target.weights === null && settings.topShare === 0;
  const isPacked = isPlain && nRows >= packedFrom && binRoom === 256;
  const shape = shapeOf(bins, nRows, { isPacked, binRoom, hasL1: settings.l1 > 0, outputs: base.length, threads });
  const counts = groups && groupCountsOf(groups, watchedGroups);
  const isReordered = isPacked && settings.rowShare === 1 && hasKernels() && isWorthOrdering(nRows, shape);
  const layout = layoutOf(args, problem, shape, counts, isReordered);
  const { pages, shared } = limitsOf({ layout, shape });
  if (pages > maximumPages) throw new MillraceError("TRAINING_TOO_LARGE", { rows: nRows, columns: bins.length });
  return {
    memory: createMemory(pages, shared),
    shape,
    layout,
    loss,
    parameter,
    constraints,
    nRows,
    nValidation,
    groups: counts,
    settings,
    base,
    roundsBefore: start ? roundsOf(start) : 0,
    features: featureBinsOf(bins),
    seed: args.rng.fork("rounds").integer(4294967296),
    ...weightsOf(train.target),
  };
}

/** Of the training's memory. */
function limitsOf({ layout, shape }: Pick<DataPlan, "layout" | "shape">): { pages: number; shared: boolean } {
  return { pages: Math.ceil(layout.end / pageBytes), shared: shape.threads > 1 };
}

/** Compiles the training's kernels, and writes what the threads read but the bins. */
async function completed(
  args: Preparation,
  problem: Problem,
  data: DataPlan,
  view: View,
  bins: readonly ColumnBins[],
): Promise<TrainingPlan> {
  const isGrown = isGrownBy(bins, data.constraints);
  const more = { growth: isGrown ? data : null, order: data.layout.origins >= 0 ? data : null };
  const plan = {
    ...data,
    module: hasKernels() ? compileKernels(data.shape, limitsOf(data), more) : null,
    isGrown,
  };
  await writeInputs(args, problem, plan, view);
  return plan;
}

function layoutOf(
  { train, validation, settings }: Preparation,
  problem: Problem,
  shape: KernelShape,
  groups: GroupCounts | null,
  isReordered: boolean,
): Layout {
  const { nRows, nValidation, loss } = problem;
  return planMemory({
    nRows,
    nValidation,
    groups,
    outputs: shape.outputs,
    shape,
    loss,
    leaves: settings.leaves,
    hasTop: settings.topShare > 0,
    isReordered,
    weighted: train.target.weights !== null,
    validationWeighted: (validation?.target.weights ?? null) !== null,
  });
}

function featureBinsOf(bins: readonly ColumnBins[]): FeatureBins {
  return {
    nValues: Int32Array.from(bins, (one) => one.nValues),
    isCategory: Uint8Array.from(bins, (one) => (one.kind === "category" ? 1 : 0)),
  };
}

/** Writes what the threads read but bins and their bounds. */
async function writeInputs(
  { train, validation, pause }: Preparation,
  { groups, watchedGroups, start, parameter }: Problem,
  plan: DataPlan,
  view: View,
): Promise<void> {
  writeTarget(view.train, plan, train.target);
  if (validation) writeTarget(view.validation, plan, validation.target);
  if (start) await writeScores(start, train.rows, view.train.scores, pause);
  if (start && validation) await writeScores(start, validation.rows, view.validation.scores, pause);
  if (groups) writeRanked(view.ranking!.train, groups, train.target.values, parameter);
  if (watchedGroups && validation) writeRanked(view.ranking!.validation, watchedGroups, validation.target.values, null);
}

/** Whether kernels grow the trees: they know cuts of numbers alone, which any leaf may make. */
function isGrownBy(bins: readonly ColumnBins[], { direction, groups }: Constraints): boolean {
  return hasKernels() && bins.every(({ kind }) => kind === "number") && direction === null && groups === null;
}

/** Null where some are not in memory. */
function heldOf(train: Rows, validation: Rows | null): HeldColumns | null {
  const watched = validation ? validation.rows.held : [];
  return train.rows.held && watched && { columns: train.rows.held, validationColumns: watched };
}

function areShared({ columns, validationColumns }: HeldColumns): boolean {
  return [...columns, ...validationColumns].every(({ values }) => isShared(values));
}

/** From so many rows on, bounds are found by kernels: fewer are sorted before kernels are compiled. */
const findFrom = 10_000;

function findingOf(nRows: number, bins: number): BoundsPlan | null {
  if (nRows < findFrom || !hasKernels()) return null;
  const room = { values: rowsSampled(nRows, bins), bins };
  return { ...room, module: compileBounds(room) };
}

/**
 * From so many rows on, sums of gradients rounded to 11 bits say as much about a split as exact ones. With features of more than
 * 255 bins they are not packed: every 8,192 rows all packed sums are moved, and those would be many for few rows.
 */
const packedFrom = 65_536;

/** As `KernelShape.binRoom` says. */
function binRoomOf(bins: readonly ColumnBins[]): number {
  const largest = bins.reduce((most, { nValues }) => Math.max(most, nValues + 1), 256);
  return 2 ** Math.ceil(Math.log2(largest));
}

function shapeOf(
  bins: readonly ColumnBins[],
  nRows: number,
  fixed: Omit<KernelShape, "stride" | "binOffsets" | "countShift">,
): KernelShape {
  const binOffsets = new Uint32Array(bins.length + 1);
  bins.forEach((one, f) => {
    // An even number of bins a feature: they are widened and merged in pairs.
    binOffsets[f + 1] = binOffsets[f]! + Math.ceil((one.nValues + 1) / 2) * 2;
  });
  // The count of all rows must fit above the hessians, below the sign.
  const countBits = 32 - Math.clz32(nRows);
  return { ...fixed, stride: recordBytes(bins.length, fixed), binOffsets, countShift: 62 - countBits };
}

function writeTarget(set: RowSet, { loss }: DataPlan, target: Target): void {
  if (isOfNumbers(loss)) set.values.set(target.values);
  else set.labels.set(target.values);
  if (target.weights) set.weights?.set(target.weights);
}

function weightsOf(target: Target): { maxWeight: number; meanWeight: number } {
  if (target.weights === null) return { maxWeight: 1, meanWeight: 1 };
  let largest = 0;
  let total = 0;
  for (const weight of target.weights) {
    total += weight;
    if (weight > largest) largest = weight;
  }
  return { maxWeight: largest, meanWeight: total / target.weights.length };
}
