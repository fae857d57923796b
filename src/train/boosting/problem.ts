import type { Rng } from "../../core/rng.ts";
import type { RowGroups } from "../../metrics/row-groups.ts";
import type { Target } from "../../model/estimator.ts";
import type { Predictor, TreesPredictor } from "../../model/predictor.ts";
import { refuseClassWeights } from "../class-weights.ts";
import { requireTarget } from "../completeness.ts";
import type { TrainingColumns } from "../training-columns.ts";
import { type Constraints, constraintsOf } from "./constraints.ts";
import { continued } from "./continuation.ts";
import type { Loss, LossPlan, Settings } from "./plan.ts";
import { groupsOf } from "./ranking-target.ts";
import { refuse, refuseSampling } from "./refusal.ts";
import { startOf } from "./start.ts";

/** Rows with their targets, as the estimator was given them. */
export interface Rows {
  readonly rows: TrainingColumns;
  readonly target: Target;
}

/** What a training is asked for. */
export interface Preparation {
  readonly train: Rows;
  readonly validation: Rows | null;
  readonly settings: Settings;
  /** What was learned before, to go on from. */
  readonly start: Predictor | null;
  readonly threads: number;
  readonly rng: Rng;
  readonly pause: () => Promise<void>;
}

/** What is learned of the rows, whatever their bins are. */
export interface Problem extends LossPlan {
  readonly nRows: number;
  readonly nValidation: number;
  readonly constraints: Constraints;
  readonly groups: RowGroups | null;
  readonly watchedGroups: RowGroups | null;
  readonly start: TreesPredictor | null;
  readonly base: Float64Array;
}

/** The loss asked for, or the task's own. Throws HYPERPARAMETER_INVALID where a loss of numbers is asked for labels. */
function lossOf(target: Target, { loss }: Pick<Settings, "loss">): Loss {
  if (target.task === "ranking") {
    if (loss !== "auto" && loss !== "lambdarank") refuse("loss", '"lambdarank" for ranking', JSON.stringify(loss));
    return "lambdarank";
  }
  if (loss === "lambdarank") refuse("loss", "one of numbers or labels where rows are not ranked", JSON.stringify(loss));
  if (target.task === "regression") return loss === "auto" ? "squared" : loss;
  if (loss !== "auto") refuse("loss", '"auto" where the target is labels', JSON.stringify(loss));
  return target.task === "binary" ? "logistic" : "softmax";
}

/** Throws where something cannot be learned from, before anything is worked out of it. */
export function problemOf({ train, validation, settings, start: given }: Preparation): Problem {
  for (const { target } of validation ? [train, validation] : [train]) requireTarget(target);
  refuseClassWeights("boosting", train.target, settings.classWeights);
  const loss = lossOf(train.target, settings);
  refuseSampling(loss, settings);
  const constraints = constraintsOf(settings, loss, train.rows.columns);
  const groups = groupsOf(train.target);
  const watchedGroups = validation && groupsOf(validation.target);
  const { base: constant, parameter } = startOf(loss, train.target, settings);
  const start = given && continued(given, loss, constant.length, train.rows.columns);
  const base = start ? start.base : constant;
  const [nRows, nValidation] = [train.target.values.length, validation?.target.values.length ?? 0];
  return { loss, parameter, nRows, nValidation, constraints, groups, watchedGroups, start, base };
}
