import type { Design } from "../../model/design.ts";
import type {
  EstimatorImplementation,
  FitContext,
  FitResult,
  HyperparameterValues,
  Target,
} from "../../model/estimator.ts";
import { refuseInfinite, refuseInfiniteEntries, requireWeight } from "../completeness.ts";
import { createPause } from "../pause.ts";
import { growTree, type IsolationTree } from "./grower.ts";
import { isolationForestHyperparameters } from "./hyperparameters.ts";
import { isolationPredictor } from "./predictor.ts";
import { drawRows, runningSums, sampleOf } from "./sample.ts";

/**
 * Isolation forest (Liu, Ting and Zhou 2008): rows that few random splits set apart are outliers. Answers a score in (0, 1):
 * about 0.5 for rows like all others, towards 1 for outliers. Missing values and categories are taken as they are. Notes:
 * `trees`, and `sampleRows`, the rows each was grown from.
 */
export const isolationForestEstimator: EstimatorImplementation = Object.freeze({
  name: "isolationForest",
  tasks: Object.freeze(["anomaly"] as const),
  style: "trees",
  hyperparameters: isolationForestHyperparameters,
  fit,
});

async function fit(
  design: Design,
  { weights }: Target,
  hyperparameters: HyperparameterValues,
  context: FitContext,
): Promise<FitResult> {
  requireWeight(weights);
  refuseInfinite("isolationForest", design.dense);
  refuseInfiniteEntries("isolationForest", design.sparse);
  const nTrees = Number(hyperparameters["trees"]);
  const sampleRows = Math.min(design.nRows, Number(hyperparameters["sampleRows"]));
  const sums = weights && runningSums(weights);
  const cardinalities = [...design.dense.map(({ cardinality }) => cardinality), ...design.sparse.names.map(() => 0)];
  const pause = createPause(context, "fitting isolationForest()");
  const trees: IsolationTree[] = [];
  while (trees.length < nTrees) {
    const rng = context.rng.fork(`tree ${trees.length}`);
    const rows = drawRows(design.nRows, sampleRows, sums, rng);
    trees.push(growTree(sampleOf(design, rows), cardinalities, rng));
    context.progress.report(trees.length, nTrees, "trees");
    await pause();
  }
  return { predictor: isolationPredictor(trees, sampleRows), notes: { trees: nTrees, sampleRows } };
}
