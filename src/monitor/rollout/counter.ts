import type { JsonValue } from "../../core/json.ts";
import { quantiles } from "../../math/quantile.ts";
import type { Model } from "../../model/model.ts";
import { labelOf, numberOf } from "../answer-value.ts";
import { eventNames } from "./judge.ts";
import { type KeyLife, SeenEvents } from "./seen-events.ts";
import { type Tally, TallyKeeper } from "./tally.ts";

export type Arm = "candidate" | "champion";

/** What came of a request. */
export interface Outcome {
  readonly hasFailed: boolean;
  readonly latencyMs: number;
  /** The first row's answer; null where there is none. Rows of one request are no chances of their own. */
  readonly answer: JsonValue | null;
}

/** Champion latencies the threshold is taken of, and after how many new ones it is taken anew. */
const keptLatencies = 256;
const renewedEvery = 32;

/** A candidate's request is slow where it takes so much longer than the champion's slowest tenth: noise of a clock and of a cold cache is none. */
const toleratedFactor = 1.25;
const toleratedMs = 1;

/**
 * Counts what happens to the arms of one rollout, for the tests of judge.ts. Where a key decides the arm, a key's requests
 * are no chances of their own either: each event counts once a key.
 */
export class RolloutCounter {
  readonly #keeper = new TallyKeeper();
  readonly #binOf: (answer: JsonValue) => number | null;
  readonly #positive: string;
  readonly #isRanking: boolean;
  readonly #latencies: number[] = [];
  readonly #seen: SeenEvents;
  #nLatencies = 0;
  #threshold = Infinity;

  /** `champion` says in which parts of its range answers are counted; of a ranking, whose scores have no scale, in none. */
  constructor(champion: Model, keyLife: KeyLife) {
    this.#seen = new SeenEvents(keyLife);
    this.#binOf = binsOf(champion);
    this.#positive = String(champion.labels[1]);
    this.#isRanking = champion.task === "ranking";
  }

  /** `key` is null where every request has an arm of its own. */
  note(step: number, arm: Arm, key: string | null, outcome: Outcome): void {
    const side = arm === "candidate" ? 0 : 1;
    const { hasFailed, latencyMs, answer } = outcome;
    this.#keeper.add(step, "requests", side, 1);
    if (hasFailed) return this.#event(step, side, key, eventNames.errors);
    this.#keeper.add(step, "latencyMs", side, latencyMs);
    if (this.#isSlow(arm, latencyMs)) this.#event(step, side, key, eventNames.slow);
    if (answer === null) return;
    const bin = this.#binOf(answer);
    if (bin !== null) this.#event(step, side, key, `${eventNames.bin}${bin}`);
    const value = numberOf(answer, this.#positive);
    if (!Number.isNaN(value)) this.#keeper.add(step, "value", side, value);
  }

  /** What a shadow answered beside the champion, which is what it is compared with; scores of rankings are not. */
  noteShadow(step: number, { hasFailed, latencyMs, answer }: Outcome, champion: JsonValue): void {
    this.#keeper.add(step, "compared", 0, 1);
    if (hasFailed || answer === null) return this.#keeper.add(step, eventNames.errors, 0, 1);
    this.#keeper.add(step, "latencyMs", 0, latencyMs);
    if (this.#isRanking) return;
    if (labelOf(answer) !== labelOf(champion)) this.#keeper.add(step, "differing", 0, 1);
    const distance = Math.abs(numberOf(answer, this.#positive) - numberOf(champion, this.#positive));
    if (!Number.isNaN(distance)) this.#keeper.add(step, "distance", 0, distance);
  }

  tally(): Tally {
    return this.#keeper.tally();
  }

  #event(step: number, side: 0 | 1, key: string | null, name: string): void {
    if (key !== null && !this.#seen.isFirst(name, key)) return;
    this.#keeper.add(step, name, side, 1);
  }

  /** Judged by what was seen before, so that chance alone decides the arm of a slow request. */
  #isSlow(arm: Arm, latencyMs: number): boolean {
    if (arm === "candidate") return latencyMs > toleratedFactor * this.#threshold + toleratedMs;
    const isSlow = latencyMs > this.#threshold;
    this.#latencies[this.#nLatencies % keptLatencies] = latencyMs;
    if (++this.#nLatencies % renewedEvery === 0)
      this.#threshold = quantiles(Float64Array.from(this.#latencies), [0.9])[0]!;
    return isSlow;
  }
}

/** Which part of the champion's range an answer falls in, as its reference profile parts it; null where it has none. */
function binsOf({ task, reference, labels }: Model): (answer: JsonValue) => number | null {
  const profile = reference?.prediction;
  if (profile === undefined || task === "ranking") return () => null;
  if (profile.form === "levels") {
    const places = new Map(profile.levels.map((level, place) => [level, place]));
    return (answer) => places.get(labelOf(answer)) ?? profile.levels.length;
  }
  const positive = String(labels[1]);
  return (answer) => {
    const value = numberOf(answer, positive);
    return Number.isNaN(value) ? null : profile.edges.filter((edge) => value >= edge).length;
  };
}
