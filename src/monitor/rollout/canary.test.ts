import { describe, expect, it } from "vitest";
import { createRng, type Rng } from "../../core/rng.ts";
import { normalQuantile } from "../../math/normal.ts";
import type { Model } from "../../model/model.ts";
import { housesModel } from "../../../test/serve/served-models.ts";
import { RolloutCounter } from "./counter.ts";
import { alarmOf, evidenceAgainst, type RolloutTest } from "./judge.ts";

/** `npm run bench -- serve/canary` asks for 100. */
const simulations = Number(process.env["MILLRACE_CANARY_SIMULATIONS"] ?? 6);

/** Of how many simulations one may go the other way: 1 of 100, and none of a few. */
const mayFail = Math.floor(simulations / 100);

/** How requests to one arm come out. */
interface Behaviour {
  readonly errors: number;
  readonly latencyMs: number;
  readonly shift: number;
  readonly spread: number;
}

const champion: Behaviour = { errors: 0.01, latencyMs: 4, shift: 0, spread: 1 };

/** Predictions of the champion are normal(0, 1), and its profile has their deciles. */
const edges = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9].map(normalQuantile);
const prediction = { form: "bins", column: "y", missing: 0, edges, shares: edges.map(() => 0.1) } as const;
const model: Model = { ...housesModel(1).model, reference: { nRows: 1000, columns: [], prediction } };

interface End {
  readonly test: RolloutTest | null;
  /** Requests the candidate answered until then. */
  readonly requests: number;
}

/** Sends requests by chance to two arms until the candidate is rolled back or has had `most` of them; judged after each of those. */
function simulate(rng: Rng, candidate: Behaviour, share: number, most: number): End {
  const counter = new RolloutCounter(model, "short");
  let requests = 0;
  while (requests < most) {
    const arm = rng.next() < share ? "candidate" : "champion";
    const { errors, latencyMs, shift, spread } = arm === "candidate" ? candidate : champion;
    const hasFailed = rng.next() < errors;
    const answer = hasFailed ? null : shift + spread * normalQuantile(rng.next());
    // Latencies have a long tail: log-normal, its slowest tenth 1.9 times the median.
    const ms = latencyMs * Math.exp(0.5 * normalQuantile(rng.next()));
    counter.note(0, arm, null, { hasFailed, latencyMs: ms, answer });
    if (arm === "champion") continue;
    ++requests;
    const alarm = alarmOf(evidenceAgainst(counter.tally(), [share]));
    if (alarm) return { test: alarm.test, requests };
  }
  return { test: null, requests };
}

const bad: readonly (readonly [string, Partial<Behaviour>, RolloutTest])[] = [
  ["fails in a fifth of requests", { errors: 0.2 }, "errors"],
  ["fails always", { errors: 1 }, "errors"],
  ["takes three times as long", { latencyMs: 12 }, "latency"],
  ["predicts 1.25 standard deviations higher", { shift: 1.25 }, "predictions"],
  ["predicts a third of what it should", { spread: 1 / 3 }, "predictions"],
];
const shares = [0.05, 0.25];

describe(`a canary, in ${simulations} simulations a case`, { timeout: 600_000 }, () => {
  const cases = shares.flatMap((share) => bad.map(([what, more, test]) => [what, share, more, test] as const));
  it.each(cases)(
    "that %s is rolled back before it answered 200 requests, at a share of %d",
    (what, share, more, test) => {
      const ends = Array.from({ length: simulations }, (_, i) =>
        simulate(createRng(i).fork(what), { ...champion, ...more }, share, 200),
      );
      const late = ends.filter((end) => end.test === null);
      const requests = ends.map((end) => end.requests).sort((a, b) => a - b);
      if (simulations >= 100)
        console.log(
          `${what}, share ${share}: after ${requests[requests.length >> 1]} (median), ${requests.at(-1)} (most)`,
        );
      expect(late.length).toBeLessThanOrEqual(mayFail);
      expect(ends.some((end) => end.test === test)).toBe(true);
    },
  );

  it("that ranks is not judged by its scores, which have no scale", () => {
    const counter = new RolloutCounter({ ...model, task: "ranking" }, "short");
    const rng = createRng(2);
    for (let i = 0; i < 2000; ++i) {
      const arm = rng.next() < 0.25 ? "candidate" : "champion";
      const answer = normalQuantile(rng.next()) + (arm === "candidate" ? 100 : 0);
      counter.note(0, arm, null, { hasFailed: false, latencyMs: 4, answer });
      counter.noteShadow(0, { hasFailed: false, latencyMs: 4, answer }, answer - 100);
    }
    expect(evidenceAgainst(counter.tally(), [0.25]).find(({ test }) => test === "predictions")).toMatchObject({
      log: 0,
    });
    expect(Object.keys(counter.tally()[0]!).sort()).toEqual(["compared", "latencyMs", "requests", "value"]);
  });

  it.each(shares)("that is as good goes on, at a share of %d", (share) => {
    const nearly = { ...champion, shift: 0.05, spread: 1.05, latencyMs: 4.2 };
    const ends = Array.from({ length: simulations }, (_, i) => simulate(createRng(1000 + i), nearly, share, 1000));
    expect(ends.filter((end) => end.test !== null).length).toBeLessThanOrEqual(mayFail);
  });
});
