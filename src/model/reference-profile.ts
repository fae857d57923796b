/**
 * What training data looked like, small enough to live in the model, so that drift needs no training data.
 * Shares are of all rows; they sum to 1 with `missing`.
 */
export interface ReferenceProfile {
  readonly nRows: number;
  readonly columns: readonly ColumnReference[];
  /** The predictions on the validation rows (train rows where there are none): of the value (regression) or of the probability of labels[1] (binary), or levels (labels). */
  readonly prediction: ColumnReference;
}

export type ColumnReference =
  /** Number and timestamp columns, text by length: half-open bins by ascending `edges`; shares has edges.length + 1 entries. */
  | {
      readonly form: "bins";
      readonly column: string;
      readonly missing: number;
      readonly edges: readonly number[];
      readonly shares: readonly number[];
    }
  /** Category and boolean columns: the commonest levels; `other` is the share of all remaining known levels. */
  | {
      readonly form: "levels";
      readonly column: string;
      readonly missing: number;
      readonly levels: readonly string[];
      readonly shares: readonly number[];
      readonly other: number;
      /** All levels seen in training, to tell "rare" from "unknown". */
      readonly known: readonly string[];
    };
