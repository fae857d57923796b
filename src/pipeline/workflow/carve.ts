import { isMillraceError } from "../../core/errors/error.ts";
import type { Rng } from "../../core/rng.ts";
import type { Fold } from "../../prepare/fold.ts";
import { planFolds } from "../../prepare/folds.ts";
import type { Material } from "./fitting.ts";

/**
 * One turn of ten in the manner of the split, so that groups stay whole and the watched rows are the latest ones; fewer
 * turns where there are too few groups or times for ten, and no watched rows where even two are too many.
 */
export function carve(rows: Uint32Array, material: Material, rng: Rng): Fold | null {
  const { spec, dataset } = material;
  for (const turns of [10, 4, 2]) {
    try {
      const { roles, task, split } = spec;
      const input = { rows, frame: dataset, roles, task, by: split.by, gapMs: split.gapMs, rng };
      return planFolds(turns, input).at(-1)!;
    } catch (error) {
      if (!isMillraceError(error) || error.code !== "SPLIT_EMPTY") throw error;
    }
  }
  return null;
}
