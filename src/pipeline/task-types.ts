import type { CategoryColumn, Keys, LevelsOf, Schema } from "../frame/schema.ts";

/**
 * The task a target's kind asks for; where there is a group, numbers may also be relevances. Without a target, and there, the
 * model says which. `Given` are the option names the literal contains.
 */
export type TaskOf<S extends Schema, T extends Keys<S>, Given = never> = [T] extends [never]
  ? "clustering" | "anomaly"
  : TargetTask<S[T]> | RankingTask<S[T], Given>;
type RankingTask<C, Given> = C extends { kind: "number" } ? ("group" extends Given ? "ranking" : never) : never;
type TargetTask<C> = C extends { kind: "number" }
  ? "regression"
  : C extends { kind: "boolean" }
    ? "binary"
    : C extends CategoryColumn<infer L>
      ? L["length"] extends 2
        ? "binary"
        : "multiclass"
      : never;
type LabelOf<C> = C extends { kind: "boolean" } ? boolean : LevelsOf<C>;

/** The answer of a classifier: the label and the probability of every label. */
export interface Classified<L extends string | boolean> {
  readonly label: L;
  readonly probabilities: Readonly<Record<`${L}`, number>>;
}

/** What a prediction is: a number (regression), the number of a cluster, an anomaly score, or a label with probabilities. */
export type OutputOf<S extends Schema, T extends PropertyKey> = [T] extends [never]
  ? number
  : TargetTask<S[T & keyof S]> extends "regression"
    ? number
    : Classified<LabelOf<S[T & keyof S]>>;
