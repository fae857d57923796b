import type { Rng } from "../../core/rng.ts";
import { sharedNumbers } from "../../core/shared-memory.ts";
import type { DenseColumn } from "../../model/design.ts";
import type { Target } from "../../model/estimator.ts";
import { type ColumnBins, findBins, writeBins } from "../boosting/bins.ts";
import { forestMemory, type ForestShape } from "./memory.ts";
import type { ForestPlan, ForestSettings } from "./plan.ts";
import { openView } from "./view.ts";

/** What a forest learns from, and by how many threads. */
export interface ForestOrder {
  readonly columns: readonly DenseColumn[];
  readonly target: Target;
  readonly shape: ForestShape;
  readonly settings: ForestSettings;
  readonly maxBins: number;
  readonly threads: number;
}

/** Bins the rows into the forest's memory. `centre` is the mean that was taken off the values of numbers, for exact sums. */
export async function prepareForest(
  { columns, target, shape, settings, maxBins, threads }: ForestOrder,
  rng: Rng,
  pause: () => Promise<void>,
): Promise<{ readonly plan: ForestPlan; readonly bins: readonly ColumnBins[]; readonly centre: number }> {
  const { nRows } = shape;
  const { memory, module } = forestMemory(shape, threads);
  const { bytes, places } = openView({ shape, memory }, 0);
  const bins: ColumnBins[] = [];
  for (const [f, column] of columns.entries()) {
    const own = findBins(column, maxBins, rng.fork(`bins of column ${f}`));
    bins.push(own);
    const at = places.bins + f * nRows;
    for (const _ of writeBins([column], [own], { bytes, at, stride: 1, columnsAt: -1 })) await pause();
  }
  const centre = target.task === "regression" ? meanOf(target) : 0;
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

function meanOf({ values, weights }: Target): number {
  let sum = 0;
  let total = 0;
  for (let row = 0; row < values.length; ++row) {
    const weight = weights === null ? 1 : weights[row]!;
    sum += weight * values[row]!;
    total += weight;
  }
  return total > 0 ? sum / total : 0;
}
