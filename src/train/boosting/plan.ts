import type { Constraints } from "./constraints.ts";
import {
  type KernelShape,
  binsAt,
  boundsRoom,
  cellBytes,
  featuresOf,
  gatherBytes,
  histogramStep,
  packedStep,
  rowsBinnedAtOnce,
} from "./kernels/shape.ts";
import { cellCount } from "../../model/quick/records.ts";
import { sizeClasses } from "./sampling.ts";
import { type GroupCounts, rankedBytes } from "./ranked-rows.ts";
import { tableLength } from "./sigmoid-table.ts";
import { treeLayout } from "./tree.ts";
import { leftBytes } from "./turns.ts";
import { binRun, growthBytes } from "./kernels/growth-state.ts";
import { sidesBytes } from "./kernels/rows.ts";
import { foundSplit, scanEntry, scanState } from "./kernels/scan-state.ts";
import type { WasmMemory, WasmModule } from "../../math/wasm/webassembly.ts";

export type Loss = RegressionLoss | "logistic" | "softmax" | "lambdarank";
export type RegressionLoss = "squared" | "absolute" | "huber" | "quantile" | "poisson" | "tweedie";

/** A loss with its number: delta (huber), the share below (quantile), the power (poisson: 1, tweedie), the first places pairs are of (lambdarank); else 0. */
export interface LossPlan {
  readonly loss: Loss;
  readonly parameter: number;
}

/** Whether targets are numbers, not labels. */
export function isOfNumbers(loss: Loss): boolean {
  return loss !== "logistic" && loss !== "softmax";
}

/** The resolved hyperparameters as the trainer reads them. */
export interface Settings {
  readonly trees: number;
  readonly leaves: number;
  /** 0 = no limit. */
  readonly depth: number;
  readonly learningRate: number;
  readonly l1: number;
  readonly l2: number;
  readonly minRows: number;
  /** Least sum of hessians of a leaf, in rows of mean weight. */
  readonly minChildWeight: number;
  readonly bins: number;
  readonly rowShare: number;
  /** Share of rows of largest gradients that are learned from undrawn. */
  readonly topShare: number;
  readonly columnShare: number;
  /** Rounds without a better validation loss before training ends; 0 = never. */
  readonly earlyStopping: number;
  readonly levelwise: boolean;
  /** "auto" follows the task. */
  readonly loss: RegressionLoss | "lambdarank" | "auto";
  readonly classWeights: string;
  readonly quantile: number;
  /** In median absolute deviations of the target. */
  readonly huberDelta: number;
  readonly tweediePower: number;
  readonly truncation: number;
  /** Names of features. */
  readonly increasing: readonly string[];
  readonly decreasing: readonly string[];
  readonly interactions: readonly (readonly string[])[];
}

/** Per feature: number of value bins (the missing bin follows them) and whether it is a category. */
export interface FeatureBins {
  readonly nValues: Int32Array;
  readonly isCategory: Uint8Array;
}

/** A training's data, and where they stand: all that binning needs. Plain, and cloned to workers except for the shared memory. */
export interface DataPlan extends LossPlan {
  readonly memory: WasmMemory;
  readonly shape: KernelShape;
  readonly layout: Layout;
  readonly nRows: number;
  readonly nValidation: number;
  /** Of the loss lambdarank alone. */
  readonly groups: GroupCounts | null;
  readonly features: FeatureBins;
  readonly constraints: Constraints;
  readonly settings: Settings;
  readonly base: Float64Array;
  /** Rounds that were trained before, whose trees the scores begin with; 0 for a training that begins anew. */
  readonly roundsBefore: number;
  readonly seed: number;
  readonly maxWeight: number;
  readonly meanWeight: number;
}

/** Everything a thread needs to take part in one training. */
export interface TrainingPlan extends DataPlan {
  /** Null where WebAssembly does not run: see `openKernels`. */
  readonly module: WasmModule | null;
  /** Whether it grows whole trees: not where features or constraints ask for what is in TypeScript alone. */
  readonly isGrown: boolean;
}

