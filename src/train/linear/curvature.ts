import { choleskyBackSolve } from "../../math/linear-algebra.ts";

/** An estimate of an objective's second derivatives, positive definite: a solver's first guess of how far to go. */
export interface Curvature {
  /** Puts the inverse of the estimate times `values` in their place. */
  divide(values: Float64Array): void;
  /** The product of `values` with what `divide` makes of them. */
  inverseSquare(values: Float64Array): number;
}

/** Second derivatives by one parameter each, above 0. */
export function diagonalCurvature(diagonal: Float64Array): Curvature {
  return {
    divide: (values) => {
      for (let i = 0; i < values.length; ++i) values[i]! /= diagonal[i]!;
    },
    inverseSquare: (values) => {
      let total = 0;
      for (let i = 0; i < values.length; ++i) total += (values[i]! * values[i]!) / diagonal[i]!;
      return total;
    },
  };
}

/** All second derivatives, by the Cholesky factor of their matrix. */
export function factoredCurvature(factor: Float64Array, n: number): Curvature {
  return {
    divide: (values) => choleskyBackSolve(factor, n, values),
    inverseSquare: (values) => {
      const divided = values.slice();
      choleskyBackSolve(factor, n, divided);
      let total = 0;
      for (let i = 0; i < n; ++i) total += values[i]! * divided[i]!;
      return total;
    },
  };
}
