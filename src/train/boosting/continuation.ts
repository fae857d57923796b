import { MillraceError } from "../../core/errors/error.ts";
import { type DesignColumn, emptySparseBlock } from "../../model/design.ts";
import type { Predictor, TreesPredictor } from "../../model/predictor.ts";
import { rawScores } from "../../model/score.ts";
import type { TrainingColumns } from "../training-columns.ts";
import type { Loss } from "./plan.ts";
import { links } from "./predictor.ts";

/**
 * The trees that a training goes on from. Throws WARM_START_REFUSED where they were not boosted for this loss, these outputs
 * and columns of these kinds.
 */
export function continued(
  start: Predictor,
  loss: Loss,
  outputs: number,
  columns: readonly DesignColumn[],
): TreesPredictor {
  if (start.kind !== "trees" || start.sums === "float32") refuse("it must be of boosted trees", start.kind);
  if (start.link !== links[loss]) refuse(`its link must be ${links[loss]}, that of the loss ${loss}`, start.link);
  if (start.outputs !== outputs) refuse(`it must give ${outputs} raw scores a row`, String(start.outputs));
  start.feature.forEach((feature, node) => {
    if (feature < 0) return;
    const asked = start.categoryOffset[node]! < 0 ? "a number" : "a level";
    const column = columns[feature];
    const found = column === undefined ? "no such column" : column.cardinality === 0 ? "a number" : "a level";
    if (asked !== found) refuse(`its column ${feature + 1} must be ${found}`, asked);
  });
  return start;
}

function refuse(rule: string, actual: string): never {
  throw new MillraceError("WARM_START_REFUSED", { subject: "an earlier model", rule, actual });
}

/** Rounds that grew these trees; one in which some output of several found no split may not be counted. */
export function roundsOf({ treeOffsets, outputs }: TreesPredictor): number {
  return Math.ceil(treeOffsets.length / outputs);
}

/** Writes what the earlier trees say of every row, its raw scores, to `scores`. `pause` is awaited after each block of rows. */
export async function writeScores(
  start: TreesPredictor,
  rows: TrainingColumns,
  scores: Float64Array,
  pause: () => Promise<void>,
): Promise<void> {
  for (const { from, nRows, columns } of rows.blocks()) {
    scores.set(rawScores(start, { nRows, dense: columns, sparse: emptySparseBlock(nRows) }), from * start.outputs);
    await pause();
  }
}