/** Byte addresses in the shared memory. Weights, normaliser, groups and lambdas are -1 where there are none. */
export interface Layout {
  /** Row records. */
  readonly rows: number;
  readonly validationRows: number;
  /** The training bins column by column: records are written from them, and a partition reads one, where in records it would miss the cache. */
  readonly columns: number;
  /** Upper bounds of each feature's bins, `boundsRoom` numbers each; none of features with more. */
  readonly bounds: number;
  /** Cells of each feature's bounds, `cellCount` bytes each, and the scale and offset of their line, two numbers each: scale 0 = it has none. */
  readonly boundCells: number;
  readonly boundLines: number;
  /** Room a thread for one column's values of `rowsBinnedAtOnce` rows, and for all columns' bins of as many rows of validation. */
  readonly values: number;
  readonly stagedBins: number;
  readonly targets: number;
  readonly validationTargets: number;
  readonly weights: number;
  readonly validationWeights: number;
  readonly scores: number;
  readonly validationScores: number;
  /** log(sum of exp(score)) of each row, for softmax. */
  readonly normaliser: number;
  /** As `rankedRows` reads them, and gradient and hessian of each row before they are rounded. */
  readonly groups: number;
  readonly validationGroups: number;
  readonly lambdas: number;
  /** Rows by number: a segment a thread, ordered by leaf; and room of the same size to reorder them. */
  readonly index: number;
  readonly scratch: number;
  /** The index of a round that uses all rows. */
  readonly fullIndex: number;
  /** The number each row had at first, where rows are put in another order (`RowOrder`); -1 where they are not. Behind `targets`. */
  readonly origins: number;
  /** What a partition sorts four rows by: see `writeSides`. */
  readonly sides: number;
  /** The sigmoid at the grid of `sigmoidTable`, for logistic. */
  readonly sigmoid: number;
  /** One histogram a thread where there are several, then one a leaf; and one of packed bins a thread where rows are packed. */
  readonly privateHistograms: number;
  readonly packedHistograms: number;
  readonly histograms: number;
  /** One gather buffer a thread, `gatherBytes` each. */
  readonly gathered: number;
  /** `binRoom` bytes a thread, for the route of the split being applied. */
  readonly routes: number;
  /** Two candidate splits a thread: 8 numbers each, and `binRoom` route bytes each. */
  readonly candidates: number;
  readonly candidateRoutes: number;
  /** Two numbers a thread: how many rows it has summed (and one unused), or its largest gradient and hessian, or a product. */
  readonly perThread: number;
  /** One block a thread for the search of cuts, and its list of number features. */
  readonly scanStates: number;
  readonly scanLists: number;
  /** The best split of each leaf as each thread keeps it: `foundSplit` and its route. */
  readonly foundSplits: number;
  /** What each thread grows a tree on: `growthState`; and the tree itself: `treeLayout`. */
  readonly growth: number;
  readonly trees: number;
  /** The runs of bins that each thread works on there: room for one a feature, twice. */
  readonly binRuns: number;
  /** The best step of each leaf, where leaves are renewed. */
  readonly leafSteps: number;
  /** Where each leaf's rows stand in each thread's segment, there too: first position and number. */
  readonly leafRows: number;
  /** Rows by size of gradient, one table a thread; -1 where rows are not told apart by it. */
  readonly sizeCounts: number;
  /** Loss sums of `lossChunk` rows each, training and validation. */
  readonly lossSums: number;
  /** What of each thread's rows is left to sum: see `leftRows`. */
  readonly left: number;
  readonly flags: number;
  readonly end: number;
}

/** Rows whose losses are summed in order into one number: the unit that makes a loss the same for any thread count. */
export const lossChunk = 4096;
export const candidateNumbers = 8;

const roundUp = (value: number, step: number): number => Math.ceil(value / step) * step;

/** Bytes of a row record of `nFeatures` bins. */
export function recordBytes(nFeatures: number, shape: Pick<KernelShape, "isPacked" | "binRoom">): number {
  return roundUp(binsAt(shape) + nFeatures * cellBytes(shape), 8);
}

