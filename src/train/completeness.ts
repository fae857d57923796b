import { MillraceError } from "../core/errors/error.ts";
import type { DenseColumn, Design, SparseBlock } from "../model/design.ts";
import type { Target } from "../model/estimator.ts";

/** Throws DEFINITION_INVALID where a dense column lacks values, a sparse one has infinite ones, or `requireTarget` does. */
export function refuseMissing(estimator: string, design: Design, target: Target): void {
  const { nRows, dense, sparse } = design;
  for (const { name, values } of dense) requireNone({ estimator, column: name, nMissing: countMissing(values), nRows });
  refuseInfiniteEntries(estimator, sparse);
  requireTarget(target);
}

/** Throws DEFINITION_INVALID where a column, which may lack values, has infinite ones. */
export function refuseInfinite(estimator: string, columns: readonly DenseColumn[]): void {
  for (const { name, values } of columns)
    refuseCounted({ estimator, column: name, nInfinite: countInfinite(values), nRows: values.length });
}

/** Infinite values. */
export function countInfinite(values: Float64Array): number {
  let count = 0;
  for (let row = 0; row < values.length; ++row) if (Math.abs(values[row]!) === Infinity) ++count;
  return count;
}

/** Throws DEFINITION_INVALID where a column of so many rows has infinite values. */
export function refuseCounted(found: {
  readonly estimator: string;
  readonly column: string;
  readonly nInfinite: number;
  readonly nRows: number;
}): void {
  const { estimator, column, nInfinite, nRows } = found;
  if (nInfinite > 0) refuseColumn(estimator, column, `${nInfinite} infinite values in ${nRows} rows`);
}

/** The same of the entries of sparse columns, which lack none. */
export function refuseInfiniteEntries(estimator: string, { names, indices, values }: SparseBlock): void {
  const at = firstInfinite(values);
  if (at >= 0) refuseColumn(estimator, names[indices[at]!]!, String(values[at]));
}

function refuseColumn(estimator: string, column: string, actual: string): never {
  throw new MillraceError("DEFINITION_INVALID", {
    subject: `the column "${column}"`,
    rule: `must have no infinite values for ${estimator}()`,
    actual,
    remedy: "Hold it within limits with clip(), or declare min and max in the schema.",
  });
}

/** Throws DEFINITION_INVALID where a value to be predicted is no finite number, or `requireWeight` does. */
export function requireTarget({ values, weights }: Target): void {
  const row = firstInfinite(values);
  if (row >= 0)
    throw new MillraceError("DEFINITION_INVALID", {
      subject: "the target",
      rule: "must be a finite number in every row",
      actual: `${values[row]} in row ${row}`,
    });
  requireWeight(weights);
}

/** Throws DEFINITION_INVALID where a column of so many rows lacks values. */
export function requireNone(found: {
  readonly estimator: string;
  readonly column: string;
  readonly nMissing: number;
  readonly nRows: number;
}): void {
  if (found.nMissing === 0) return;
  throw new MillraceError("DEFINITION_INVALID", {
    subject: `the column "${found.column}"`,
    rule: `must be complete for ${found.estimator}()`,
    actual: `${found.nMissing} missing or infinite values in ${found.nRows} rows`,
    remedy: 'Leave its `prepare` to the default, or begin it with impute("median").',
  });
}

/** Throws DEFINITION_INVALID where row weights do not sum to a number above 0. */
export function requireWeight(weights: Float64Array | null, subject = "the row weights"): void {
  let total = 0;
  for (const weight of weights ?? [1]) total += weight;
  if (!(total > 0 && total < Infinity))
    throw new MillraceError("DEFINITION_INVALID", {
      subject,
      rule: "must sum to a number above 0",
      actual: String(total),
    });
}

/** Missing or infinite values. */
export function countMissing(values: Float64Array): number {
  let count = 0;
  for (let row = 0; row < values.length; ++row) if (!Number.isFinite(values[row])) ++count;
  return count;
}

/** Where the first number stands that is missing or infinite; -1 where none is. */
function firstInfinite(values: Float64Array): number {
  for (let at = 0; at < values.length; ++at) if (!Number.isFinite(values[at])) return at;
  return -1;
}
