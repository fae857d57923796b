import { describe, expect, it } from "vitest";
import { createRng, type Rng } from "../../core/rng.ts";
import { markedPredictionId } from "../prediction-id.ts";
import { alarmOf, evidenceAgainst } from "./judge.ts";
import { type LabelledAnswer, QualityCounter, qualityTally } from "./quality.ts";
import { totalOf } from "./tally.ts";

const arms = { version: 2, champion: 1, stepsAt: [0, 20] };
const share = 0.25;

describe("labels of a rollout", () => {
  const rows = Array.from({ length: 400 }, (_, i) => ({
    predictionId: `plain ${i}`,
    version: i % 4 === 0 ? 2 : 1,
    predictedAt: i < 200 ? 10 : 30,
    receivedAt: 40,
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
    expect(counter.cursor).toMatchObject({ predictionId: idOf(399, 399), receivedAt: 40 });
    counter.add([marked[0]!], arms);
    expect(totalOf(counter.tally(), "mistaken")).toEqual([100, 0]);
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

describe("a canary that chance gives a quarter of the requests", { timeout: 60_000 }, () => {
  it("is rolled back within 200 labels where it is wrong three times as often", () => {
    const found = ends(1, [0.3, 0.1]);
    expect(found.filter(({ isOut, nLabelled }) => isOut && nLabelled < 200).length).toBe(simulations);
  });

  it("goes on where it is wrong as often, also where rows of a request are wrong together", () => {
    for (const nRows of [1, 10]) expect(ends(nRows, [0.1, 0.1]).filter(({ isOut }) => isOut)).toEqual([]);
  });
});
