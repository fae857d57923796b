import type { Duration } from "../core/duration.ts";
import type { Problem } from "../core/problem.ts";
import type { Rule } from "../evaluate/gate-rule.ts";
import type { Prepared } from "../features/transform.ts";
import type { ViolationPolicy } from "../frame/contract.ts";
import type { BooleanExpr, ColumnsOf, Features } from "../frame/expression-types.ts";
import type { Keys, NamesOf, Schema } from "../frame/schema.ts";
import type { Source } from "../ingest/source.ts";
import type { Metric, MetricOf } from "../metrics/metric-names.ts";
import type { Task } from "../model/model.ts";
import type { Estimator } from "../train/choice-types.ts";
import type { Clean } from "./clean-types.ts";
import type { OwnStep } from "./own-step-types.ts";
import type { PipelineSpec } from "./spec.ts";
import type { TaskOf } from "./task-types.ts";

type OrProblem<X, Message extends string> = [X] extends [never] ? Problem<Message> : X;

/** A target that failed its constraint becomes the union of all names: then stay quiet, the real error is at `target`. */
type IsUnion<T, Whole = T> = T extends unknown ? ([Whole] extends [T] ? false : true) : never;
type Known<T> = true extends IsUnion<T> ? never : T;
type TaskAsked<S extends Schema, T extends Keys<S>, Given> = true extends IsUnion<T> ? never : TaskOf<S, T, Given>;
/** One that learns any of the tasks. */
type EstimatorOf<A> = [A] extends [never] ? Estimator<never> : A extends Task ? Estimator<A> : never;
type MetricFor<S extends Schema, T extends Keys<S>, Given> =
  true extends IsUnion<T> ? Metric["any"] : MetricOf<TaskOf<S, T, Given>>;

/** `Given` tells "there is no `features`" from "`features` is not inferred yet": only then are its names unknown. */
type Prepare<S extends Schema, T, F extends Features, Given> = {
  readonly [K in Exclude<keyof S, T>]?: Prepared<S[K]["kind"]>;
} & ("features" extends Given
  ? { readonly [K in keyof F]?: Prepared<string extends K ? never : F[K]["kind"]> }
  : unknown);
type Clash<S, F> = string extends keyof F
  ? unknown
  : { readonly [K in keyof F & keyof S]: Problem<"a feature must not take the name of a column"> };

/** A column whose findings in the leakage audit are accepted, with the reason that is recorded. */
export interface Accepted<Column extends string = string> {
  readonly column: Column;
  readonly reason: string;
}

/** A check with a policy of its own for the rows that break it; default "fail". */
export interface Check {
  readonly holds: BooleanExpr;
  readonly onViolation?: ViolationPolicy;
}

/** What a snapshot as a whole must be; a run on one that is not fails with CONTRACT_VIOLATED. */
export interface Expectations<Column extends string = string> {
  readonly minRows?: number;
  readonly maxRows?: number;
  /** Largest share of the rows that may be set aside, by the contract, by cleaning or as malformed. */
  readonly quarantined?: number;
  /** Age of the newest row, by the `time` column, when the run starts. */
  readonly newest?: Duration;
  /** Largest share by which the number of rows may differ from the previous snapshot's. */
  readonly change?: number;
  /** Largest population stability index of any column but `id` and `time` against the previous snapshot. */
  readonly drift?: number;
  /** What else is asked of single columns. */
  readonly columns?: { readonly [Name in Column]?: ColumnExpectation };
  /** Columns, their kinds and their types in the source must be those of the previous snapshot. Default false. */
  readonly schema?: boolean;
  /** What becomes of a run whose snapshot breaks one of these. Default "fail". */
  readonly onViolation?: "fail" | "warn";
}

/** What a column must be beside the previous snapshot's. */
export interface ColumnExpectation {
  /** Largest population stability index, in place of that of all columns; false: none. What chance explains breaks no limit. */
  readonly drift?: number | false;
  /** Largest difference of the shares of missing values. */
  readonly missing?: number;
  /** Default: that of `expect`. */
  readonly onViolation?: "fail" | "warn";
}

/** How the rows are divided into train, validation and test. */
export interface Split<By extends string, Column extends string = string> {
  /** Default: by time where `time` is set, by group where `group` is, else within the labels, else by chance. */
  readonly by?: By;
  /** Share of all rows; default 0.2. */
  readonly test?: number;
  /** Share of all rows; default 0.1, or half of what `test` leaves where that is less. */
  readonly validation?: number;
  /** By time: how much time lies between what is learned from and what is judged; rows in between are left out. */
  readonly gap?: Duration;
  /** By column: a category or text column that says "train", "validation" or "test"; it is no feature. */
  readonly column?: Column;
  /**
   * A column that names each row's fold, for `tune()`, `auto()` and ensembles: each of its 2 to 100 values is a fold, however many they
   * ask for, and rows without one are in none. It must keep groups whole and be made of periods where rows are divided by time. It is no feature.
   */
  readonly folds?: Column;
}

/** When to train again; every new model passes the same gate. */
export interface Retrain {
  /** Cron expression of five or six fields. */
  readonly cron?: string;
  /** IANA name; default "UTC". */
  readonly timeZone?: string;
  /** Train again when the monitor finds drift; default false. */
  readonly onDrift?: boolean;
}

