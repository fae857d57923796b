import type { Keys, Schema } from "../frame/schema.ts";

/** What becomes of numbers far out; a number alone is the `reach` beyond which rows are set aside. */
export type Outliers =
  | "quarantine"
  | "warn"
  | "clip"
  | number
  | { readonly clip: number }
  | ({ readonly policy: "quarantine" | "warn" | "clip" } & Fenced);
interface Fenced {
  readonly reach?: number;
  readonly quantiles?: readonly [low: number, high: number];
  readonly range?: readonly [low: number, high: number];
}

/** How one column is cleaned on the way in. */
export interface CleanColumn<K> {
  /** Texts that mean "missing" in this column. */
  readonly missing?: readonly string[];
  /** Category and text: no blanks at the ends. */
  readonly trim?: K extends "category" | "text" ? boolean : never;
  readonly case?: K extends "category" | "text" ? "lower" | "upper" : never;
  /**
   * Numbers more than 3, or so many, interquartile ranges outside of the quartiles, beyond quantiles or outside of a range:
   * their rows are set aside, or counted in the report, or they count as lying just there. Clipping is learned on the train
   * rows and holds for requests too, as `prepare` with `clip()` does.
   */
  readonly outliers?: K extends "number" ? Outliers : never;
  /**
   * Numbers: the units that may stand behind a value and how many of the one that is kept each is; "" = where none stands.
   * A value with another unit is no number.
   */
  readonly units?: K extends "number" ? Readonly<Record<string, number>> : never;
  /**
   * Timestamps: how dates are written, of YYYY, MM or MMM (Jan), DD, HH, mm, ss and SSS, in UTC; "ISO" = ISO 8601, which is
   * the default. What two formats read as different days is none.
   */
  readonly dates?: K extends "timestamp" ? string | readonly string[] : never;
}

/** What is cleaned on the way in; what it did stands in the run. Texts of requests are cleaned, too. */
export interface Clean<S extends Schema> {
  /** Sets rows aside that repeat an earlier one: in every column, or in those named. */
  readonly duplicates?: "exact" | { readonly by: Keys<S> | readonly Keys<S>[]; readonly keep?: "first" | "last" };
  readonly columns?: { readonly [C in keyof S]?: CleanColumn<S[C]["kind"]> };
}
