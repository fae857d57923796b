import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { createRng } from "../../core/rng.ts";
import { log1p, sigmoid } from "../../math/elementary.ts";
import { type Design, emptySparseBlock } from "../../model/design.ts";
import type { HyperparameterValues, Target } from "../../model/estimator.ts";
import { rawScores } from "../../model/score.ts";
import { joinTeam } from "../../threads/team.ts";
import { fitContext } from "../fit-context.fixtures.ts";
import { boostingEstimator } from "./estimator.ts";
import type { Settings, TrainingPlan } from "./plan.ts";
import { Sampling, sizeClasses } from "./sampling.ts";
import { shardOf } from "./shard.ts";
import type { View } from "./view.ts";

/** Lists rows whose gradients are given; hessians are 100. */
function sample(
  gradients: readonly number[],
  settings: Partial<Settings>,
): { listed: number[]; others: number[]; words: Int32Array } {
  const nRows = gradients.length;
  const words = Int32Array.from(gradients.flatMap((gradient) => [gradient, 100]));
  const index = new Uint32Array(nRows);
  const fullIndex = index.map((_, row) => row);
  const view = { words, index, fullIndex, sizeCounts: new Uint32Array(sizeClasses) } as unknown as View;
  const plan = { nRows, seed: 7, settings, layout: { rows: 0 }, shape: { stride: 8 } } as unknown as TrainingPlan;
  const team = joinTeam(new Int32Array(16), 0, 1, async () => {});
  const sampling = new Sampling(plan, view, team, shardOf(nRows, { thread: 0, threads: 1 }));
  const own = sampling.list(3);
  return { listed: Array.from(index.subarray(0, own)), others: Array.from(index.subarray(own)), words };
}

const gradients = fc.array(fc.integer({ min: -(2 ** 28), max: 2 ** 28 }), { minLength: 1, maxLength: 300 });

describe("sampling", () => {
  it("takes at most the asked share of rows for certain, the largest, and lists the others behind them", () => {
    fc.assert(
      fc.property(gradients, fc.double({ min: 0.01, max: 0.9, noNaN: true }), (given, topShare) => {
        const { listed, others, words } = sample(given, { topShare, rowShare: 0.3 });
        const drawn = new Set(sample(given, { topShare: 0, rowShare: 0.3 }).listed);
        const certain = listed.filter((row) => words[2 * row] === given[row] && words[2 * row + 1] === 100);
        expect(certain.length).toBeLessThanOrEqual(topShare * given.length);
        // Sizes are told apart to one part in 256.
        const least = Math.min(...certain.map((row) => Math.abs(given[row]!)));
        given.forEach((gradient, row) => {
          const isCertain = certain.includes(row);
          if (!isCertain) expect(Math.abs(gradient)).toBeLessThan(least * 1.004);
          expect(listed.includes(row)).toBe(isCertain || drawn.has(row));
          expect(others.includes(row)).toBe(!listed.includes(row));
          if (listed.includes(row) && !isCertain)
            expect([words[2 * row], words[2 * row + 1]]).toEqual([Math.floor(gradient / 0.3 + 0.5), 333]);
        });
      }),
    );
  });

  it("keeps the sum of gradients, on average", () => {
    const rng = createRng(2);
    const given = Array.from({ length: 60_000 }, () => Math.round(rng.next() ** 4 * 1e6));
    const { listed, words } = sample(given, { topShare: 0.2, rowShare: 0.125 });
    const sum = listed.reduce((total, row) => total + words[2 * row]!, 0);
    expect(sum / given.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 1);
    expect(listed.length / given.length).toBeCloseTo(0.3, 2);
  });
});

const nRows = 12_000;

/** Labels that depend on six columns, in two halves. */
function data(): { design: Design; labels: Float64Array } {
  const rng = createRng(9);
  const columns = Array.from({ length: 6 }, () => Float64Array.from({ length: nRows }, () => rng.next()));
  const labels = Float64Array.from({ length: nRows }, (_, row) => {
    const [a, b, c, d] = columns.map((values) => values[row]!);
    return Number(rng.next() < sigmoid(8 * (a! * b! - 0.25) + 3 * Number(c! > 0.9) - 2 * d! * d!));
  });
  const dense = columns.map((values, f) => ({ name: `x${f}`, source: `x${f}`, values, cardinality: 0 }));
  return { design: { nRows, dense, sparse: emptySparseBlock(nRows) }, labels };
}

function part(
  { design, labels }: ReturnType<typeof data>,
  from: number,
  to: number,
): { design: Design; target: Target } {
  const dense = design.dense.map((column) => ({ ...column, values: column.values.slice(from, to) }));
  const target: Target = { task: "binary", nLabels: 2, values: labels.slice(from, to), weights: null };
  return { design: { nRows: to - from, dense, sparse: emptySparseBlock(to - from) }, target };
}

describe("boosting from rows of large gradients", () => {
  it("learns from 30 % of the rows nearly as well as from all, where 2 % drawn alone do not do", async () => {
    const all = data();
    const [train, test] = [part(all, 0, nRows / 2), part(all, nRows / 2, nRows)];
    const lossOf = async (given: HyperparameterValues): Promise<number> => {
      const context = fitContext();
      const settings = { trees: 40, leaves: 15, ...given };
      const { predictor } = await boostingEstimator.fit(train.design, train.target, settings, context);
      const losses = rawScores(predictor, test.design).map((score, row) => {
        const margin = test.target.values[row] === 1 ? -score : score;
        return Math.max(margin, 0) + log1p(Math.exp(-Math.abs(margin)));
      });
      return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
    };
    const full = await lossOf({});
    expect((await lossOf({ topShare: 0.2, rowShare: 0.125 })) / full).toBeLessThan(1.04);
    expect(await lossOf({ rowShare: 0.02 })).toBeGreaterThan(full * 1.04);
  });

  it("is refused for losses whose leaves look at rows", async () => {
    const { design } = part(data(), 0, 100);
    const target: Target = { task: "regression", nLabels: 0, values: design.dense[0]!.values, weights: null };
    const context = fitContext();
    await expect(
      boostingEstimator.fit(design, target, { loss: "absolute", topShare: 0.2 }, context),
    ).rejects.toMatchObject({ code: "HYPERPARAMETER_INVALID", message: expect.stringContaining("topShare") });
  });
});
