import type { JsonObject } from "../core/json.ts";
import type { Contract } from "../frame/contract.ts";
import type { FeatureExpression } from "../frame/expression-node.ts";
import type { FittedFeature } from "./fitted-transform.ts";
import type { Predictor } from "./predictor.ts";
import type { ReferenceProfile } from "./reference-profile.ts";

export type Task = "regression" | "binary" | "multiclass" | "ranking" | "clustering" | "anomaly";

/** What each contract column is for; a column named in none of them but the contract is an input. */
export interface Roles {
  readonly target: string | null;
  readonly id: string | null;
  readonly time: string | null;
  readonly group: string | null;
  readonly weight: string | null;
  readonly sensitive: readonly string[];
}

/**
 * A trained model: contract + expressions + fitted transforms + predictor + reference profile. It is data, never code,
 * immutable, and everything a prediction needs.
 */
export interface Model {
  readonly name: string;
  readonly task: Task;
  readonly contract: Contract;
  readonly roles: Roles;
  /** The contract columns a request sends, in order: all but target and weight. */
  readonly inputs: readonly string[];
  readonly expressions: readonly FeatureExpression[];
  /** One chain a feature the predictor reads, in design order. */
  readonly features: readonly FittedFeature[];
  readonly predictor: Predictor;
  /** Classification: the labels, in the order of the probabilities; labels[1] is the positive one of two. Else empty. */
  readonly labels: readonly (string | boolean)[];
  /** Binary: the operating point; labels[1] is answered where its probability is at least this. Else null. */
  readonly threshold: number | null;
  readonly reference: ReferenceProfile | null;
  readonly parity: ParityRows | null;
  /** Where it comes from: run, estimator, hyperparameters, metrics, dataset digest, seed, package version. */
  readonly provenance: JsonObject;
}

/** Inputs with the outputs the trainer saw, checked at every load. `rows` are request rows (JSON), `raw` the outputs row-major. */
export interface ParityRows {
  readonly rows: readonly JsonObject[];
  readonly outputs: Float64Array;
}

/**
 * Predictions of a batch. `values` is row-major, `width` numbers a row: the value (regression), the cluster's number or the
 * anomaly score with width 1, or one probability a label. `labelIndex` is the answered label (classification), else null.
 */
export interface Predictions {
  readonly nRows: number;
  readonly width: number;
  readonly values: Float64Array;
  readonly labelIndex: Int32Array | null;
}
