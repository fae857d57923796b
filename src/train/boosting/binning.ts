import { createRng } from "../../core/rng.ts";
import type { DenseColumn } from "../../model/design.ts";
import type { Team } from "../threads/team.ts";
import { type ColumnBins, findBins, writeBins } from "./bins.ts";
import { binsAt } from "./kernels/shape.ts";
import type { TrainingPlan } from "./plan.ts";
import { openView } from "./view.ts";

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
  const { plan, bins, columns, validationColumns } = order;
  const { bytes, train, validation } = openView(plan, place.threads);
  const { stride } = plan.shape;
  const out = { bytes, at: train.rows + binsAt(plan.shape), stride, columnsAt: plan.layout.columns };
  for (const _ of writeBins(columns, bins, out, ...stretch(plan.nRows, place))) yield;
  const watched = { ...out, at: validation.rows + binsAt(plan.shape), columnsAt: -1 };
  for (const _ of writeBins(validationColumns, bins, watched, ...stretch(plan.nValidation, place))) yield;
}

const stretch = (nRows: number, { thread, threads }: Place): [number, number] => [
  Math.floor((nRows * thread) / threads),
  Math.floor((nRows * (thread + 1)) / threads),
];
