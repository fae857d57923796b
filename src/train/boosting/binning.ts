import { createRng } from "../../core/rng.ts";
import type { DenseColumn } from "../../model/design.ts";
import type { WasmModule } from "../../math/wasm/webassembly.ts";
import { type BoundCells, cellsOf } from "../../model/quick/cells.ts";
import { cellCount } from "../../model/quick/records.ts";
import { countInfinite } from "../completeness.ts";
import type { TrainingColumns } from "../training-columns.ts";
import { type ColumnBins, binFinder, binOf, findBins } from "./bins.ts";
import { BoundsFinder, type BoundsPlan } from "./kernels/bounds-finder.ts";
import { type BinKernels, openBinning } from "./kernels/kernels.ts";
import { boundsRoom, cellBytes, rowsBinnedAtOnce } from "./kernels/shape.ts";
import { type DataPlan, stagedBytes } from "./plan.ts";
import type { Place, Range } from "./shard.ts";
import { openView, type View } from "./view.ts";

/** Find the bins of columns. */
export interface BoundsOrder {
  readonly kind: "bounds";
  readonly columns: readonly DenseColumn[];
  readonly maxBins: number;
  readonly seed: number;
  /** Null where rows are too few for kernels to be worth their compilation, or there are none. */
  readonly finding: BoundsPlan | null;
}

/** Write the bins of all rows into the training's memory: of the training's to columns, of the validation's to records. */
export interface RowsOrder {
  readonly kind: "rows";
  readonly plan: DataPlan;
  /** Of `compileBinning`; null where WebAssembly does not run. */
  readonly module: WasmModule | null;
  readonly bins: readonly ColumnBins[];
  /** A worker lets go of those it has binned. */
  readonly columns: DenseColumn[];
  readonly validationColumns: DenseColumn[];
}

/** The bins of a column, and the cells of their bounds: null where `cellBinKernel` is not worth it, or cannot go by any. */
export interface BoundBins {
  readonly bins: ColumnBins;
  readonly cells: BoundCells | null;
}

/** How many infinite values each column has, of which there is no bin. */
export type InfiniteCounts = readonly number[];

/** The same of all columns: of the training rows, and of the validation's, none where there are none. */
export interface InfiniteRows {
  readonly train: InfiniteCounts;
  readonly validation: InfiniteCounts;
}

/** The bins of this thread's columns, every `threads`-th; null for the others. Yields after each column. */
export function* boundsOf(order: BoundsOrder, { thread, threads }: Place): Generator<void, (BoundBins | null)[]> {
  const rng = createRng(order.seed);
  const finder = order.finding && new BoundsFinder(order.finding);
  const found: (BoundBins | null)[] = order.columns.map(() => null);
  for (let f = thread; f < order.columns.length; f += threads) {
    const column = order.columns[f]!;
    found[f] = withCells(findBins(column, order.maxBins, rng.fork(`column ${f}`), finder), column.values.length);
    yield;
  }
  return found;
}

/** From so many rows on it is worth it to find the cells of bounds. */
export const cellsFrom = 16_384;

function withCells(bins: ColumnBins, nRows: number): BoundBins {
  const isWorthIt = nRows >= cellsFrom && isBinnedByKernel(bins) && bins.upper.length > 0;
  return { bins, cells: isWorthIt ? cellsOf(bins.upper) : null };
}

/** As `boundsOf`, of columns that need not be in memory, all of them. Yields after each block of rows. */
export function* boundsOfBlocks(
  rows: TrainingColumns,
  { maxBins, seed }: Pick<BoundsOrder, "maxBins" | "seed">,
): Generator<void, BoundBins[]> {
  const rng = createRng(seed);
  const finders = rows.columns.map((column, f) => binFinder(column, rows.nRows, maxBins, rng.fork(`column ${f}`)));
  for (const { columns } of rows.blocks()) {
    for (const [f, { values }] of columns.entries()) finders[f]!.add(values);
    yield;
  }
  return finders.map((finder) => withCells(finder.finish(), rows.nRows));
}

/** All of the bins, of rows that need not be in memory. */
export function* writeBlockBins(
  order: Pick<RowsOrder, "plan" | "module" | "bins">,
  train: TrainingColumns,
  validation: TrainingColumns | null,
): Generator<void, void> {
  const writer = openWriter(order, { thread: 0, threads: order.plan.shape.threads });
  for (const rows of [train, validation]) {
    for (const { from, nRows, columns } of rows?.blocks() ?? [])
      yield* writeBins(writer, { columns, feature: 0, from, isWatched: rows === validation }, [0, nRows]);
  }
}

/**
 * Bins this thread's stretch of the training rows, of the columns from one to before another. Yields after each block of rows; gives how many
 * infinite values each of these columns has in the stretch.
 */
export function* writeColumns(order: RowsOrder, place: Place, [from, to]: Range): Generator<void, InfiniteCounts> {
  if (from === to) return [];
  const rows = { columns: order.columns.slice(from, to), feature: from, from: 0, isWatched: false };
  return yield* writeBins(openWriter(order, place), rows, stretchOf(order.plan.nRows, place));
}

/** The same of this thread's stretch of the validation rows. */
export function* writeValidationRows(order: RowsOrder, place: Place): Generator<void, InfiniteCounts> {
  if (order.plan.nValidation === 0) return [];
  const rows = { columns: order.validationColumns, feature: 0, from: 0, isWatched: true };
  return yield* writeBins(openWriter(order, place), rows, stretchOf(order.plan.nValidation, place));
}

