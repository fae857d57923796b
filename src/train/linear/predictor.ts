import type { Design } from "../../model/design.ts";
import type { LinearPredictor, Link } from "../../model/predictor.ts";

/** One run of coefficients, dense columns before sparse ones, and one intercept for each output. */
export interface LinearSolution {
  readonly coefficients: Float64Array;
  readonly intercept: Float64Array;
}

/** The predictor of a solution over the columns of a design. */
export function linearPredictor(
  { dense, sparse }: Pick<Design, "dense" | "sparse">,
  link: Link,
  { coefficients, intercept }: LinearSolution,
): LinearPredictor {
  return Object.freeze({
    kind: "linear",
    link,
    outputs: intercept.length,
    nDense: dense.length,
    nSparse: sparse.names.length,
    coefficients,
    intercept,
  });
}
