import type { Rng } from "../../core/rng.ts";
import type { Fold } from "../../prepare/fold.ts";
import { planFolds } from "../../prepare/folds.ts";
import type { Material } from "./fitting.ts";

/** The folds of a search, or of an ensemble, over `rows`: those that the definition's column names, else `k` in the manner of the split. */
export function foldsOf(k: number, rows: Uint32Array, { spec, dataset }: Material, rng: Rng): readonly Fold[] {
  const { roles, task, split, folds: column } = spec;
  return planFolds(k, { rows, frame: dataset, roles, task, by: split.by, gapMs: split.gapMs, column, rng });
}
