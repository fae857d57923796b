import { createRng } from "../../core/rng.ts";
import type { DenseColumn } from "../../model/design.ts";
import type { Team } from "../threads/team.ts";
import { type ColumnBins, findBins } from "./bins.ts";
import { instantiateKernels } from "./kernels/kernels.ts";
import { binsAt, boundsRoom, rowsBinnedAtOnce } from "./kernels/shape.ts";
import type { TrainingPlan } from "./plan.ts";
import { openView, type View } from "./view.ts";

/** Find the bins of columns. */
export interface BoundsOrder {
  readonly kind: "bounds";
  readonly columns: readonly DenseColumn[];
  readonly maxBins: number;
  readonly seed: number;
}

/** Write the bins of all rows, training and validation, into the training's memory. */
export interface RowsOrder {
  readonly kind: "rows";
  readonly plan: TrainingPlan;
  readonly bins: readonly ColumnBins[];
  readonly columns: readonly DenseColumn[];
  readonly validationColumns: readonly DenseColumn[];
}

type Place = Pick<Team, "thread" | "threads">;

/** The bins of this thread's columns, every `threads`-th; null for the others. Yields after each column. */
export function* boundsOf(order: BoundsOrder, { thread, threads }: Place): Generator<void, (ColumnBins | null)[]> {
  const rng = createRng(order.seed);
  const found: (ColumnBins | null)[] = order.columns.map(() => null);
  for (let f = thread; f < order.columns.length; f += threads) {
    found[f] = findBins(order.columns[f]!, order.maxBins, rng.fork(`column ${f}`));
    yield;
  }
  return found;
}

/** Bins this thread's stretch of the training rows and of the validation rows. Yields after each block of rows. */
export function* writeRowBins(order: RowsOrder, place: Place): Generator<void, void> {
  const { plan, columns, validationColumns } = order;
  const { layout, nRows, nValidation } = plan;
  yield* writeBins(order, place, { columns, nRows, records: layout.rows, columnsAt: layout.columns });
  const watched = { columns: validationColumns, nRows: nValidation, records: layout.validationRows, columnsAt: -1 };
  yield* writeBins(order, place, watched);
}

/** Where the bins of rows go: to their records, and to one column a feature too unless `columnsAt` is -1. */
interface BinnedRows {
  readonly columns: readonly DenseColumn[];
  readonly nRows: number;
  readonly records: number;
  readonly columnsAt: number;
}

function* writeBins({ plan, bins }: RowsOrder, place: Place, rows: BinnedRows): Generator<void, void> {
  const { layout, shape } = plan;
  const { bytes, doubles } = openView(plan, place.threads);
  const kernels = instantiateKernels(plan.module, plan.memory);
  const { columns, nRows, records, columnsAt } = rows;
  const [first, end] = [place.thread, place.thread + 1].map((part) => Math.floor((nRows * part) / place.threads));
  const staged = layout.values + place.thread * rowsBinnedAtOnce * 8;
  const unkept = layout.unkept + place.thread * rowsBinnedAtOnce;
  for (let from = first!; from < end!; from += rowsBinnedAtOnce) {
    const to = Math.min(end!, from + rowsBinnedAtOnce);
    for (let f = 0; f < columns.length; ++f) {
      const values = columns[f]!.values.subarray(from, to);
      const own = bins[f]!;
      const record = records + from * shape.stride + binsAt(shape) + f;
      const column = columnsAt < 0 ? unkept : columnsAt + f * nRows + from;
      if (own.kind === "number") {
        doubles.set(values, staged / 8);
        const bounds = layout.bounds + f * boundsRoom * 8;
        kernels.writeBins(staged, staged + values.length * 8, bounds, own.nValues, record, column);
      } else writeLevels(values, own, bytes, record, shape.stride, column);
    }
    yield;
  }
}

/** The bins of levels, to the records from `record` on and one after the other to `column`. */
function writeLevels(
  values: Float64Array,
  { binOfCode, nValues }: ColumnBins & { kind: "category" },
  bytes: Uint8Array,
  record: number,
  stride: number,
  column: number,
): void {
  for (let row = 0, cell = record; row < values.length; ++row, cell += stride) {
    bytes[column + row] = bytes[cell] = binOfCode[values[row]!] ?? nValues;
  }
}

/** Writes the bounds of all features where `writeRowBins` reads them. */
export function writeBounds(plan: TrainingPlan, { doubles }: View, bins: readonly ColumnBins[]): void {
  for (const [f, own] of bins.entries()) {
    if (own.kind !== "number") continue;
    const at = plan.layout.bounds / 8 + f * boundsRoom;
    doubles.fill(Infinity, at, at + boundsRoom);
    doubles.set(own.upper, at);
  }
}
