import { MillraceError } from "../../core/errors/error.ts";
import type { Design, StreamedDesign } from "../../model/design.ts";
import type {
  EstimatorImplementation,
  FitContext,
  FitResult,
  HyperparameterTable,
  HyperparameterValues,
  Target,
} from "../../model/estimator.ts";
import type { Link } from "../../model/predictor.ts";
import type { ColumnBins } from "../boosting/bins.ts";
import { toPredictor } from "../boosting/predictor.ts";
import type { FinishedTree } from "../boosting/tree.ts";
import { classFactors, refuseClassWeights, withFactors } from "../class-weights.ts";
import { requireTarget } from "../completeness.ts";
import { createPause } from "../pause.ts";
import { finiteColumns, heldColumns, streamedColumns, type TrainingColumns } from "../training-columns.ts";
import { workerModule } from "../../threads/location.ts";
import { isAlone, runTeam } from "../../threads/run-team.ts";
import { extraTreesHyperparameters, forestHyperparameters, treeHyperparameters } from "./hyperparameters.ts";
import { growShare } from "./member.ts";
import { type ForestShape, threadsWithin } from "./memory.ts";
import type { ForestPlan, ForestSettings, ForestTree } from "./plan.ts";
import { prepareForest } from "./prepare.ts";

/** Fewer rows times trees than this are grown faster than workers start. */
const worthWorkers = 200_000;

const module = workerModule("member", import.meta.url);

const tasks = Object.freeze(["regression", "binary", "multiclass"] as const);

/**
 * Random forest: the mean of trees grown on bootstrap samples with few columns to choose from at each split; probabilities
 * are the mean shares of labels in the leaves. Splits lower squared error or Gini impurity; missing values and categories
 * are split on as they are. The same bits for any number of threads.
 */
export const forestEstimator: EstimatorImplementation = estimatorOf("forest", forestHyperparameters, {});
/** As forest, but of each column one cut drawn at random competes instead of the best one. */
export const extraTreesEstimator: EstimatorImplementation = estimatorOf("extraTrees", extraTreesHyperparameters, {
  random: true,
});
/** One tree on all rows and columns. */
export const treeEstimator: EstimatorImplementation = estimatorOf("tree", treeHyperparameters, {
  trees: 1,
  bootstrap: false,
  columns: Infinity,
});

function estimatorOf(
  name: string,
  hyperparameters: HyperparameterTable,
  fixed: Partial<ForestSettings>,
): EstimatorImplementation {
  return Object.freeze({
    name,
    tasks,
    style: "trees",
    hyperparameters,
    fit: (design: Design, ...rest: Rest) => grow(heldColumns(design), ...rest),
    fitStreamed: (design: StreamedDesign, ...rest: Rest) => grow(streamedColumns(design), ...rest),
  });
  async function grow(all: TrainingColumns, ...[given, values, context]: Rest): Promise<FitResult> {
    requireTarget(given);
    const rows = finiteColumns(name, all);
    refuseClassWeights(name, given, values["classWeights"]);
    const target = withFactors(given, classFactors(given, values["classWeights"]));
    const { columns } = rows;
    const settings = { ...settingsOf(values, target, columns.length), ...fixed };
    const pause = createPause(context, `fitting ${name}()`);
    const shape = shapeOf(target, columns.length, settings);
    const threads = threadsFor(shape, settings, context);
    const order = { rows, target, shape, settings, maxBins: Number(values["bins"]), threads };
    const { plan, bins, centre } = await prepareForest(order, context.rng, pause);
    const trees = await growAll(plan, threads, name, context, pause);
    const cardinalities = columns.map(({ cardinality }) => cardinality);
    return resultOf(plan, trees, bins, cardinalities, { centre, link: linkOf(target) });
  }
}

/** Forests watch no rows. */
type Rest = [Target, HyperparameterValues, Omit<FitContext, "validation">];

function linkOf(target: Target): Link {
  return target.task === "regression" ? "identity" : "share";
}

function settingsOf(values: HyperparameterValues, target: Target, nColumns: number): ForestSettings {
  const auto = target.task === "regression" ? "half" : "root";
  const chosen = values["columns"] === "auto" ? auto : values["columns"];
  const shares = { root: Math.sqrt(nColumns), third: nColumns / 3, half: nColumns / 2, all: nColumns };
  return {
    trees: Number(values["trees"]),
    depth: Number(values["depth"]),
    minRows: Number(values["minRows"]),
    columns: Math.max(1, Math.round(shares[chosen as keyof typeof shares] ?? nColumns)),
    bootstrap: values["bootstrap"] === true,
    random: false,
  };
}

function shapeOf({ task, values, nLabels }: Target, nColumns: number, { columns }: ForestSettings): ForestShape {
  return { nRows: values.length, nColumns, outputs: task === "multiclass" ? nLabels : 1, tried: columns };
}

/** Several where that is worth it and they can share memory, as many as have room there. */
function threadsFor(shape: ForestShape, { trees }: ForestSettings, context: Pick<FitContext, "threads">): number {
  const threads = shape.nRows * trees >= worthWorkers ? Math.min(context.threads, trees) : 1;
  return isAlone({ module, threads }) ? 1 : threadsWithin(shape, threads);
}

/** Trees in their order, whoever grew them. */
async function growAll(
  plan: ForestPlan,
  threads: number,
  name: string,
  context: Omit<FitContext, "validation">,
  pause: () => Promise<void>,
): Promise<readonly ForestTree[]> {
  const work = { module, payload: plan, threads, total: plan.settings.trees, unit: "trees" };
  const shares = await runTeam(growShare, work, context, pause);
  if (context.signal?.aborted || shares.includes(null))
    throw new MillraceError("CANCELLED", { subject: `fitting ${name}()` });
  return shares.flatMap((share) => share ?? []).sort((a, b) => a.number - b.number);
}

/** A tree of several outputs becomes one an output with the same splits, each leaf with its share of the average. */
function resultOf(
  plan: ForestPlan,
  trees: readonly ForestTree[],
  bins: readonly ColumnBins[],
  cardinalities: readonly number[],
  { centre, link }: { readonly centre: number; readonly link: Link },
): FitResult {
  const { outputs } = plan.shape;
  const finished = trees.flatMap((tree) =>
    Array.from({ length: outputs }, (_, output) => finish(tree, output, outputs, trees.length)),
  );
  const base = new Float64Array(outputs).fill(centre);
  const leaves = trees.reduce((count, tree) => count + (tree.feature.length + 1) / 2, 0);
  return {
    predictor: toPredictor({ link, base, trees: finished, bins, cardinalities }),
    notes: { trees: trees.length, leaves: leaves / trees.length },
  };
}

function finish(tree: ForestTree, output: number, outputs: number, nTrees: number): FinishedTree {
  const nNodes = tree.feature.length;
  return {
    output,
    nNodes,
    feature: tree.feature,
    bin: tree.bin,
    missingLeft: tree.missingLeft,
    routes: Array.from({ length: nNodes }, (_, node) => tree.routes.get(node) ?? null),
    left: tree.left,
    right: tree.right,
    value: Float64Array.from({ length: nNodes }, (_, node) => tree.values[node * outputs + output]! / nTrees),
    gain: tree.gain.map((gain) => gain / outputs / nTrees),
    cover: tree.cover,
  };
}
