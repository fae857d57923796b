import { MillraceError } from "../../core/errors/error.ts";
import { shuffle, type Rng } from "../../core/rng.ts";
import { isShareable, takeRows, takeValues, type Design } from "../../model/design.ts";
import type {
  EstimatorImplementation,
  FitContext,
  FitResult,
  HyperparameterValues,
  Target,
} from "../../model/estimator.ts";
import { refuseMissing } from "../completeness.ts";
import { inComponents } from "../components/in-components.ts";
import { workerModule } from "../../threads/location.ts";
import { runTeam } from "../../threads/run-team.ts";
import { createPause } from "../pause.ts";
import { squaredLengths } from "./distances.ts";
import { kmeansHyperparameters } from "./hyperparameters.ts";
import type { Clustering } from "./lloyd.ts";
import { improveInBatches, type RowMeasures } from "./mini-batch.ts";
import { type BestClustering, clusterRows } from "./member.ts";
import { type ClusteringPlan, createMemory } from "./plan.ts";
import { roomForRanking } from "./ranking.ts";
import { plusPlusStart, randomStart, soloField } from "./start.ts";
import { controlWords, joinTeam } from "../../threads/team.ts";

const subject = "fitting kmeans()";
/** Rows x columns x clusters for each thread: with fewer, starting one takes longer than it saves. */
const worthThread = 5_000_000;

/**
 * k-means: of several restarts the clustering of least inertia, the same bits for any number of threads. Notes: `inertia`,
 * `iterations` and the `restart` kept.
 */
export const kmeansEstimator: EstimatorImplementation = inComponents({
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
  if (clusters > design.nRows)
    throw new MillraceError("DEFINITION_INVALID", {
      subject: "kmeans.clusters",
      rule: `must be at most the number of train rows (${design.nRows})`,
      actual: String(clusters),
    });
  const pause = createPause(context, subject);
  const batch = Number(hyperparameters["batch"]);
  const threads = threadsFor(design, clusters, context);
  const outcome =
    batch === 0 || batch >= design.nRows
      ? await cluster(planOf(design, target, hyperparameters, { ...context, threads }), threads, context, pause)
      : await clusterInBatches(design, target, hyperparameters, context, pause);
  return {
    predictor: Object.freeze({
      kind: "clusters",
      link: "cluster",
      outputs: 1,
      nDense: design.dense.length,
      nSparse: design.sparse.names.length,
      centres: outcome.centres,
    }),
    notes: { inertia: outcome.inertia, iterations: outcome.iterations, restart: outcome.restart },
  };
}

/** What is drawn for each restart depends on the seed and the number of the restart alone. */
function planOf(
  design: Design,
  { weights }: Target,
  hyperparameters: HyperparameterValues,
  { rng, threads }: Pick<FitContext, "rng" | "threads">,
): ClusteringPlan {
  const clusters = Number(hyperparameters["clusters"]);
  const restarts = Number(hyperparameters["restarts"]);
  const seeds = Array.from({ length: restarts }, (_, i) => rng.fork(`restart ${i}`).integer(4294967296));
  const memory = createMemory({ design, clusters });
  const isSpread = hyperparameters["start"] !== "random";
  return { design, ...roomForRanking(design, clusters, threads), weights, clusters, seeds, isSpread, memory };
}

async function clusterInBatches(
  design: Design,
  { weights }: Target,
  hyperparameters: HyperparameterValues,
  { rng, progress }: FitContext,
  pause: () => Promise<void>,
): Promise<BestClustering> {
  const rows = { norms: squaredLengths(design), weights };
  const restarts = Number(hyperparameters["restarts"]);
  let best: BestClustering | null = null;
  for (let restart = 0; restart < restarts; ++restart) {
    const clustering = await fitBatches(design, rows, hyperparameters, rng.fork(`restart ${restart}`), pause);
    if (best === null || clustering.inertia < best.inertia) best = { ...clustering, restart };
    progress.report(restart + 1, restarts, "restarts");
  }
  if (!best) throw new MillraceError("INTERNAL", { reason: "kmeans without restarts" });
  return best;
}

/** Starts from centres of three batches of drawn rows, so that no pass over all rows is needed but the last. */
async function fitBatches(
  design: Design,
  rows: RowMeasures,
  hyperparameters: HyperparameterValues,
  rng: Rng,
  pause: () => Promise<void>,
): Promise<Clustering> {
  const clusters = Number(hyperparameters["clusters"]);
  const batch = Number(hyperparameters["batch"]);
  const order = Uint32Array.from({ length: design.nRows }, (_, row) => row);
  shuffle(order, rng);
  const drawn = order.subarray(0, Math.min(design.nRows, 3 * Math.max(batch, clusters)));
  const weights = rows.weights && takeValues(rows.weights, drawn);
  const start = await startOf(takeRows(design, drawn), weights, hyperparameters, rng, pause);
  return improveInBatches(design, rows, start, clusters, { batch, rng, pause });
}

async function startOf(
  design: Design,
  weights: Float64Array | null,
  hyperparameters: HyperparameterValues,
  rng: Rng,
  pause: () => Promise<void>,
): Promise<Float64Array> {
  const clusters = Number(hyperparameters["clusters"]);
  if (hyperparameters["start"] === "random") return randomStart(design, clusters, rng);
  const field = soloField(design, weights, clusters);
  const team = joinTeam(new Int32Array(controlWords), 0, 1, pause);
  const start = await plusPlusStart(field, clusters, rng, team);
  if (start === null) throw new MillraceError("CANCELLED", { subject });
  return start;
}

/** Several where there is enough to do for them and all columns are dense and in memory they share. */
function threadsFor(design: Design, clusters: number, context: FitContext): number {
  const products = design.nRows * design.dense.length * clusters;
  if (!isShareable(design)) return 1;
  return Math.max(1, Math.min(context.threads, Math.floor(products / worthThread)));
}

async function cluster(
  plan: ClusteringPlan,
  threads: number,
  context: FitContext,
  pause: () => Promise<void>,
): Promise<BestClustering> {
  const module = workerModule("member", import.meta.url);
  const work = { module, payload: plan, threads, total: plan.seeds.length, unit: "restarts" };
  const [best] = await runTeam(clusterRows, work, context, pause);
  if (!best || context.signal?.aborted) throw new MillraceError("CANCELLED", { subject });
  return best;
}