/** Bytes of a thread's `stagedBins`. */
export function stagedBytes(shape: KernelShape): number {
  return rowsBinnedAtOnce * featuresOf(shape) * cellBytes(shape);
}

/** Bytes of one of `foundSplits`. */
export function foundBytes({ binRoom }: Pick<KernelShape, "binRoom">): number {
  return foundSplit.routes + binRoom;
}

/** Places every array, each at a multiple of 64 bytes (a cache line, so that threads do not share one). */
export function planMemory(size: {
  readonly nRows: number;
  readonly nValidation: number;
  readonly outputs: number;
  readonly shape: KernelShape;
  readonly loss: Loss;
  readonly groups: GroupCounts | null;
  readonly leaves: number;
  readonly hasTop: boolean;
  readonly isReordered: boolean;
  readonly weighted: boolean;
  readonly validationWeighted: boolean;
}): Layout {
  const { nRows, nValidation, outputs, shape, groups } = size;
  const { threads } = shape;
  let end = 64;
  const take = (bytes: number): number => {
    const at = end;
    end = roundUp(end + bytes, 64);
    return at;
  };
  const targetBytes = isOfNumbers(size.loss) ? 8 : 4;
  const chunks = Math.ceil(nRows / lossChunk) + Math.ceil(nValidation / lossChunk);
  const layout = {
    rows: take(nRows * shape.stride),
    validationRows: take(nValidation * shape.stride),
    columns: take(nRows * featuresOf(shape) * cellBytes(shape)),
    bounds: take(featuresOf(shape) * boundsRoom * 8),
    boundCells: take(featuresOf(shape) * cellCount),
    boundLines: take(featuresOf(shape) * 16),
    values: take(threads * rowsBinnedAtOnce * 8),
    stagedBins: take(nValidation > 0 ? threads * stagedBytes(shape) : 0),
    targets: take(nRows * targetBytes),
    validationTargets: take(nValidation * targetBytes),
    weights: size.weighted ? take(nRows * 8) : -1,
    validationWeights: size.validationWeighted ? take(nValidation * 8) : -1,
    scores: take(nRows * outputs * 8),
    validationScores: take(nValidation * outputs * 8),
    normaliser: size.loss === "softmax" ? take(nRows * 8) : -1,
    groups: groups ? take(rankedBytes(nRows, groups.train)) : -1,
    validationGroups: groups ? take(rankedBytes(nValidation, groups.validation)) : -1,
    lambdas: groups ? take(nRows * 16) : -1,
    index: take(nRows * 4),
    scratch: take(nRows * 4),
    fullIndex: take(nRows * 4),
    origins: size.isReordered ? take(nRows * 4) : -1,
    sides: take(sidesBytes),
    sigmoid: size.loss === "logistic" ? take(tableLength * 8) : -1,
    privateHistograms: threads > 1 ? take(histogramStep(shape) * threads) : -1,
    packedHistograms: shape.isPacked ? take(packedStep(shape) * threads) : -1,
    histograms: take(histogramStep(shape) * Math.max(1, size.leaves - 1)),
    gathered: take(gatherBytes(shape.stride) * threads),
    routes: take(threads * shape.binRoom),
    candidates: take(threads * 2 * candidateNumbers * 8),
    candidateRoutes: take(threads * 2 * shape.binRoom),
    perThread: take(threads * 16),
    scanStates: take(threads * scanState.bytes),
    scanLists: take(threads * featuresOf(shape) * scanEntry.bytes),
    foundSplits: take(threads * size.leaves * foundBytes(shape)),
    growth: take(threads * growthBytes(size.leaves)),
    trees: take(threads * treeLayout(size.leaves).bytes),
    binRuns: take(threads * 2 * featuresOf(shape) * binRun.bytes),
    leafSteps: take(size.leaves * 8),
    leafRows: take(size.leaves * threads * 8),
    sizeCounts: size.hasTop ? take(threads * sizeClasses * 4) : -1,
    lossSums: take(chunks * 8),
    left: take(threads * leftBytes),
    flags: take(64),
  };
  return { ...layout, end };
}
