import { describe, expect, it } from "vitest";
import { createRng } from "../../core/rng.ts";
import { ndcgOfGroups } from "../../metrics/ndcg.ts";
import { meanOfGroups, rowsByGroup, weightsOfGroups } from "../../metrics/row-groups.ts";
import { emptySparseBlock } from "../../model/design.ts";
import type { FitContext, FitResult, HyperparameterValues } from "../../model/estimator.ts";
import { rawScores } from "../../model/score.ts";
import { resolveHyperparameters } from "../hyperparameters.ts";
import { fitContext } from "../fit-context.fixtures.ts";
import { boostingEstimator } from "./estimator.ts";
import { createPairKernel } from "./kernels/pairs.ts";
import { GroupScratch, lambdasOfGroup } from "./loss-ranking.ts";
import { plantedRanking, type RankingData } from "./ranking.fixtures.ts";

function fit(
  { design, target }: RankingData,
  given: HyperparameterValues = {},
  over: Partial<FitContext> = {},
): Promise<FitResult> {
  const context = fitContext(over);
  return boostingEstimator.fit(design, target, resolveHyperparameters(boostingEstimator, given), context);
}

function ndcgOf({ predictor }: FitResult, { design, target }: RankingData): number {
  const groups = rowsByGroup(target.groups!);
  const ofGroups = ndcgOfGroups(target.values, rawScores(predictor, design), groups);
  return meanOfGroups(ofGroups, weightsOfGroups(groups, target.weights));
}

/**
 * The gradients by their definition: every pair by itself, with the discounted gains of both orders written out. They differ by the
 * interpolation of the sigmoid's table, 7e-7 of it.
 */
function lambdasNaive(scores: readonly number[], relevance: readonly number[], truncation: number): number[][] {
  const gain = (i: number): number => 2 ** relevance[i]! - 1;
  const discount = (place: number): number => 1 / Math.log2(place + 2);
  const ideal = relevance
    .toSorted((a, b) => b - a)
    .slice(0, truncation)
    .reduce((sum, one, place) => sum + (2 ** one - 1) * discount(place), 0);
  const lambdas = scores.map(() => [0, 0]);
  let total = 0;
  for (const i of scores.keys())
    for (const j of scores.keys()) {
      if (relevance[i]! <= relevance[j]! || Math.min(i, j) >= truncation) continue;
      const kept = gain(i) * discount(i) + gain(j) * discount(j);
      const swapped = gain(i) * discount(j) + gain(j) * discount(i);
      const difference = scores[i]! - scores[j]!;
      const isSpread = new Set(scores).size > 1;
      const weight = Math.abs(kept - swapped) / ideal / (isSpread ? 0.01 + Math.abs(difference) : 1);
      const wrong = 1 / (1 + Math.exp(difference));
      lambdas[i]![0]! -= weight * wrong;
      lambdas[j]![0]! += weight * wrong;
      lambdas[i]![1]! += weight * wrong * (1 - wrong);
      lambdas[j]![1]! += weight * wrong * (1 - wrong);
      total += 2 * weight * wrong;
    }
  const factor = total > 0 ? Math.log2(1 + total) / total : 1;
  return lambdas.map((pair) => pair.map((value) => value * factor));
}

