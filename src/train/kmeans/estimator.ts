import { MillraceError } from "../../core/errors/error.ts";
import { shuffle, type Rng } from "../../core/rng.ts";
import { takeRows, takeValues, type Design } from "../../model/design.ts";
import type {
  EstimatorImplementation,
  FitContext,
  FitResult,
  HyperparameterValue,
  HyperparameterValues,
  Target,
} from "../../model/estimator.ts";
import { refuseMissing } from "../completeness.ts";
import { momentsOf } from "../moments.ts";
import { createPause } from "../pause.ts";
import { squaredLengths } from "./distances.ts";
import { kmeansHyperparameters } from "./hyperparameters.ts";
import { improveCentres } from "./lloyd.ts";
import { improveInBatches } from "./mini-batch.ts";
import type { Clustering, RowMeasures } from "./lloyd.ts";
import { plusPlusStart, randomStart } from "./start.ts";

/** k-means: of several restarts the clustering of least inertia. Notes: `inertia`, `iterations` and the `restart` kept. */
export const kmeansEstimator: EstimatorImplementation = Object.freeze({
  name: "kmeans",
  tasks: Object.freeze(["clustering"] as const),
  style: "dense",
  hyperparameters: kmeansHyperparameters,
  fit,
});

async function fit(
  design: Design,
  target: Target,
  hyperparameters: HyperparameterValues,
  context: FitContext,
): Promise<FitResult> {
  refuseMissing("kmeans", design, target);
  const clusters = Number(hyperparameters["clusters"]);
  const restarts = Number(hyperparameters["restarts"]);
  if (clusters > design.nRows)
    throw new MillraceError("DEFINITION_INVALID", {
      subject: "kmeans.clusters",
      rule: `must be at most the number of train rows (${design.nRows})`,
      actual: String(clusters),
    });
  const batch = Number(hyperparameters["batch"]);
  const way = hyperparameters["start"];
  const rows = measuresOf(design, target.weights);
  const pause = createPause(context, "fitting kmeans()");
  let best: Clustering | undefined;
  let kept = 0;
  for (let restart = 0; restart < restarts; ++restart) {
    const rng = context.rng.fork(`restart ${restart}`);
    const clustering =
      batch === 0 || batch >= design.nRows
        ? await improveCentres(design, rows, startOf(design, rows, clusters, way, rng), clusters, pause)
        : await fitBatches(design, rows, clusters, { batch, way, rng, pause });
    if (!best || clustering.inertia < best.inertia) {
      best = clustering;
      kept = restart;
    }
    context.progress.report(restart + 1, restarts, "restarts");
  }
  if (!best) throw new MillraceError("INTERNAL", { reason: "kmeans without restarts" });
  return {
    predictor: Object.freeze({
      kind: "clusters",
      link: "cluster",
      outputs: 1,
      nDense: design.dense.length,
      nSparse: design.sparse.names.length,
      centres: best.centres,
    }),
    notes: { inertia: best.inertia, iterations: best.iterations, restart: kept },
  };
}

function startOf(
  design: Design,
  { norms, weights }: Pick<RowMeasures, "norms" | "weights">,
  clusters: number,
  way: HyperparameterValue | undefined,
  rng: Rng,
): Float64Array {
  return way === "random" ? randomStart(design, clusters, rng) : plusPlusStart(design, norms, weights, clusters, rng);
}

interface Batches {
  readonly batch: number;
  readonly way: HyperparameterValue | undefined;
  readonly rng: Rng;
  readonly pause: () => Promise<void>;
}

/** Starts from centres of three batches of drawn rows, so that no pass over all rows is needed but the last. */
function fitBatches(
  design: Design,
  rows: RowMeasures,
  clusters: number,
  { batch, way, rng, pause }: Batches,
): Promise<Clustering> {
  const order = Uint32Array.from({ length: design.nRows }, (_, row) => row);
  shuffle(order, rng);
  const drawn = order.subarray(0, Math.min(design.nRows, 3 * Math.max(batch, clusters)));
  const weights = rows.weights && takeValues(rows.weights, drawn);
  const measures = { norms: takeValues(rows.norms, drawn), weights };
  const start = startOf(takeRows(design, drawn), measures, clusters, way, rng);
  return improveInBatches(design, rows, start, clusters, { batch, rng, pause });
}

function measuresOf(design: Design, weights: Float64Array | null): RowMeasures {
  const { variances } = momentsOf(design, weights);
  let total = 0;
  for (let j = 0; j < variances.length; ++j) total += variances[j]!;
  return { norms: squaredLengths(design), weights, meanVariance: total / Math.max(variances.length, 1) };
}