/** How live traffic is compared with the data the model was trained on. */
export interface Monitor<C extends string = string> {
  /** Stretch of the prediction log that is compared; default "1d". */
  readonly window?: Duration;
  /** How often; default "1m". */
  readonly every?: Duration;
  /** Population stability index from which a column counts as drifted; default 0.2. */
  readonly psi?: number;
  /** Fewer rows than this are not judged; default 200. */
  readonly minRows?: number;
  /** Columns the prediction log does not keep, so that they are not watched either. */
  readonly redact?: readonly C[];
}

/** Who may approve for a role, and how many of them must. */
export interface Reviewers {
  /** Names as `millrace approve --by` takes them. */
  readonly by: readonly string[];
  /** Default 1. */
  readonly atLeast?: number;
}

/** The object `pipeline()` takes. `Given` are the option names the literal contains. */
export interface Definition<S extends Schema, T extends Keys<S>, F extends Features, W extends string, Given> {
  /** Name of the model: small letters, digits and "-", at most 63 characters, a letter or a digit first. */
  readonly name: string;
  readonly data: Source;
  /** The contract: what every row of the data and every request must satisfy. */
  readonly schema: S;
  /** What must hold between the columns of a row, as boolean expressions; a row where an operand is missing is not judged. */
  readonly checks?: (c: ColumnsOf<S>) => Readonly<Record<string, BooleanExpr | Check>>;
  /** What is cleaned on the way in. */
  readonly clean?: Clean<S>;
  /** What the snapshot as a whole must be. */
  readonly expect?: Expectations<Keys<S>>;
  /** The column to predict; its kind decides the task. Left out: clustering, or anomaly scores. */
  readonly target?: T;
  /** Identifies a row; not a feature unless `prepare` names it. */
  readonly id?: Exclude<NamesOf<S>["identifier"], T>;
  /** When a row happened: the split then goes by time. Not a feature itself; derive hour or weekday in `features`. */
  readonly time?: OrProblem<Exclude<NamesOf<S>["timestamp"], T>, "the schema has no timestamp column">;
  /** Rows of one group stay on one side of the split, and are ranked among each other where the model ranks; not a feature unless `prepare` names it. */
  readonly group?: Exclude<Keys<S>, T>;
  /** Weight of a row in training and metrics; never a feature, never sent in requests. */
  readonly weight?: W;
  /** Columns predictions must not lean on: recorded, and kept out of the features unless `prepare` names them. */
  readonly sensitive?: readonly OrProblem<
    Exclude<NamesOf<S>["grouping"], T>,
    "the schema has no category or boolean column"
  >[];
  /** Derived features, as expressions over the columns. */
  readonly features?: (c: ColumnsOf<S, Known<T> | Known<W>>) => F & Clash<S, F>;
  /** Preparation by column or derived feature: transforms, "keep" or "drop". Left out: what the kind and the model ask for. */
  readonly prepare?: NoInfer<Prepare<S, Known<T> | Known<W>, F, Given>>;
  readonly split?: Split<
    NoInfer<"random" | "hash" | "column" | Extract<"target" | "time" | "group", Given>>,
    NamesOf<S>["all"]
  >;
  readonly model: EstimatorOf<TaskAsked<S, T, Given>>;
  /** What a new model must satisfy to be promoted. */
  readonly gate?: readonly Rule<MetricFor<S, T, Given>, NamesOf<S>["all"]>[];
  /** Columns whose findings in the leakage audit are accepted; a reason is recorded beside them. */
  readonly allow?: readonly (NamesOf<S>["all"] | Accepted<NamesOf<S>["all"]>)[];
  readonly retrain?: Retrain;
  readonly monitor?: Monitor<Keys<S>>;
  /** Who must approve a version before it is promoted, by role: `{ risk: { by: ["ann", "bob"], atLeast: 1 } }`. */
  readonly approvals?: Readonly<Record<string, Reviewers>>;
  /** Root of all randomness of a run; default 1. */
  readonly seed?: number;
  readonly steps?: Readonly<Record<string, OwnStep<S, T, Given>>>;
}

/** The options `pipeline()` has. */
export type OptionName = keyof Definition<Schema, never, Features, never, never>;

/** An option that is none, said at its own place in the literal. */
export type OnlyOptions<Given extends string> = {
  readonly [K in Given]: K extends OptionName ? {} : Problem<"pipeline() has no such option">;
};

/** A checked definition. `typeof yourPipeline` is all a client needs. */
export interface Pipeline<S extends Schema, T extends Keys<S>, W extends Keys<S>, F extends Features> {
  readonly name: string;
  readonly schema: S;
  readonly target: T | undefined;
  readonly weight: W | undefined;
  readonly featureNames: readonly Keys<F>[];
  /** The definition as plain data, complete with defaults. */
  readonly spec: PipelineSpec;
}

/** Any pipeline, for code that takes them all. */
export interface AnyPipeline {
  readonly name: string;
  readonly schema: Schema;
  readonly target: string | undefined;
  readonly weight: string | undefined;
}
