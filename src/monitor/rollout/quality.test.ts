import { describe, expect, it } from "vitest";
import { fixedClock } from "../../core/clock.ts";
import { createRng, type Rng } from "../../core/rng.ts";
import { feedbackDigest } from "../../store/feedback.ts";
import { openMemoryStore } from "../../store/open.ts";
import { markedPredictionId } from "../prediction-id.ts";
import { alarmOf, evidenceAgainst } from "./judge.ts";
import { type LabelledAnswer, type LabelQuery, QualityCounter, qualityTally, readLabelledAnswers } from "./quality.ts";
import { type Tally, totalOf } from "./tally.ts";

const arms = { version: 2, champion: 1, stepsAt: [0, 20_000] };
const share = 0.25;

describe("labels of a rollout", () => {
  const rows = Array.from({ length: 400 }, (_, i) => ({
    predictionId: `plain ${i}`,
    version: i % 4 === 0 ? 2 : 1,
    predictedAt: i < 200 ? 10 : 30_000,
    receivedAt: 40_000,
    output: "yes",
    actual: i % 4 === 0 ? "no" : "yes",
  }));
  const tally = qualityTally([...rows, { ...rows[0]!, version: 7 }], arms);

  it("are counted by version and step, with those that were wrong", () => {
    expect(totalOf(tally, "labelled")).toEqual([100, 300]);
    expect(totalOf(tally, "wrong")).toEqual([100, 0]);
    expect(tally[0]).toMatchObject({ labelled: [50, 150] });
  });

  it("are no evidence of answers that were asked for by name or in batches, however wrong the version is", () => {
    expect(evidenceAgainst(tally, [share, share]).map(({ log }) => log)).toEqual([0, 0, 0, 0]);
  });

  it("are counted the same in parts, and a corrected one is no second mistake", () => {
    const marked = rows.map((row, i) => ({ ...row, predictionId: idOf(i, i) }));
    const counter = new QualityCounter();
    counter.add(marked.slice(0, 150), arms);
    counter.add(marked.slice(150), arms);
    expect(counter.tally()).toEqual(qualityTally(marked, arms));
    expect(counter.cursor).toMatchObject({ predictionId: idOf(399, 399), receivedAt: 40_000 });
    counter.add([marked[0]!], arms);
    expect(totalOf(counter.tally(), "mistaken")).toEqual([100, 0]);
  });

  it("are no evidence near a later step, where servers' clocks do not tell which share held", () => {
    const wrong = (times: readonly number[]): Tally =>
      qualityTally(
        times.map((predictedAt, i) => ({ ...rows[0]!, predictionId: idOf(i, i), predictedAt })),
        arms,
      );
    const near = wrong([10_001, 19_999, 20_000, 29_999]);
    expect(totalOf(near, "wrong")).toEqual([4, 0]);
    expect(totalOf(near, "mistaken")).toEqual([0, 0]);
    expect(totalOf(wrong([0, 10_000, 30_000]), "mistaken")).toEqual([3, 0]);
  });

  it("are read as far as they came until a time", async () => {
    const store = await openMemoryStore({ clock: fixedClock() });
    try {
      const row = { model: "m", version: 1, predicted_at: 5, output: '"yes"', actual: '"no"' };
      const received = [30, 10, 20].map((at) => {
        const one = { ...row, prediction_id: `id ${at}`, received_at: at };
        return { ...one, digest: feedbackDigest(one) };
      });
      await store.database.insertInto("feedback").values(received).execute();
      const times = async (query: LabelQuery): Promise<number[]> =>
        (await readLabelledAnswers(store, "m", query)).map(({ receivedAt }) => receivedAt);
      expect(await times({ sinceMs: 0 })).toEqual([10, 20, 30]);
      expect(await times({ sinceMs: 0, untilMs: 20 })).toEqual([10, 20]);
    } finally {
      await store.close();
    }
  });
});

const idOf = (mark: number, count: number): string => markedPredictionId(0, mark.toString(16).padStart(12, "0"), count);

/** Labelled answers of requests of `nRows` rows each, whose arm is given by chance; all rows of a request are wrong or none is. */
function labelled(rng: Rng, nRequests: number, nRows: number, wrong: readonly [number, number]): LabelledAnswer[] {
  return Array.from({ length: nRequests }, (_, request) => {
    const arm = rng.next() < share ? 0 : 1;
    const actual = rng.next() < wrong[arm]! ? "no" : "yes";
    const one = { version: arm === 0 ? 2 : 1, predictedAt: 0, receivedAt: request, output: "yes", actual };
    return Array.from({ length: nRows }, (_, row) => ({ ...one, predictionId: idOf(request, request * nRows + row) }));
  }).flat();
}

/** Whether the candidate is rolled back, looking after every label, and how many labelled answers it had given then. */
function judged(answers: readonly LabelledAnswer[]): { readonly isOut: boolean; readonly nLabelled: number } {
  const counter = new QualityCounter();
  for (const answer of answers) {
    counter.add([answer], arms);
    const tally = counter.tally();
    if (alarmOf(evidenceAgainst(tally, [share]))) return { isOut: true, nLabelled: totalOf(tally, "labelled")[0] };
  }
  return { isOut: false, nLabelled: 0 };
}

const simulations = 40;
const ends = (nRows: number, wrong: readonly [number, number]): ReturnType<typeof judged>[] =>
  Array.from({ length: simulations }, (_, i) => judged(labelled(createRng(i), 1600, nRows, wrong)));

describe("a canary that chance gives a quarter of the requests", () => {
  it("is rolled back within 200 labels where it is wrong three times as often", () => {
    const found = ends(1, [0.3, 0.1]);
    expect(found.filter(({ isOut, nLabelled }) => isOut && nLabelled < 200).length).toBe(simulations);
  });

  it("goes on where it is wrong as often, also where rows of a request are wrong together", () => {
    for (const nRows of [1, 10]) expect(ends(nRows, [0.1, 0.1]).filter(({ isOut }) => isOut)).toEqual([]);
  });
});
