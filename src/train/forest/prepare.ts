import type { Rng } from "../../core/rng.ts";
import { sharedBuffer, sharedNumbers } from "../../core/shared-memory.ts";
import type { DenseColumn } from "../../model/design.ts";
import type { Target } from "../../model/estimator.ts";
import { binOf, type ColumnBins, findBins } from "../boosting/bins.ts";
import type { ForestPlan, ForestSettings } from "./plan.ts";

/** Rows binned between two pauses. */
const blockRows = 65_536;

/** Bins the rows into shared memory. `centre` is the mean that was taken off the values of numbers, for exact sums. */
export async function prepareForest(
  columns: readonly DenseColumn[],
  target: Target,
  settings: ForestSettings,
  maxBins: number,
  rng: Rng,
  pause: () => Promise<void>,
): Promise<{ readonly plan: ForestPlan; readonly bins: readonly ColumnBins[]; readonly centre: number }> {
  const nRows = target.values.length;
  const bins: ColumnBins[] = [];
  const table = new Uint8Array(sharedBuffer(nRows * columns.length));
  for (const [f, column] of columns.entries()) {
    const own = findBins(column, maxBins, rng.fork(`bins of column ${f}`));
    bins.push(own);
    for (let from = 0; from < nRows; from += blockRows) {
      const to = Math.min(nRows, from + blockRows);
      for (let row = from; row < to; ++row) table[f * nRows + row] = binOf(own, column.values[row]!);
      await pause();
    }
  }
  const centre = target.task === "regression" ? meanOf(target) : 0;
  const values = sharedNumbers(nRows);
  for (let row = 0; row < nRows; ++row) values[row] = target.values[row]! - centre;
  const boundsAt = new Int32Array(columns.length + 1);
  bins.forEach((own, f) => (boundsAt[f + 1] = boundsAt[f]! + (own.kind === "number" ? own.upper.length : 0)));
  const bounds = new Float64Array(boundsAt.at(-1)!);
  bins.forEach((own, f) => own.kind === "number" && bounds.set(own.upper, boundsAt[f]));
  const plan: ForestPlan = {
    nRows,
    bins: table,
    nValues: Int32Array.from(bins, (own) => own.nValues),
    isCategory: Uint8Array.from(bins, (own) => (own.kind === "category" ? 1 : 0)),
    bounds,
    boundsAt,
    values,
    outputs: target.task === "multiclass" ? target.nLabels : 1,
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
