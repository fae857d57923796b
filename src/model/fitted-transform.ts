/**
 * A fitted transform as plain data: what a transform learned, enough to apply it again. The state that runs through the
 * chain of one feature starts as the feature's column and becomes numbers (dense), codes (dense) or sparse entries.
 */
export type FittedTransform =
  /** number, boolean (0/1), timestamp (UTC ms) -> one dense number column, missing stays NaN. */
  | { readonly kind: "keep" }
  /** number column in, missing replaced; with `indicator` a second dense column says 1 where it was missing. */
  | { readonly kind: "impute"; readonly value: number; readonly indicator: boolean }
  /** number column in, held between `low` and `high`; missing stays missing. */
  | { readonly kind: "clip"; readonly low: number; readonly high: number }
  /** (x - mean) / scale; scale is never 0. */
  | { readonly kind: "standardize"; readonly mean: number; readonly scale: number }
  /** category -> same category with the mode in place of missing. */
  | { readonly kind: "imputeLevel"; readonly level: string }
  /** category, boolean -> dense codes against `levels`; unknown and missing are NaN. */
  | { readonly kind: "codes"; readonly levels: readonly string[] }
  /** category, boolean -> sparse 0/1 columns; unknown and missing light the column `other` if there is one (always last), else none. */
  | { readonly kind: "oneHot"; readonly levels: readonly string[]; readonly other: boolean }
  /** category -> one dense number; unknown and missing take `fallback`. */
  | {
      readonly kind: "targetEncode";
      readonly levels: readonly string[];
      readonly values: readonly number[];
      readonly fallback: number;
    }
  /** timestamp -> one dense column a part (names as in expressions: hour, dayOfWeek, month, ...; "days" = days since 1970). */
  | { readonly kind: "timeParts"; readonly parts: readonly TimePart[] }
  /** timestamp -> sine and cosine of the position in the period. */
  | { readonly kind: "cyclic"; readonly period: "day" | "week" | "year" }
  /** text -> TF-IDF entries, L2-normalised rows; sparse, or dense columns where `dense` is set (trees). */
  | {
      readonly kind: "tfidf";
      readonly terms: readonly string[];
      readonly idf: readonly number[];
      readonly ngrams: 1 | 2 | 3;
      readonly sublinear: boolean;
      readonly dense: boolean;
    };

export type TimePart = "hour" | "dayOfWeek" | "month" | "dayOfMonth" | "dayOfYear" | "year" | "days";

/** The chain of fitted transforms of one feature (a contract column or a derived feature). */
export interface FittedFeature {
  readonly feature: string;
  readonly steps: readonly FittedTransform[];
}
