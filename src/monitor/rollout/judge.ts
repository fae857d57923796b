import { log } from "../../math/elementary.ts";
import { type ArmEvents, logDifference, logEvidence } from "./evidence.ts";
import type { Tally } from "./tally.ts";

/** What a candidate is watched for. */
export type RolloutTest = "errors" | "latency" | "predictions" | "quality";

export interface Evidence {
  readonly test: RolloutTest;
  /** Natural logarithm of the e-value. */
  readonly log: number;
}

/** Probability that a candidate that is no worse is ever rolled back, over all tests and steps together. */
export const rolloutAlpha = 0.01;

const tests: readonly RolloutTest[] = ["errors", "latency", "predictions", "quality"];

/** The e-value from which a candidate is rolled back. */
export const rollsBackAt: number = tests.length / rolloutAlpha;
const alarmLog = log(rollsBackAt);

/** An answer in a part of the champion's range may come so many times as often: two trainings never agree wholly. */
const toleratedShift = 1.5;

/** Names of counts the tests read; predictions are counted by bins "bin0", "bin1", ... */
export const eventNames = { errors: "errors", slow: "slow", bin: "bin", mistaken: "mistaken" } as const;

/** The evidence against a candidate by test. `shares` is its probability of getting a request, by step. */
export function evidenceAgainst(tally: Tally, shares: readonly number[]): readonly Evidence[] {
  const events = (name: string): ArmEvents[] =>
    tally.map((pairs, step) => {
      const [candidate, champion] = pairs[name] ?? [0, 0];
      return { share: shares[step] ?? 0, candidate, champion };
    });
  const bins = [...new Set(tally.flatMap((pairs) => Object.keys(pairs).filter((name) => /^bin\d+$/.test(name))))];
  return [
    { test: "errors", log: logEvidence(events(eventNames.errors)) },
    { test: "latency", log: logEvidence(events(eventNames.slow)) },
    { test: "quality", log: logEvidence(events(eventNames.mistaken)) },
    // An answer is in one bin alone, so that each event changes one factor of the product, which then is a martingale, too.
    { test: "predictions", log: bins.reduce((sum, name) => sum + logDifference(events(name), toleratedShift), 0) },
  ];
}

/** The test whose evidence suffices to roll the candidate back; null where none does. */
export function alarmOf(evidence: readonly Evidence[]): Evidence | null {
  return evidence.find((one) => one.log >= alarmLog) ?? null;
}
