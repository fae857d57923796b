import { describe, expect, it } from "vitest";

import { readVectors } from "../../../test/vectors/read.ts";
import { fixedClock } from "../../core/clock.ts";
import { silent } from "../../core/progress.ts";
import { createRng } from "../../core/rng.ts";
import type { Design } from "../../model/design.ts";
import type { HyperparameterValues, Target } from "../../model/estimator.ts";
import { applyLink, rawScores } from "../../model/score.ts";
import { boostingEstimator } from "./estimator.ts";

type BoostingTask = "regression" | "binary" | "multiclass";
const vectors = readVectors<{ checksum: number; losses: Record<BoostingTask, number> }>("boosting");
const nHalf = 3000;

/** The generator of test/vectors/make_boosting.py, integer for integer. */
function generate(seed: number): { rows: number[][]; signal: number[] } {
  let state = seed;
  const draw = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
  const rows: number[][] = [];
  const signal: number[] = [];
  for (let row = 0; row < 2 * nHalf; ++row) {
    const [a, b, c] = [draw(), draw(), draw()];
    const level = Math.floor(draw() * 12);
    // As in Python, the condition draws before the value.
    const d = draw() < 0.8 ? draw() : Number.NaN;
    const noise = draw() + draw() + draw() + draw() - 2;
    rows.push([a, b, c, level, d]);
    signal.push(4 * a * b + (c > 0.6 ? 1.5 : 0) - (Number.isNaN(d) ? 1.7 : 2 * d) + ((level * 5) % 12) / 6 + noise);
  }
  return { rows, signal };
}

const { rows, signal } = generate(2024);

function designOf(part: readonly number[][]): Design {
  return {
    nRows: part.length,
    dense: [0, 1, 2, 3, 4].map((f) => ({
      name: `x${f}`,
      source: `x${f}`,
      values: Float64Array.from(part, (row) => row[f]!),
      cardinality: f === 3 ? 12 : 0,
    })),
    sparse: {
      names: [],
      sources: [],
      offsets: new Uint32Array(part.length + 1),
      indices: new Uint32Array(0),
      values: new Float64Array(0),
    },
  };
}

function targetOf(task: BoostingTask, part: readonly number[]): Target {
  const label = {
    regression: (s: number) => s,
    binary: (s: number) => Number(s > 2),
    multiclass: (s: number) => Number(s >= 1.2) + Number(s >= 2.4),
  }[task];
  return {
    task,
    values: Float64Array.from(part, label),
    nLabels: { regression: 0, binary: 2, multiclass: 3 }[task],
    weights: null,
  };
}

/** Loss on the second half after learning from the first. */
async function testLoss(task: BoostingTask, given: HyperparameterValues, nTrain: number): Promise<number> {
  const watched =
    nTrain < nHalf
      ? { design: designOf(rows.slice(nTrain, nHalf)), target: targetOf(task, signal.slice(nTrain, nHalf)) }
      : null;
  const { predictor } = await boostingEstimator.fit(
    designOf(rows.slice(0, nTrain)),
    targetOf(task, signal.slice(0, nTrain)),
    given,
    {
      rng: createRng(1),
      clock: fixedClock(),
      progress: silent,
      threads: 1,
      validation: watched,
    },
  );
  const scores = rawScores(predictor, designOf(rows.slice(nHalf)));
  const { values } = targetOf(task, signal.slice(nHalf));
  const outputs = task === "multiclass" ? 3 : 1;
  applyLink(predictor.link, scores, outputs);
  let total = 0;
  values.forEach((y, row) => {
    if (task === "regression") total += (scores[row]! - y) ** 2;
    else if (task === "binary") total -= Math.log(y === 1 ? scores[row]! : 1 - scores[row]!);
    else total -= Math.log(scores[row * 3 + y]!);
  });
  return total / nHalf;
}

const equalSettings = { trees: 100, leaves: 31, learningRate: 0.1, minRows: 20, l2: 0, earlyStopping: 0 };

describe("boosting beside scikit-learn", () => {
  it("learns from the same data", () => {
    expect(signal.reduce((sum, value) => sum + value, 0)).toBeCloseTo(vectors.checksum, 6);
  });

  for (const task of ["regression", "binary", "multiclass"] as const) {
    // Bins, ties and category rules differ, so that trees differ; with defaults a sixth of the rows only stops the training.
    it(`has its loss with equal settings, within 3 %: ${task}`, async () => {
      expect(await testLoss(task, equalSettings, nHalf)).toBeLessThan(vectors.losses[task] * 1.03);
    });

    it(`is as good with its defaults, within 3 %: ${task}`, async () => {
      expect(await testLoss(task, {}, 2500)).toBeLessThan(vectors.losses[task] * 1.03);
    });
  }
});
