import type { Rng } from "../../core/rng.ts";
import { sharedNumbers } from "../../core/shared-memory.ts";
import type { Target } from "../../model/estimator.ts";
import { binFinder, type ColumnBins } from "../boosting/bins.ts";
import { targetMean } from "../target-mean.ts";
import type { TrainingColumns } from "../training-columns.ts";
import { forestMemory, type ForestShape } from "./memory.ts";
import type { ForestPlan, ForestSettings } from "./plan.ts";
import { openView } from "./view.ts";
import { writeBins } from "./write-bins.ts";

/** What a forest learns from, and by how many threads. */
export interface ForestOrder {
  readonly rows: TrainingColumns;
  readonly target: Target;
  readonly shape: ForestShape;
  readonly settings: ForestSettings;
  readonly maxBins: number;
  readonly threads: number;
}

/** Bins the rows into the forest's memory. `centre` is the mean that was taken off the values of numbers, for exact sums. */
export async function prepareForest(
  { rows, target, shape, settings, maxBins, threads }: ForestOrder,
  rng: Rng,
  pause: () => Promise<void>,
): Promise<{ readonly plan: ForestPlan; readonly bins: readonly ColumnBins[]; readonly centre: number }> {
  const { nRows } = shape;
  const { memory, module } = forestMemory(shape, threads);
  const { bytes, places } = openView({ shape, memory }, 0);
  const { columns } = rows;
  const finders = columns.map((column, f) => binFinder(column, nRows, maxBins, rng.fork(`bins of column ${f}`)));
  for (const block of rows.blocks()) {
    for (const [f, { values }] of block.columns.entries()) finders[f]!.add(values);
    await pause();
  }
  const bins = finders.map((finder) => finder.finish());
  for (const { from, columns: some } of rows.blocks()) {
    for (const [f, column] of some.entries())
      for (const _ of writeBins(column, bins[f]!, bytes, places.bins + f * nRows + from)) await pause();
  }
  const centre = target.task === "regression" ? targetMean(target) : 0;
  const values = sharedNumbers(nRows);
  for (let row = 0; row < nRows; ++row) values[row] = target.values[row]! - centre;
  const boundsAt = new Int32Array(columns.length + 1);
  bins.forEach((own, f) => (boundsAt[f + 1] = boundsAt[f]! + (own.kind === "number" ? own.upper.length : 0)));
  const bounds = new Float64Array(boundsAt.at(-1)!);
  bins.forEach((own, f) => own.kind === "number" && bounds.set(own.upper, boundsAt[f]));
  const plan: ForestPlan = {
    shape,
    memory,
    module,
    nValues: Int32Array.from(bins, (own) => own.nValues),
    isCategory: Uint8Array.from(bins, (own) => (own.kind === "category" ? 1 : 0)),
    bounds,
    boundsAt,
    values,
    weights: target.weights,
    settings,
    seed: rng.fork("trees").integer(4294967296),
  };
  return { plan, bins, centre };
}
