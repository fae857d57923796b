import type { JsonValue } from "../../core/json.ts";
import { quantiles } from "../../math/quantile.ts";
import type { Store } from "../../store/open.ts";
import { labelOf } from "../answer-value.ts";
import { markOfPredictionId } from "../prediction-id.ts";
import { eventNames } from "./judge.ts";
import { type Tally, TallyKeeper } from "./tally.ts";

/** An answer of which is known by now what became true. */
export interface LabelledAnswer {
  readonly predictionId: string;
  readonly version: number;
  /** UTC milliseconds of the answer: which step it was given at. */
  readonly predictedAt: number;
  /** UTC milliseconds of the label. */
  readonly receivedAt: number;
  readonly output: JsonValue;
  readonly actual: JsonValue;
}

/** The last label read, in the order in which they came. */
export type LabelCursor = Pick<LabelledAnswer, "predictionId" | "receivedAt">;

/** Which versions answered as what, and when the steps began. */
export interface RolloutArms {
  readonly version: number;
  readonly champion: number;
  readonly stepsAt: readonly number[];
}

/** Which labelled answers are asked for. */
export interface LabelQuery {
  /** UTC milliseconds from which on the answers were given. */
  readonly sinceMs: number;
  /** UTC milliseconds until which the labels came. Default: whenever. */
  readonly untilMs?: number | null;
  /** The label after which to go on. Default: from the first. */
  readonly after?: LabelCursor | null;
  /** Default: all of them. */
  readonly limit?: number | null;
}

/** Labelled answers of a model, in the order in which the labels came. */
export async function readLabelledAnswers(
  store: Store,
  model: string,
  { sinceMs, untilMs = null, after = null, limit = null }: LabelQuery,
): Promise<LabelledAnswer[]> {
  let wanted = store.database
    .selectFrom("feedback")
    .select(["prediction_id", "version", "predicted_at", "received_at", "output", "actual"])
    .where("model", "=", model)
    .where("predicted_at", ">=", sinceMs)
    .orderBy("received_at")
    .orderBy("prediction_id");
  if (untilMs !== null) wanted = wanted.where("received_at", "<=", untilMs);
  if (limit !== null) wanted = wanted.limit(limit);
  if (after !== null)
    wanted = wanted.where((e) =>
      e.or([
        e("received_at", ">", after.receivedAt),
        e.and([e("received_at", "=", after.receivedAt), e("prediction_id", ">", after.predictionId)]),
      ]),
    );
  return (await wanted.execute()).map((row) => ({
    predictionId: row.prediction_id,
    version: row.version,
    predictedAt: row.predicted_at,
    receivedAt: row.received_at,
    output: JSON.parse(row.output) as JsonValue,
    actual: JSON.parse(row.actual) as JsonValue,
  }));
}

/** Errors of the champion a limit is taken of, before any error can be called large, and the newest it is taken of. */
const leastErrors = 30;
const keptErrors = 1024;

/** Marks whose mistakes are remembered; of more, nothing is evidence. */
const mostMarks = 200_000;

/** Servers follow a step half a second apart, each by a clock of its own: which share held is not known so near to it. */
const stepBlurMs = 10_000;

/**
 * Counts what labels say of both arms, in the order in which they came: how many there are, and how many answers were wrong:
 * another label, or a value farther off than the champion's worst quarter was until then. Those counts are of all answers and are
 * shown. Evidence is of answers alone that chance gave their version, which their ids tell, with a share that is known, and once a
 * mark: rows of one request, or requests of one key, got it together.
 */
export class QualityCounter {
  readonly #keeper = new TallyKeeper();
  readonly #mistaken = new Set<string>();
  readonly #errors: number[] = [];
  #nErrors = 0;
  #limit = Infinity;
  /** Of the last label that was added. */
  cursor: LabelCursor | null = null;

  add(answers: readonly LabelledAnswer[], arms: RolloutArms): void {
    for (const answer of answers) {
      this.cursor = answer;
      const { version, predictedAt } = answer;
      if (version !== arms.version && version !== arms.champion) continue;
      const side = version === arms.version ? 0 : 1;
      const step = Math.max(0, arms.stepsAt.filter((at) => at <= predictedAt).length - 1);
      this.#keeper.add(step, "labelled", side, 1);
      if (!this.#isWrong(answer, side)) continue;
      this.#keeper.add(step, "wrong", side, 1);
      if (arms.stepsAt.some((at, i) => i > 0 && Math.abs(predictedAt - at) < stepBlurMs)) continue;
      const mark = markOfPredictionId(answer.predictionId);
      if (mark === null || this.#mistaken.has(mark) || this.#mistaken.size >= mostMarks) continue;
      this.#mistaken.add(mark);
      this.#keeper.add(step, eventNames.mistaken, side, 1);
    }
  }

  tally(): Tally {
    return this.#keeper.tally();
  }

  #isWrong({ output, actual }: LabelledAnswer, side: 0 | 1): boolean {
    if (typeof output !== "number" || typeof actual !== "number") return labelOf(output) !== labelOf(actual);
    const error = Math.abs(output - actual);
    const isWrong = error > this.#limit;
    if (side === 1) {
      this.#errors[this.#nErrors % keptErrors] = error;
      if (++this.#nErrors % leastErrors === 0) this.#limit = quantiles(Float64Array.from(this.#errors), [0.75])[0]!;
    }
    return isWrong;
  }
}

/** What labels say, counted at once. */
export function qualityTally(answers: readonly LabelledAnswer[], arms: RolloutArms): Tally {
  const counter = new QualityCounter();
  counter.add(answers, arms);
  return counter.tally();
}
