import { describe, expect, it } from "vitest";

import { systemClock } from "../../core/clock.ts";
import { createRng } from "../../core/rng.ts";
import { log, sigmoid } from "../../math/elementary.ts";
import { type Design, emptySparseBlock } from "../../model/design.ts";
import type { Target } from "../../model/estimator.ts";
import { rawScores } from "../../model/score.ts";
import { controlWords, joinTeam } from "../../threads/team.ts";
import { fitContext } from "../fit-context.fixtures.ts";
import { heldColumns } from "../training-columns.ts";
import { boostingEstimator } from "./estimator.ts";
import { boostingHyperparameters } from "./hyperparameters.ts";
import { binRun } from "./kernels/growth-state.ts";
import type { Settings } from "./plan.ts";
import { prepareTraining } from "./prepare.ts";
import { runTraining } from "./trainer.ts";

/** Enough rows for packed sums. */
const nRows = 70_000;

/** Labels of which `share` or so are 1, more where x is large and y small. */
function planted(share: number): { design: Design; labels: Float64Array } {
  const rng = createRng(5);
  const [x, y] = [0, 1].map(() => Float64Array.from({ length: nRows }, () => rng.next()));
  const base = log(share / (1 - share));
  const labels = Float64Array.from(x!, (value, row) => Number(rng.next() < sigmoid(base + 3 * (value - y![row]!))));
  const dense = [x!, y!].map((values, f) => ({ name: `x${f}`, source: `x${f}`, values, cardinality: 0 }));
  return { design: { nRows, dense, sparse: emptySparseBlock(nRows) }, labels };
}

/** Mean log loss and mean prediction after training; weights of 1, given one by one, keep sums from being packed. */
async function train({ design, labels }: ReturnType<typeof planted>, isPacked: boolean) {
  const weights = isPacked ? null : new Float64Array(nRows).fill(1);
  const target: Target = { task: "binary", values: labels, nLabels: 2, weights };
  const context = fitContext({ clock: systemClock });
  const settings = { trees: 20, leaves: 8 };
  const { predictor, notes } = await boostingEstimator.fit(design, target, settings, context);
  const scores = rawScores(predictor, design);
  return { loss: notes["trainLoss"]!, mean: scores.reduce((sum, score) => sum + sigmoid(score), 0) / nRows };
}

describe("packed sums of gradients", () => {
  it("learn as well as exact ones, also where one row in a thousand is positive and most gradients are under a unit", async () => {
    for (const share of [0.4, 0.001]) {
      const data = planted(share);
      const [packed, exact] = [await train(data, true), await train(data, false)];
      expect(packed.loss / exact.loss).toBeCloseTo(1, 2);
      const actual = data.labels.reduce((sum, label) => sum + label, 0) / nRows;
      expect(packed.mean / actual).toBeCloseTo(1, 1);
      expect(packed.mean / exact.mean).toBeCloseTo(1, 1);
    }
  });

  it("stay packed in every leaf for features no bin of which has more rows than a packed one holds, and for no others", async () => {
    const { design, labels } = planted(0.4);
    const spike = Float64Array.from(design.dense[0]!.values, (value) => (value < 0.2 ? 0 : value));
    const dense = [...design.dense, { ...design.dense[0]!, name: "spike", source: "spike", values: spike }];
    const target: Target = { task: "binary", values: labels, nLabels: 2, weights: null };
    const defaults = Object.entries(boostingHyperparameters).map(([name, declared]) => [name, declared.default]);
    const settings = { ...Object.fromEntries(defaults), trees: 1, leaves: 8, levelwise: false } as Settings;
    const { plan } = await prepareTraining({
      train: { rows: heldColumns({ ...design, dense }), target },
      validation: null,
      settings,
      start: null,
      threads: 1,
      rng: createRng(1),
      pause: () => Promise.resolve(),
    });
    await runTraining(
      plan,
      joinTeam(new Int32Array(controlWords), 0, 1, () => Promise.resolve()),
    );
    const runs = new Int32Array(plan.memory.buffer, plan.layout.binRuns, (2 * binRun.bytes) / 4);
    const { binOffsets } = plan.shape;
    expect(Array.from(runs)).toEqual([1, 0, binOffsets[2], 0, binOffsets[2], binOffsets[3]]);
  });
});
