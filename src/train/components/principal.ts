import { MillraceError } from "../../core/errors/error.ts";
import { symmetricEigen } from "../../math/eigen.ts";
import type { Design } from "../../model/design.ts";
import { centredProducts } from "../centred-products.ts";
import { momentsOf } from "../moments.ts";

/** The directions along which rows vary most, as many as were asked for and there are. */
export interface Components {
  readonly count: number;
  /** Of each design column, dense ones first. */
  readonly means: Float64Array;
  /** Row-major, one unit vector a component, an entry a design column. */
  readonly directions: Float64Array;
  /** Variance along each (divided by the total weight), descending. */
  readonly variances: Float64Array;
  /** Share of the variance of all columns that lies along them. */
  readonly share: number;
}

/** The matrix of products takes space by the square of the columns, its eigenvectors time by the cube. */
const mostColumns = 1000;
/** A direction along which rows vary by less than this share of the most is none: rounding alone gives as much. */
const leastShare = 1e-13;

/**
 * Principal components of a design's columns, weighted by row: eigenvectors of their covariance. Awaits `pause` as it goes
 * through the rows. Throws DEFINITION_INVALID for more than 1,000 columns, and for numbers whose squares are not finite.
 */
export async function principalComponents(
  design: Design,
  weights: Float64Array | null,
  most: number,
  subject: string,
  pause: () => Promise<void>,
): Promise<Components> {
  const nColumns = design.dense.length + design.sparse.names.length;
  if (nColumns > mostColumns)
    throw new MillraceError("DEFINITION_INVALID", {
      subject,
      rule: `takes at most ${mostColumns} prepared columns`,
      actual: String(nColumns),
      remedy: "Drop columns in `prepare`, or give texts fewer terms: tfidf({ maxWords: 500 }).",
    });
  const { means, totalWeight } = momentsOf(design, weights);
  const covariance = await centredProducts(design, weights, means, null, pause);
  for (let i = 0; i < nColumns; ++i)
    for (let j = 0; j <= i; ++j) {
      const own = covariance[i * nColumns + j]! / totalWeight;
      if (!Number.isFinite(own)) refuseLarge(design, i, subject);
      covariance[i * nColumns + j] = own;
      covariance[j * nColumns + i] = own;
    }
  const { values, vectors } = symmetricEigen(covariance, nColumns);
  const varying = values.filter((value) => value > leastShare * values[0]!).length;
  const count = Math.min(most, varying);
  const total = values.reduce((sum, value) => sum + Math.max(0, value), 0);
  const variances = values.slice(0, count);
  const kept = variances.reduce((sum, value) => sum + value, 0);
  const share = total > 0 ? kept / total : 1;
  return { count, means, directions: vectors.slice(0, count * nColumns), variances, share };
}

function refuseLarge({ dense, sparse }: Design, column: number, subject: string): never {
  const name = dense[column]?.name ?? sparse.names[column - dense.length]!;
  throw new MillraceError("DEFINITION_INVALID", {
    subject,
    rule: "needs columns whose squares are finite",
    actual: `numbers too large in the column "${name}"`,
    remedy: "Bound the column in `prepare` with clip(), or divide it by a number in a derived feature.",
  });
}
