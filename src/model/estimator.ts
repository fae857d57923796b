import type { Clock } from "../core/clock.ts";
import type { Progress } from "../core/progress.ts";
import type { Rng } from "../core/rng.ts";
import type { Design, DesignStyle, StreamedDesign } from "./design.ts";
import type { Task } from "./model.ts";
import type { Predictor } from "./predictor.ts";

/** One hyperparameter, declared: validation, help, docs, the tuner's space and the tests of bad values derive from it. */
export type HyperparameterDeclaration =
  | {
      readonly type: "real" | "integer";
      readonly min: number;
      readonly max: number;
      /** The bound itself is not allowed. */
      readonly openMin?: boolean;
      readonly scale: "linear" | "log";
      readonly default: number;
      /** The range tune() searches when the user gives none; absent = not tuned. */
      readonly search?: readonly [low: number, high: number];
      readonly doc: string;
    }
  | {
      readonly type: "choice";
      readonly choices: readonly string[];
      readonly default: string;
      readonly search?: readonly string[];
      readonly doc: string;
    }
  /** Whole numbers from `min` to `max`, at most `most` of them, in order; not searched. */
  | {
      readonly type: "sizes";
      readonly min: number;
      readonly max: number;
      readonly most: number;
      readonly default: readonly number[];
      readonly doc: string;
    }
  | { readonly type: "boolean"; readonly default: boolean; readonly doc: string }
  /** Names of columns or derived features; not searched. */
  | { readonly type: "names"; readonly default: readonly string[]; readonly doc: string }
  /** Groups of such names; not searched. */
  | { readonly type: "groups"; readonly default: readonly (readonly string[])[]; readonly doc: string };

export type HyperparameterTable = Readonly<Record<string, HyperparameterDeclaration>>;
export type HyperparameterValue =
  | number
  | string
  | boolean
  | readonly string[]
  | readonly number[]
  | readonly (readonly string[])[];
export type HyperparameterValues = Readonly<Record<string, HyperparameterValue>>;

/** What is to be predicted, coded: the value (regression), the relevance (ranking) or the label's position 0..K-1. Empty without a target. */
export interface Target {
  readonly task: Task;
  readonly values: Float64Array;
  /** Number of labels; 0 for numbers and without a target. */
  readonly nLabels: number;
  /** One weight a row, or null for all 1. */
  readonly weights: Float64Array | null;
  /** Ranking: the group each row is ordered within, numbered from 0. */
  readonly groups?: Uint32Array;
}

export interface FitContext extends FitTools {
  /** Rows to watch for early stopping, never learned from. */
  readonly validation: { readonly design: Design; readonly target: Target } | null;
}

/** As {@link FitContext}, with rows to watch that are not in memory either. */
export interface StreamedFitContext extends FitTools {
  readonly validation: { readonly design: StreamedDesign; readonly target: Target } | null;
}

interface FitTools {
  readonly rng: Rng;
  readonly clock: Clock;
  readonly progress: Progress;
  /** At least 1; results must not depend on it. */
  readonly threads: number;
  /** What was learned before from columns prepared in the same way, to go on from; boosting alone reads it. */
  readonly start?: Predictor;
  readonly signal?: AbortSignal;
}

/** What fitting gives: the predictor and what is worth recording (rounds used, validation loss, ...). */
export interface FitResult {
  readonly predictor: Predictor;
  readonly notes: Readonly<Record<string, number>>;
}

/** An algorithm that can learn, as the train room implements it; plain and stateless. */
export interface EstimatorImplementation {
  readonly name: string;
  readonly tasks: readonly Task[];
  readonly style: DesignStyle;
  readonly hyperparameters: HyperparameterTable;
  fit(design: Design, target: Target, hyperparameters: HyperparameterValues, context: FitContext): Promise<FitResult>;
  /** The same bits as `fit` gives, from rows of which a block is in memory at a time. Absent where all are needed at once. */
  readonly fitStreamed?: (
    design: StreamedDesign,
    target: Target,
    hyperparameters: HyperparameterValues,
    context: StreamedFitContext,
  ) => Promise<FitResult>;
}

/**
 * A configured estimator as plain data, as `boosting({ trees: 200 })` or `tune(...)` returns it at run time.
 * `tuning` is set by tune(); `budgetMs` by auto().
 */
export interface EstimatorChoice {
  readonly estimator: string;
  readonly hyperparameters: HyperparameterValues;
  readonly tuning: TuningPlan | null;
  /** The earlier version that training goes on from; absent = it begins anew. Of boosting alone. */
  readonly from?: EarlierVersion;
  /** Of ensembles alone: what they are made of, none of it an ensemble. */
  readonly members?: readonly EstimatorChoice[];
}

/** A version of the pipeline's own model: the champion there is when it trains, or one by its number. */
export type EarlierVersion = "champion" | number;

export interface TuningPlan {
  readonly strategy: "random" | "grid";
  readonly trials: number;
  readonly folds: number;
  /** Stop starting trials after this; null = no limit. */
  readonly budgetMs: number | null;
  /** By hyperparameter: a range or a list. Empty = the declared search ranges. */
  readonly space: Readonly<Record<string, SearchRange>>;
}

export type SearchRange =
  | { readonly low: number; readonly high: number; readonly scale: "linear" | "log" }
  | readonly HyperparameterValue[];
