import type { LinearPredictor, TreesPredictor } from "../predictor.ts";

/** What another trainer's file holds: input columns by position, and what was learned over them. */
export interface ImportedModel {
  readonly trainer: "lightgbm" | "xgboost";
  /** The trainer's word for what it minimised. */
  readonly objective: string;
  readonly columns: readonly ImportedColumn[];
  readonly predictor: TreesPredictor | LinearPredictor;
}

/** `levels` are the texts of a category's levels in the order of their codes; null = a column of numbers. */
export interface ImportedColumn {
  readonly name: string;
  readonly levels: readonly string[] | null;
}