describe("the loss lambdarank", () => {
  it("has the gradients of its definition, pair by pair", () => {
    const rng = createRng(3);
    const scratch = new GroupScratch(40);
    const discounts = Float64Array.from({ length: 40 }, (_, place) => 1 / Math.log2(place + 2));
    for (let trial = 0; trial < 60; ++trial) {
      const size = 1 + rng.integer(40);
      const truncation = [1, 3, 10, 100][trial % 4]!;
      const isEqual = trial % 7 === 0;
      const scores = Array.from({ length: size }, () => (isEqual ? 0.5 : 4 * rng.next() - 2)).sort((a, b) => b - a);
      const relevance = scores.map(() => rng.integer(5));
      const ideal = relevance
        .toSorted((a, b) => b - a)
        .slice(0, truncation)
        .reduce((sum, one, place) => sum + (2 ** one - 1) * discounts[place]!, 0);
      scratch.scores.set(scores);
      scratch.gains.set(relevance.map((one) => 2 ** one - 1));
      lambdasOfGroup(scratch, size, { discounts, truncation, inverseIdeal: ideal > 0 ? 1 / ideal : 0 });
      lambdasNaive(scores, relevance, truncation).forEach(([gradient, hessian], i) => {
        expect(scratch.gradients[i]).toBeCloseTo(gradient!, 5);
        expect(scratch.hessians[i]).toBeCloseTo(hessian!, 5);
      });
    }
  });

  it("are the same bits in vector registers as one pair after the other", () => {
    const rng = createRng(12);
    const discounts = Float64Array.from({ length: 300 }, (_, place) => 1 / Math.log2(place + 2));
    expect(createPairKernel(2)).not.toBeNull();
    // The second one's places lie up to 4 GiB.
    const [plain, ...kernels] = [new GroupScratch(300, null), new GroupScratch(300), new GroupScratch(100_000_000)];
    for (const size of [300, 1, 2, 3, 4, 37, 299, 40])
      for (const truncation of [1, 2, 30, 1000])
        for (const spread of [0, 1, 60]) {
          const scores = Float64Array.from({ length: size }, () => rng.next() * spread).sort((a, b) => b - a);
          const gains = scores.map(() => 2 ** rng.integer(4) - 1);
          for (const scratch of [plain!, ...kernels]) {
            scratch.scores.set(scores);
            scratch.gains.set(gains);
            lambdasOfGroup(scratch, size, { discounts, truncation, inverseIdeal: 0.3 });
          }
          for (const kernel of kernels)
            for (const name of ["gradients", "hessians"] as const)
              expect(kernel[name].slice(0, size)).toEqual(plain![name].slice(0, size));
        }
  });

  it("learns the planted order, and stops early by the NDCG of other groups", async () => {
    const [train, watched, test] = [plantedRanking(150, 30, 1), plantedRanking(40, 30, 2), plantedRanking(80, 30, 3)];
    const all = await fit(train, { trees: 60, earlyStopping: 0 });
    expect(ndcgOf(all, test)).toBeGreaterThan(0.93);
    const stopped = await fit(train, { trees: 300, earlyStopping: 10 }, { validation: watched });
    expect(stopped.notes["rounds"]).toBeLessThan(290);
    expect(1 - stopped.notes["validationLoss"]!).toBeCloseTo(ndcgOf(stopped, watched), 9);
    expect(ndcgOf(stopped, test)).toBeGreaterThan(0.93);
    const all2 = await fit(train, { trees: 60, earlyStopping: 0, topShare: 0.3, rowShare: 0.5 });
    expect(ndcgOf(all2, test)).toBeGreaterThan(0.9);
  });

  it("counts a group of weight 2 twice", async () => {
    const data = plantedRanking(30, 12, 8);
    const { groups, values } = data.target;
    const isHeavy = groups!.map((group) => (group % 3 === 0 ? 1 : 0));
    const weights = Float64Array.from(isHeavy, (heavy) => 1 + heavy);
    const again = [...values.keys()].filter((row) => isHeavy[row] === 1);
    const rows = [...values.keys(), ...again];
    const nGroups = Math.max(...groups!) + 1;
    const repeated: RankingData = {
      design: {
        ...data.design,
        nRows: rows.length,
        dense: data.design.dense.map((column) => ({
          ...column,
          values: Float64Array.from(rows, (row) => column.values[row]!),
        })),
        sparse: emptySparseBlock(rows.length),
      },
      target: {
        ...data.target,
        values: Float64Array.from(rows, (row) => values[row]!),
        groups: Uint32Array.from(rows, (row, i) => groups![row]! + (i < values.length ? 0 : nGroups)),
      },
    };
    const settings = { trees: 5, leaves: 4, minRows: 1, minChildWeight: 0, l2: 0 };
    const weighted = { ...data, target: { ...data.target, weights } };
    const [byWeight, byRows] = [await fit(weighted, settings), await fit(repeated, settings)];
    expect(byWeight.notes["trainLoss"]).toBeCloseTo(byRows.notes["trainLoss"]!, 9);
    const [one, other] = [byWeight, byRows].map(({ predictor }) => rawScores(predictor, data.design));
    one!.forEach((score, row) => expect(score).toBeCloseTo(other![row]!, 5));
  });

  it("watches nothing where no group has a relevant row", async () => {
    const data = plantedRanking(40, 10, 1);
    const nothing = { ...data, target: { ...data.target, values: new Float64Array(data.design.nRows) } };
    const { notes } = await fit(data, { trees: 12, earlyStopping: 3, minRows: 2 }, { validation: nothing });
    expect(notes).toMatchObject({ rounds: 12 });
    expect(notes).not.toHaveProperty("validationLoss");
    const barren = await fit(nothing, { trees: 3 });
    expect(barren.notes).toMatchObject({ rounds: 0 });
  });

  it("refuses what is no relevance, rows without groups, and losses of other tasks", async () => {
    const data = plantedRanking(5, 5, 1);
    for (const wrong of [-1, 32, 1.5, NaN]) {
      const values = data.target.values.slice().fill(wrong, 0, 1);
      await expect(fit({ ...data, target: { ...data.target, values } })).rejects.toMatchObject({
        code: "DEFINITION_INVALID",
      });
    }
    const { groups: _, ...ungrouped } = data.target;
    await expect(fit({ ...data, target: ungrouped })).rejects.toMatchObject({ code: "DEFINITION_INVALID" });
    const invalid = { code: "HYPERPARAMETER_INVALID" };
    await expect(fit(data, { loss: "squared" })).rejects.toMatchObject(invalid);
    await expect(fit(data, { classWeights: "balanced" })).rejects.toMatchObject(invalid);
    const numbers: RankingData = { ...data, target: { ...data.target, task: "regression" } };
    await expect(fit(numbers, { loss: "lambdarank" })).rejects.toMatchObject(invalid);
  });
});
