import type { Duration } from "../core/duration.ts";
import type { Retry } from "../engine/define-types.ts";
import type { IssueCode } from "../frame/contract.ts";
import type { Keys, RowOf, Schema } from "../frame/schema.ts";
import type { MetricOf } from "../metrics/metric-names.ts";
import type { OutputOf, TaskOf } from "./task-types.ts";

/** What an own step is given, by the step it follows. */
export interface StepContexts<S extends Schema, T extends Keys<S>, Given = never> {
  ingest: { readonly rows: AsyncIterable<RowOf<S>> };
  validate: {
    readonly rows: AsyncIterable<RowOf<S>>;
    readonly issues: readonly { readonly code: IssueCode; readonly column: Keys<S>; readonly row: number }[];
  };
  train: { readonly predict: (row: RowOf<S, T>) => OutputOf<S, T> };
  evaluate: { readonly metrics: Readonly<Record<MetricOf<TaskOf<S, T, Given>>, number>> };
  gate: { readonly passed: boolean; readonly metrics: Readonly<Record<MetricOf<TaskOf<S, T, Given>>, number>> };
  promote: { readonly version: number };
}

/** What an own step before one of Millrace's is given: the results of the last step before that. */
interface ContextsBefore<S extends Schema, T extends Keys<S>, Given> {
  validate: StepContexts<S, T, Given>["ingest"];
  split: StepContexts<S, T, Given>["validate"];
  train: StepContexts<S, T, Given>["validate"];
  evaluate: StepContexts<S, T, Given>["train"];
  gate: StepContexts<S, T, Given>["evaluate"];
  promote: StepContexts<S, T, Given>["gate"];
}

/** Where a row goes; null leaves it out. */
export type RowPlace = "train" | "validation" | "test" | null;

/** What an own step instead of one of Millrace's must answer. */
interface AnswersInstead {
  /** One place a row, in the order of the rows. */
  split: Iterable<RowPlace> | AsyncIterable<RowPlace>;
  /** Whether the model may be promoted; findings of the audit still fail the gate. */
  gate: boolean | { readonly passed: boolean; readonly reason: string };
}

interface OwnStepOptions {
  /** Default: one attempt. */
  readonly retry?: Retry;
  /** An attempt that takes longer is ended. */
  readonly timeout?: Duration;
  /** Working memory in MiB. */
  readonly memory?: number;
  /** Environment variables it may see; others are hidden from it. */
  readonly env?: readonly string[];
  readonly tags?: readonly string[];
}

/** A step of the user's own after, before or instead of one of Millrace's; what it is given depends on where it stands. */
export type OwnStep<S extends Schema, T extends Keys<S>, Given = never> =
  | {
      [A in keyof StepContexts<S, T, Given>]: OwnStepOptions & {
        readonly after: A;
        readonly before?: never;
        readonly instead?: never;
        run(context: StepContexts<S, T, Given>[A]): void | Promise<void>;
      };
    }[keyof StepContexts<S, T, Given>]
  | {
      [B in keyof ContextsBefore<S, T, Given>]: OwnStepOptions & {
        readonly before: B;
        readonly after?: never;
        readonly instead?: never;
        run(context: ContextsBefore<S, T, Given>[B]): void | Promise<void>;
      };
    }[keyof ContextsBefore<S, T, Given>]
  | {
      [I in keyof AnswersInstead]: OwnStepOptions & {
        readonly instead: I;
        readonly after?: never;
        readonly before?: never;
        run(context: ContextsBefore<S, T, Given>[I]): AnswersInstead[I] | Promise<AnswersInstead[I]>;
      };
    }[keyof AnswersInstead];
