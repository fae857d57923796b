import { MillraceError } from "../core/errors/error.ts";
import type { HyperparameterDeclaration, Target } from "../model/estimator.ts";
import { weightedQuantile } from "./weighted-quantile.ts";

/** Declared alike by every estimator that knows the loss "huber". */
export const huberDeltaDeclaration: HyperparameterDeclaration = Object.freeze({
  type: "real",
  min: 0,
  openMin: true,
  max: 1000,
  scale: "log",
  default: 1,
  doc: 'Residuals beyond so many median absolute deviations of the target count linearly, for the loss "huber".',
});

/** The median distance of the target from its median, above 0: the largest where the median one is 0, 1 where all are. */
export function medianDeviation({ values, weights }: Target): number {
  const median = weightedQuantile(values.slice(), weights, 0.5);
  const deviations = values.map((value) => Math.abs(value - median));
  const spread = weightedQuantile(deviations.slice(), weights, 0.5);
  // Where more than half of the target is one value, the largest deviation is the only scale there is.
  const scale = spread > 0 ? spread : deviations.reduce((largest, value) => Math.max(largest, value), 0);
  return scale > 0 ? scale : 1;
}

/** Throws DEFINITION_INVALID where a target of counts or amounts has numbers below 0, or nothing but 0. */
export function refuseNegative({ values, weights }: Target, loss: string): void {
  let least = 0;
  let most = 0;
  for (let row = 0; row < values.length; ++row) {
    if (weights !== null && weights[row] === 0) continue;
    least = Math.min(least, values[row]!);
    most = Math.max(most, values[row]!);
  }
  if (least === 0 && most > 0) return;
  throw new MillraceError("DEFINITION_INVALID", {
    subject: "the target",
    rule: `must be numbers from 0 on, not all 0, for the loss "${loss}"`,
    actual: least < 0 ? String(least) : "only zeros",
    remedy: 'Learn with the loss "squared" or "huber" instead.',
  });
}
