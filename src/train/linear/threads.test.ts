import { afterAll, describe, expect, it } from "vitest";
import { sharedDesign } from "../../../test/support/shared-design.ts";
import { systemClock } from "../../core/clock.ts";
import { createRng } from "../../core/rng.ts";
import type { FitContext, FitResult, HyperparameterValues, Target } from "../../model/estimator.ts";
import { resolveHyperparameters } from "../hyperparameters.ts";
import { dismissIdleWorkers } from "../../threads/crew.ts";
import { workerModule } from "../../threads/location.ts";
import { fitContext } from "../fit-context.fixtures.ts";
import { linearEstimator } from "./estimator.ts";
import { sampleSize } from "./sample.ts";

describe.skipIf(workerModule("member", import.meta.url) === null)(
  "linear on several threads (skipped without dist/)",
  () => {
    afterAll(dismissIdleWorkers);
    // Three parts of rows, the last of them short, and enough cells for three threads.
    const design = sharedDesign(140_000, 44);
    const [a, b] = design.dense.map(({ values }) => values);
    const rng = createRng(3);
    const score = a!.map((value, row) => value - b![row]! + 4 * rng.next());
    const targetOf = (task: Target["task"], values: Float64Array, nLabels: number): Target => ({
      task,
      values,
      nLabels,
      weights: score.map((_, row) => 0.5 + (row % 3)),
    });
    const fit = (target: Target, given: HyperparameterValues, context: Partial<FitContext>): Promise<FitResult> =>
      linearEstimator.fit(
        design,
        target,
        resolveHyperparameters(linearEstimator, given),
        fitContext({ rng, clock: systemClock, ...context }),
      );

    it.each<[string, Target, HyperparameterValues]>([
      [
        "binary",
        targetOf(
          "binary",
          score.map((s) => Number(s > 2)),
          2,
        ),
        { maxIterations: 4 },
      ],
      [
        "multiclass",
        targetOf(
          "multiclass",
          score.map((s) => Number(s > 0) + Number(s > 3)),
          3,
        ),
        { maxIterations: 3 },
      ],
      [
        "binary with l1",
        targetOf(
          "binary",
          score.map((s) => Number(s > 2)),
          2,
        ),
        { l1: 500, maxIterations: 4 },
      ],
      ["huber", targetOf("regression", score, 0), { loss: "huber", maxIterations: 4 }],
    ])("gives the same model on 1, 2 and 3 threads: %s", async (_, target, given) => {
      const one = await fit(target, given, {});
      expect(await fit(target, given, { threads: 2 })).toEqual(one);
      expect(await fit(target, given, { threads: 3 })).toEqual(one);
    });

    it("gives the same model on 1 and 2 threads where a sample of the rows leads", async () => {
      const narrow = { ...design, dense: design.dense.slice(0, 30) };
      const labels = targetOf(
        "binary",
        score.map((s) => Number(s > 1.5)),
        2,
      );
      expect(sampleSize(narrow, labels)).toBeGreaterThan(0);
      const given = resolveHyperparameters(linearEstimator, {});
      const fits = [1, 2].map((threads) =>
        linearEstimator.fit(narrow, labels, given, fitContext({ rng, clock: systemClock, threads })),
      );
      const [one, other] = await Promise.all(fits);
      expect(one!.notes["iterations"]).toBeGreaterThan(1);
      expect(other).toEqual(one);
    });

    it("ends with CANCELLED when asked to", async () => {
      const target = targetOf(
        "binary",
        score.map((s) => Number(s > 2)),
        2,
      );
      const running = fit(
        target,
        { maxIterations: 1000, tolerance: 1e-12 },
        { threads: 2, signal: AbortSignal.timeout(150) },
      );
      await expect(running).rejects.toMatchObject({ code: "CANCELLED" });
    });
  },
);
