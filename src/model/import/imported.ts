import type { FittedTransform } from "../fitted-transform.ts";
import type { LinearPredictor, TreesPredictor } from "../predictor.ts";

/** What another trainer's file holds: input columns by position, and what was learned over them. */
export interface ImportedModel {
  readonly trainer: "lightgbm" | "xgboost" | "scikit-learn";
  /** The trainer's word for what it minimised. */
  readonly objective: string;
  readonly columns: readonly ImportedColumn[];
  readonly predictor: TreesPredictor | LinearPredictor;
  /** Texts of the labels, where the file knows them. */
  readonly labels?: readonly string[];
}

/** `levels` are the texts of a category's levels in the order of their codes; null = a column of numbers. */
export interface ImportedColumn {
  readonly name: string;
  readonly levels: readonly string[] | null;
  /** What its numbers go through before the predictor reads them; absent = they stay. */
  readonly steps?: readonly FittedTransform[];
  /** Whether every row must have a value; absent = none must. */
  readonly isRequired?: boolean;
}
