import { MillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import type { EstimatorChoice, EstimatorImplementation, HyperparameterTable } from "../model/estimator.ts";
import type { Task } from "../model/model.ts";
import { boostingHyperparameters } from "./boosting/hyperparameters.ts";
import { blendHyperparameters, calibratedHyperparameters, stackHyperparameters } from "./ensembles/hyperparameters.ts";
import { extraTreesHyperparameters, forestHyperparameters, treeHyperparameters } from "./forest/hyperparameters.ts";
import { resolveHyperparameters } from "./hyperparameters.ts";
import { isolationForestHyperparameters } from "./isolation/hyperparameters.ts";
import { kmeansHyperparameters } from "./kmeans/hyperparameters.ts";
import { linearHyperparameters } from "./linear/hyperparameters.ts";
import { mlpHyperparameters } from "./mlp/hyperparameters.ts";
import { naiveBayesHyperparameters } from "./naive-bayes/hyperparameters.ts";
import { neighborsHyperparameters } from "./neighbors/hyperparameters.ts";
import { checkSpace } from "./space.ts";
import { svmHyperparameters } from "./svm/hyperparameters.ts";

export { resolveHyperparameters } from "./hyperparameters.ts";

interface Entry {
  readonly hyperparameters: HyperparameterTable;
  load(): Promise<EstimatorImplementation>;
}

const entries: ReadonlyMap<string, Entry> = new Map<string, Entry>([
  [
    "boosting",
    {
      hyperparameters: boostingHyperparameters,
      load: async () => (await import("./boosting/estimator.ts")).boostingEstimator,
    },
  ],
  [
    "forest",
    {
      hyperparameters: forestHyperparameters,
      load: async () => (await import("./forest/estimator.ts")).forestEstimator,
    },
  ],
  [
    "extraTrees",
    {
      hyperparameters: extraTreesHyperparameters,
      load: async () => (await import("./forest/estimator.ts")).extraTreesEstimator,
    },
  ],
  [
    "tree",
    {
      hyperparameters: treeHyperparameters,
      load: async () => (await import("./forest/estimator.ts")).treeEstimator,
    },
  ],
  [
    "linear",
    {
      hyperparameters: linearHyperparameters,
      load: async () => (await import("./linear/estimator.ts")).linearEstimator,
    },
  ],
  [
    "naiveBayes",
    {
      hyperparameters: naiveBayesHyperparameters,
      load: async () => (await import("./naive-bayes/estimator.ts")).naiveBayesEstimator,
    },
  ],
  [
    "mlp",
    {
      hyperparameters: mlpHyperparameters,
      load: async () => (await import("./mlp/estimator.ts")).mlpEstimator,
    },
  ],
  [
    "svm",
    {
      hyperparameters: svmHyperparameters,
      load: async () => (await import("./svm/estimator.ts")).svmEstimator,
    },
  ],
  [
    "neighbors",
    {
      hyperparameters: neighborsHyperparameters,
      load: async () => (await import("./neighbors/estimator.ts")).neighborsEstimator,
    },
  ],
  [
    "kmeans",
    {
      hyperparameters: kmeansHyperparameters,
      load: async () => (await import("./kmeans/estimator.ts")).kmeansEstimator,
    },
  ],
  [
    "isolationForest",
    {
      hyperparameters: isolationForestHyperparameters,
      load: async () => (await import("./isolation/estimator.ts")).isolationForestEstimator,
    },
  ],
]);

const labelled = ["binary", "multiclass"] as const;
const supervised = ["regression", ...labelled] as const;

/** What makes one model of several estimators, or of one fitted again and again. */
export interface Ensemble {
  readonly name: string;
  readonly tasks: readonly Task[];
  readonly hyperparameters: HyperparameterTable;
}

/** The ensembles there are; what they learn stands in `ensembles/`. */
export const ensembles: readonly Ensemble[] = Object.freeze([
  { name: "calibrated", tasks: labelled, hyperparameters: calibratedHyperparameters },
  { name: "blend", tasks: supervised, hyperparameters: blendHyperparameters },
  { name: "stack", tasks: supervised, hyperparameters: stackHyperparameters },
]);

/** Names of the estimators there are, for help and messages; `auto` stands for a choice among them. */
export const estimatorNames: readonly string[] = Object.freeze(Array.from(entries.keys()));

/** The algorithm called `name`, loaded on first use. Throws DEFINITION_INVALID where there is none. */
export async function findEstimator(name: string): Promise<EstimatorImplementation> {
  return entryOf(name).load();
}

/** The declared hyperparameters of the estimator called `name`, without loading the algorithm. */
export function hyperparametersOf(name: string): HyperparameterTable {
  return entryOf(name).hyperparameters;
}

/** Checks what a definition says about its model before anything runs: known names, values in range, a space that can be searched. */
export function checkEstimatorChoice(choice: EstimatorChoice): void {
  if (choice.estimator === "auto") return;
  const ensemble = ensembles.find(({ name }) => name === choice.estimator);
  if (ensemble) {
    resolveHyperparameters(ensemble, choice.hyperparameters);
    for (const member of choice.members ?? []) checkEstimatorChoice(member);
    return;
  }
  const implementation = { name: choice.estimator, hyperparameters: hyperparametersOf(choice.estimator) };
  resolveHyperparameters(implementation, choice.hyperparameters);
  if (choice.tuning !== null) checkSpace(implementation, choice.tuning);
}

function entryOf(name: string): Entry {
  const entry = entries.get(name);
  if (entry) return entry;
  const nearest = nearestName(name, estimatorNames);
  throw new MillraceError("DEFINITION_INVALID", {
    subject: "model",
    rule: `must be one of ${estimatorNames.join("(), ")}(), auto()`,
    actual: JSON.stringify(name),
    remedy: nearest === undefined ? undefined : `Did you mean ${nearest}()?`,
  });
}
