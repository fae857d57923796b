import { createHmac, randomBytes } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import type { JsonValue } from "../../core/json.ts";
import { type Arm, type Outcome, RolloutCounter } from "../../monitor/rollout/counter.ts";
import { alarmOf, type Evidence, evidenceAgainst } from "../../monitor/rollout/judge.ts";
import { type LabelledAnswer, type LabelQuery, QualityCounter } from "../../monitor/rollout/quality.ts";
import { sumOfTallies, type Tally } from "../../monitor/rollout/tally.ts";
import type { Rollout } from "../../registry/rollouts.ts";
import type { ServedModel } from "../model-source.ts";
import { type ArmKey, placeOf } from "./arm.ts";

const markBytes = 6;

/** Rows a shadow may have waiting. */
const mostWaiting = 1000;

/** Labels read at once; where so many came, more may be there. */
const mostLabels = 5_000;

/** Time between two reads of labels: each sorts all that came since the rollout began. */
const labelsEveryMs = 10_000;

/** A label's time is its server's: another, whose clock is so much behind, may still write one before those already read. */
const labelLagMs = 5_000;

/** A rollout as one server lives it: gives requests their arm, counts, and halts by itself as soon as the evidence suffices. */
export class LiveRollout {
  readonly candidate: ServedModel;
  /** What labels say, of all servers' answers. */
  readonly quality: QualityCounter = new QualityCounter();
  readonly #counter: RolloutCounter;
  /** Labels do not tell whether a score of a ranking is wrong. */
  readonly #isRanking: boolean;
  readonly #onAlarm: () => void;
  #rollout: Rollout;
  /** What other servers counted, and what labels say of all servers' answers. */
  #elsewhere: Tally = [];
  /** Once the evidence has sufficed it has, whatever comes after. */
  #alarm: Evidence | null = null;
  #nCandidate = 0;
  #judgedAt = 0;
  /** When labels were last read to the end. */
  #labelsAt = -Infinity;
  #nWaiting = 0;
  /** Nobody can tell keys from marks without it. */
  readonly #secret = randomBytes(32);

  constructor(rollout: Rollout, candidate: ServedModel, champion: ServedModel, onAlarm: () => void) {
    this.#rollout = rollout;
    this.candidate = candidate;
    this.#counter = new RolloutCounter(champion.model, rollout.plan.key === "request" ? "short" : "long");
    this.#isRanking = champion.model.task === "ranking";
    this.#onAlarm = onAlarm;
  }

  get rollout(): Rollout {
    return this.#rollout;
  }

  get isShadow(): boolean {
    return this.#rollout.plan.kind === "shadow";
  }

  /** The step under way. */
  get step(): number {
    return this.#rollout.stepsAt.length - 1;
  }

  takes(key: ArmKey): boolean {
    return this.#alarm === null && placeOf(this.#rollout, key.text) < (sharesOf(this.#rollout)[this.step] ?? 0);
  }

  /** The same for all requests of a key on this server, 12 hexadecimal digits. */
  markOf({ text, isShared }: ArmKey): string {
    const mark = isShared ? createHmac("sha256", this.#secret).update(text).digest() : randomBytes(markBytes);
    return mark.toString("hex", 0, markBytes);
  }

  note(arm: Arm, key: ArmKey, outcome: Outcome): void {
    this.#counter.note(this.step, arm, key.isShared ? key.text : null, outcome);
    if (arm === "candidate") this.#judge(++this.#nCandidate);
  }

  /** False where so many rows wait to be scored that it would fall behind; rows begun must be ended. */
  beginShadow(nRows: number): boolean {
    if (this.#nWaiting + nRows > mostWaiting) return false;
    this.#nWaiting += nRows;
    return true;
  }

  endShadow(nRows: number): void {
    this.#nWaiting -= nRows;
  }

  noteShadow(outcome: Outcome, champion: JsonValue): void {
    this.#counter.noteShadow(this.step, outcome, champion);
  }

  /** Takes over what the store says. */
  follow(rollout: Rollout, elsewhere: Tally): void {
    this.#rollout = rollout;
    this.#elsewhere = elsewhere;
  }

  /** Counts the labels that came, where it is time to read them and they tell what is wrong. */
  async readLabels(
    rollout: Rollout,
    clock: Clock,
    read: (query: LabelQuery) => Promise<readonly LabelledAnswer[]>,
  ): Promise<void> {
    if (this.#isRanking) return;
    const startedAt = clock.monotonic();
    if (startedAt - this.#labelsAt < labelsEveryMs) return;
    const labels = await read({
      sinceMs: rollout.stepsAt[0]!,
      untilMs: clock.now() - labelLagMs,
      after: this.quality.cursor,
      limit: mostLabels,
    });
    this.quality.add(labels, rollout);
    if (labels.length < mostLabels) this.#labelsAt = startedAt;
  }

  /** What this server counted. */
  own(): Tally {
    return this.#counter.tally();
  }

  /** What all servers counted, as far as known here. */
  total(): Tally {
    return sumOfTallies([this.#elsewhere, this.own()]);
  }

  /** What the candidate is rolled back for; null where nothing is. */
  alarm(): Evidence | null {
    if (this.#rollout.plan.kind === "canary")
      this.#alarm ??= alarmOf(evidenceAgainst(this.total(), sharesOf(this.#rollout)));
    return this.#alarm;
  }

  /** Judged after every request while they are few, then after every hundredth part of them more. */
  #judge(count: number): void {
    if (this.#alarm !== null || count - this.#judgedAt < Math.max(1, count / 100)) return;
    this.#judgedAt = count;
    if (this.alarm() !== null) this.#onAlarm();
  }
}

/** The probability with which a request is the candidate's, by step. */
export function sharesOf({ plan }: Rollout): readonly number[] {
  return plan.percents.map((percent) => percent / 100);
}
