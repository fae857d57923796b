import type { JsonValue } from "../../core/json.ts";
import { quantiles } from "../../math/quantile.ts";
import type { Store } from "../../store/open.ts";
import { labelOf } from "../answer-value.ts";
import { type Tally, TallyKeeper } from "./tally.ts";

/** An answer of which is known by now what became true. */
export interface LabelledAnswer {
  readonly version: number;
  /** UTC milliseconds of the answer: which step it was given at. */
  readonly predictedAt: number;
  readonly output: JsonValue;
  readonly actual: JsonValue;
}

/** Which versions answered as what, and when the steps began. */
export interface RolloutArms {
  readonly version: number;
  readonly champion: number;
  readonly stepsAt: readonly number[];
}

/** Labelled answers of a model given since a time, in the order in which the labels came. */
export async function readLabelledAnswers(store: Store, model: string, sinceMs: number): Promise<LabelledAnswer[]> {
  const rows = await store.database
    .selectFrom("feedback")
    .select(["version", "predicted_at", "output", "actual"])
    .where("model", "=", model)
    .where("predicted_at", ">=", sinceMs)
    .orderBy("received_at")
    .orderBy("prediction_id")
    .execute();
  return rows.map(({ version, predicted_at: predictedAt, output, actual }) => ({
    version,
    predictedAt,
    output: JSON.parse(output) as JsonValue,
    actual: JSON.parse(actual) as JsonValue,
  }));
}

/** Errors of the champion a limit is taken of, before any error can be called large. */
const leastErrors = 30;

/**
 * What the labels say of both arms: how many there are, and how many answers were wrong: another label, or a value farther off
 * than the champion's worst quarter was until then. To be shown, and no evidence: rows do not say which request or key they
 * came with, so that those of one, which were given their arm together, would count as bets of their own.
 */
export function qualityTally(answers: readonly LabelledAnswer[], arms: RolloutArms): Tally {
  const keeper = new TallyKeeper();
  const errors: number[] = [];
  let limit = Infinity;
  for (const { version, predictedAt, output, actual } of answers) {
    if (version !== arms.version && version !== arms.champion) continue;
    const side = version === arms.version ? 0 : 1;
    const step = Math.max(0, arms.stepsAt.filter((at) => at <= predictedAt).length - 1);
    keeper.add(step, "labelled", side, 1);
    if (typeof output !== "number" || typeof actual !== "number") {
      if (labelOf(output) !== labelOf(actual)) keeper.add(step, "wrong", side, 1);
      continue;
    }
    const error = Math.abs(output - actual);
    keeper.add(step, "absoluteError", side, error);
    if (error > limit) keeper.add(step, "wrong", side, 1);
    if (side === 1 && errors.push(error) >= leastErrors && errors.length % leastErrors === 0)
      limit = quantiles(Float64Array.from(errors), [0.75])[0]!;
  }
  return keeper.tally();
}
