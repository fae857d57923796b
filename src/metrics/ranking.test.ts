import { describe, expect, it } from "vitest";
import { readVectors } from "../../test/vectors/read.ts";
import { createRng } from "../core/rng.ts";
import { averagePrecisionOfGroups, reciprocalRankOfGroups } from "./first-relevant.ts";
import { firstIrrelevance, ndcgOfGroups } from "./ndcg.ts";
import { meanOfGroups, weightsOfGroups, rowsByGroup, sortByScore } from "./row-groups.ts";

interface Vectors {
  readonly groups: readonly {
    readonly relevance: readonly number[];
    readonly scores: readonly number[];
    readonly ndcg: Readonly<Record<string, number>>;
  }[];
}

const { groups } = readVectors<Vectors>("ranking");

/** All groups in one table, their rows dealt out in turn. */
function together(): { relevance: Float64Array; scores: Float64Array; codes: Uint32Array } {
  const rows = groups
    .flatMap((group, g) => group.relevance.map((relevance, i) => ({ g, i, relevance, score: group.scores[i]! })))
    .sort((a, b) => a.i - b.i || a.g - b.g);
  return {
    relevance: Float64Array.from(rows, (row) => row.relevance),
    scores: Float64Array.from(rows, (row) => row.score),
    codes: Uint32Array.from(rows, (row) => row.g),
  };
}

/** The metric of one group as the mean over every order that its scores allow. */
function overAllOrders(scores: readonly number[], metric: (order: readonly number[]) => number): number {
  const values: number[] = [];
  const extend = (order: readonly number[]): void => {
    const rest = scores.flatMap((_, row) => (order.includes(row) ? [] : [row]));
    if (rest.length === 0) return void values.push(metric(order));
    const best = Math.max(...rest.map((row) => scores[row]!));
    for (const row of rest) if (scores[row] === best) extend([...order, row]);
  };
  extend([]);
  return values.reduce((a, b) => a + b) / values.length;
}

describe("metrics of rankings", () => {
  it("give the NDCG of scikit-learn, ties included, wherever the rows of a group stand", () => {
    const { relevance, scores, codes } = together();
    for (const places of [1, 3, 10, 100]) {
      const found = ndcgOfGroups(relevance, scores, rowsByGroup(codes), places);
      groups.forEach(({ ndcg }, g) => expect(found[g]).toBeCloseTo(ndcg[String(places)]!, 12));
    }
  });

  it("take ties for what they are on average over all orders", () => {
    const rng = createRng(4);
    for (let trial = 0; trial < 40; ++trial) {
      const relevance = Array.from({ length: 6 }, () => rng.integer(3));
      const scores = Array.from({ length: 6 }, () => rng.integer(3));
      if (relevance.every((one) => one === 0)) continue;
      const nRelevant = relevance.filter((one) => one > 0).length;
      const args = [Float64Array.from(relevance), Float64Array.from(scores), rowsByGroup(new Uint32Array(6))] as const;
      const precision = overAllOrders(scores, (order) => {
        let hits = 0;
        let sum = 0;
        order.forEach((row, place) => (relevance[row]! > 0 ? (sum += ++hits / (place + 1)) : 0));
        return sum / nRelevant;
      });
      const rank = overAllOrders(scores, (order) => 1 / (1 + order.findIndex((row) => relevance[row]! > 0)));
      expect(averagePrecisionOfGroups(...args)[0]).toBeCloseTo(precision, 12);
      expect(reciprocalRankOfGroups(...args)[0]).toBeCloseTo(rank, 12);
    }
  });

  it("leave out groups without a relevant row, and weigh the others by the mean weight of their rows", () => {
    const relevance = Float64Array.of(0, 1, 0, 0, 1, 0);
    const scores = Float64Array.of(1, 2, 1, 2, 1, 2);
    const rows = rowsByGroup(Uint32Array.of(0, 0, 1, 1, 2, 2));
    const values = reciprocalRankOfGroups(relevance, scores, rows);
    expect([...values]).toEqual([1, NaN, 0.5]);
    expect(meanOfGroups(values, null)).toBe(0.75);
    expect(meanOfGroups(values, weightsOfGroups(rows, Float64Array.of(1, 5, 9, 9, 1, 1)))).toBe((3 + 0.5) / 4);
    expect(meanOfGroups(Float64Array.of(NaN), null)).toBeNaN();
    expect(ndcgOfGroups(relevance, scores, rows)[1]).toBeNaN();
  });

  it("sort rows by score and then by number, from whatever order", () => {
    const rng = createRng(6);
    for (const size of [0, 1, 2, 40, 700]) {
      const scores = Float64Array.from({ length: size }, () => rng.integer(1 + size / 3));
      const expected = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b);
      const order = Uint32Array.from(scores.keys());
      sortByScore(order, 0, size, scores);
      expect([...order]).toEqual(expected);
      order.reverse();
      sortByScore(order, 0, size, scores);
      expect([...order]).toEqual(expected);
    }
  });

  it("know what is no relevance", () => {
    expect(firstIrrelevance(Float64Array.of(0, 31, 2))).toBeUndefined();
    for (const wrong of [-1, 32, 0.5, NaN]) expect(firstIrrelevance(Float64Array.of(0, wrong))).toBe(wrong);
  });
});
