import { describe, expect, it } from "vitest";
import { createRng } from "../core/rng.ts";
import { quantiles } from "../math/quantile.ts";
import type { Target } from "../model/estimator.ts";
import type { Predictions } from "../model/model.ts";
import { baselinePredictions, fitBaseline } from "./baseline.ts";
import { judgedRows } from "./judged-rows.ts";
import { measurerOf } from "./measure.ts";
import { pairedDifference } from "./paired-bootstrap.ts";
import { evaluate } from "./report.ts";

const nGroups = 60;
const nRows = 10 * nGroups;
const rng = createRng(12);
const relevance = Float64Array.from({ length: nRows }, () => rng.integer(3));
const groups = Uint32Array.from({ length: nRows }, (_, row) => row % nGroups);
const target: Target = { task: "ranking", values: relevance, nLabels: 0, weights: null, groups };

function scored(noise: number): Predictions {
  return { nRows, width: 1, values: relevance.map((one) => one + noise * rng.next()), labelIndex: null };
}

function ndcgOf(values: Float64Array): number {
  return measurerOf(judgedRows("ranking", target, { nRows, width: 1, values, labelIndex: null }, null))("ndcg", null);
}

describe("rankings", () => {
  it("are reported beside a baseline of any order, and slice by slice", () => {
    const baseline = baselinePredictions(fitBaseline("ranking", target), nRows);
    const rows = Uint32Array.from(groups.keys()).filter((row) => groups[row]! % 2 === 0);
    const slices = [{ name: "even=true", column: "even", rows }];
    const predictions = scored(2);
    const common = { task: "ranking", labels: [], target, predictions, threshold: null, baseline } as const;
    const report = evaluate({ ...common, slices });
    expect(Object.keys(report.metrics)).toEqual(["ndcg", "map", "mrr"]);
    expect(report.metrics["ndcg"]).toBe(ndcgOf(predictions.values));
    let shuffled = 0;
    for (let turn = 0; turn < 400; ++turn) shuffled += ndcgOf(relevance.map(() => rng.next())) / 400;
    expect(report.baseline["ndcg"]).toBeCloseTo(shuffled, 2);
    const even: Target = {
      ...target,
      values: Float64Array.from(rows, (row) => relevance[row]!),
      groups: Uint32Array.from(rows, (row) => groups[row]!),
    };
    const ofEven = Float64Array.from(rows, (row) => predictions.values[row]!);
    const alone = judgedRows("ranking", even, { nRows: rows.length, width: 1, values: ofEven, labelIndex: null }, null);
    expect(report.slices[0]!.metrics["mrr"]).toBeCloseTo(measurerOf(alone)("mrr", null), 12);
  });

  it("are compared by drawing whole groups, so that the interval is that of the mean over groups", () => {
    const [one, other] = [scored(1), scored(4)];
    const judged = [one, other].map((predictions) => judgedRows("ranking", target, predictions, null));
    const found = pairedDifference({ metric: "ndcg", candidate: judged[0]!, champion: judged[1]!, rng: createRng(1) });
    expect(found.difference).toBe(ndcgOf(one.values) - ndcgOf(other.values));
    const differences = Array.from({ length: nGroups }, (_, g) => {
      const own = (values: Float64Array): number => {
        const rows = Uint32Array.from(groups.keys()).filter((row) => groups[row] === g);
        const take = (all: Float64Array): Float64Array => Float64Array.from(rows, (row) => all[row]!);
        const alone: Target = { ...target, values: take(relevance), groups: new Uint32Array(rows.length) };
        const predictions = { nRows: rows.length, width: 1, values: take(values), labelIndex: null };
        return measurerOf(judgedRows("ranking", alone, predictions, null))("ndcg", null);
      };
      return own(one.values) - own(other.values);
    }).filter((value) => !Number.isNaN(value));
    const mean = differences.reduce((a, b) => a + b) / differences.length;
    const variance = differences.reduce((sum, value) => sum + (value - mean) ** 2, 0) / differences.length;
    const error = Math.sqrt(variance / differences.length);
    // 200 resamples know the quantiles of a normal distribution to about a tenth.
    expect((found.high - found.low) / (2 * 1.96 * error)).toBeGreaterThan(0.75);
    expect((found.high - found.low) / (2 * 1.96 * error)).toBeLessThan(1.25);
    expect(found.method).toContain("by group");
  });

  it("have the interval of weighing each row by how often its group is drawn, times its own weight", () => {
    const weighted: Target = { ...target, weights: Float64Array.from(groups, (group) => 1 + (group % 3) + rng.next()) };
    const judged = [scored(1), scored(4)].map((predictions) => judgedRows("ranking", weighted, predictions, null));
    const [candidate, champion] = [judged[0]!, judged[1]!];
    const found = pairedDifference({ metric: "map", candidate, champion, rng: createRng(1) });
    const draws = createRng(1).fork("resample");
    const [ofCandidate, ofChampion] = [measurerOf(candidate), measurerOf(champion)];
    const differences = Float64Array.from({ length: 200 }, () => {
      const times = new Uint32Array(nGroups);
      for (let i = 0; i < nGroups; ++i) times[draws.integer(nGroups)]! += 1;
      const weights = weighted.weights!.map((weight, row) => weight * times[groups[row]!]!);
      return ofCandidate("map", weights) - ofChampion("map", weights);
    });
    const [low, high] = quantiles(differences, [0.025, 0.975]);
    expect(found.low).toBeCloseTo(low!, 12);
    expect(found.high).toBeCloseTo(high!, 12);
  });
});
