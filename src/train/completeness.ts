import { MillraceError } from "../core/errors/error.ts";
import type { Design } from "../model/design.ts";
import type { Target } from "../model/estimator.ts";

/** Throws DEFINITION_INVALID where a dense column lacks values, or row weights do not sum to more than 0. */
export function refuseMissing(estimator: string, design: Design, target: Target): void {
  const { nRows, dense } = design;
  for (const { name, values } of dense) requireNone({ estimator, column: name, nMissing: countMissing(values), nRows });
  requireWeight(target.weights);
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