function stretchOf(nRows: number, { thread, threads }: Place): Range {
  return [Math.floor((nRows * thread) / threads), Math.floor((nRows * (thread + 1)) / threads)];
}

/** Rows to be binned. */
interface BinnedRows {
  /** Of the rows from `from` on, and the features from `feature` on. */
  readonly columns: readonly DenseColumn[];
  readonly feature: number;
  readonly from: number;
  /** Whether they are of the validation. */
  readonly isWatched: boolean;
}

/** What one thread writes bins with. */
interface BinWriter {
  readonly plan: DataPlan;
  readonly bins: readonly ColumnBins[];
  readonly view: View;
  readonly kernels: BinKernels;
  readonly thread: number;
}

function openWriter(
  { plan, module, bins }: Pick<RowsOrder, "plan" | "module" | "bins">,
  { thread, threads }: Place,
): BinWriter {
  return { plan, bins, view: openView(plan, threads), kernels: openBinning({ ...plan, module }), thread };
}

/** The rows at `first` to before `end` of the columns. Yields after each block of them; gives how many infinite values each column has there. */
function* writeBins(writer: BinWriter, rows: BinnedRows, [first, end]: Range): Generator<void, InfiniteCounts> {
  const { plan, bins, view, kernels, thread } = writer;
  const { layout, shape } = plan;
  const { cells, doubles } = view;
  const { columns, feature, isWatched } = rows;
  const bytes = cellBytes(shape);
  const staged = layout.values + thread * rowsBinnedAtOnce * 8;
  const stagedBins = layout.stagedBins + thread * stagedBytes(shape);
  const step = (isWatched ? rowsBinnedAtOnce : plan.nRows) * bytes;
  const infinite = columns.map(() => 0);
  for (let from = first; from < end; from += rowsBinnedAtOnce) {
    const to = Math.min(end, from + rowsBinnedAtOnce);
    const row = rows.from + from;
    const begin = isWatched ? stagedBins : layout.columns + row * bytes;
    for (let f = feature; f < feature + columns.length; ++f) {
      const values = columns[f - feature]!.values.subarray(from, to);
      const own = bins[f]!;
      const column = begin + f * step;
      let mayBeInfinite = true;
      if (isBinnedByKernel(own)) {
        doubles.set(values, staged / 8);
        mayBeInfinite = writeByKernel(writer, f, values.length, staged, column);
      } else writeCells(values, own, cells, column / bytes);
      if (mayBeInfinite) infinite[f - feature]! += countInfinite(values);
    }
    if (isWatched) kernels.writeRecords(begin, to - from, step, layout.validationRows + row * shape.stride);
    yield;
  }
  return infinite;
}

/** The bins of so many values of feature `f`, which stand at `staged`: by their cells, but for the last of an odd number. Whether one is infinite. */
function writeByKernel(
  { plan: { layout, shape }, bins, view: { doubles }, kernels }: BinWriter,
  f: number,
  nRows: number,
  staged: number,
  column: number,
): boolean {
  const [bounds, missing] = [layout.bounds + f * boundsRoom * 8, bins[f]!.nValues];
  const line = (layout.boundLines + f * 16) / 8;
  const scale = doubles[line]!;
  const { writeBinsByCell } = kernels;
  let end = staged;
  let infinite = 0;
  if (scale > 0 && writeBinsByCell !== null) {
    end += (nRows - (nRows % 2)) * 8;
    const cells = layout.boundCells + f * cellCount;
    infinite = writeBinsByCell(staged, end, bounds, missing, column, cells, scale, doubles[line + 1]!);
  }
  const byCell = (end - staged) / 8;
  const rest = column + byCell * cellBytes(shape);
  return (infinite | kernels.writeBins(end, staged + nRows * 8, bounds, missing, rest)) !== 0;
}

/** The kernel has room for the bounds of numbers in at most 256 bins. */
function isBinnedByKernel(bins: ColumnBins): bins is ColumnBins & { kind: "number" } {
  return bins.kind === "number" && bins.upper.length < boundsRoom;
}

/** The bins of levels, and of numbers in more bins, to the cells from `column` on. */
function writeCells(values: Float64Array, bins: ColumnBins, cells: Uint8Array | Uint16Array, column: number): void {
  if (bins.kind === "number") {
    for (let row = 0; row < values.length; ++row) cells[column + row] = binOf(bins, values[row]!);
    return;
  }
  const { binOfCode, nValues } = bins;
  for (let row = 0; row < values.length; ++row) cells[column + row] = binOfCode[values[row]!] ?? nValues;
}

/** Writes the bounds of all features, and their cells, where `writeBins` reads them. */
export function writeBounds({ layout }: DataPlan, { bytes, doubles }: View, found: readonly BoundBins[]): void {
  for (const [f, { bins: own, cells }] of found.entries()) {
    if (!isBinnedByKernel(own)) continue;
    const at = layout.bounds / 8 + f * boundsRoom;
    doubles.fill(Infinity, at, at + boundsRoom);
    doubles.set(own.upper, at);
    if (cells === null) continue;
    bytes.set(cells.before, layout.boundCells + f * cellCount);
    doubles.set([cells.scale, cells.offset], (layout.boundLines + f * 16) / 8);
  }
}
