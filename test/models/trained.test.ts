import { describe, expect, it } from "vitest";
import { fixedClock } from "../../src/core/clock.ts";
import { silent } from "../../src/core/progress.ts";
import { createRng } from "../../src/core/rng.ts";
import { fitFeatures } from "../../src/features/fit.ts";
import { withExpressions } from "../../src/frame/evaluate.ts";
import type { Frame } from "../../src/frame/frame.ts";
import { frameFromRows, rowsFromFrame } from "../../src/frame/rows.ts";
import { buildDesign } from "../../src/model/apply.ts";
import { decodeModel, encodeModel } from "../../src/model/file.ts";
import { importanceOf } from "../../src/model/importance.ts";
import type { Model, Task } from "../../src/model/model.ts";
import { parityOf } from "../../src/model/parity.ts";
import { predict, predictRows } from "../../src/model/predict.ts";
import { predictionReference, referenceOf } from "../../src/model/reference.ts";
import { findEstimator, resolveHyperparameters } from "../../src/train/implementations.ts";
import { randomModel, randomRow } from "./random-models.ts";

/** What a trained model needs besides: contract, roles, expressions and labels of a random model of the same task. */
function setting(task: Task): { readonly base: Model; readonly train: Frame; readonly fresh: Frame } {
  const rng = createRng(21);
  const base = randomModel(rng, task, "linear");
  const frameOf = (nRows: number): Frame => {
    const rows = Array.from({ length: nRows }, () => randomRow(rng));
    return frameFromRows(rows, base.contract, base.inputs).frame;
  };
  return { base, train: frameOf(400), fresh: frameOf(60) };
}

async function trainedModel(task: Task, estimator: string): Promise<{ model: Model; fresh: Frame }> {
  const { base, train, fresh } = setting(task);
  const rng = createRng(22);
  const implementation = await findEstimator(estimator);
  const labels = task === "multiclass" ? 3 : 2;
  const isUnsupervised = task === "clustering" || task === "anomaly";
  const values = Float64Array.from({ length: isUnsupervised ? 0 : train.nRows }, () =>
    task === "regression" ? rng.next() * 10 : rng.integer(labels),
  );
  const nLabels = task === "binary" || task === "multiclass" ? labels : 0;
  const groups = task === "ranking" ? { groups: Uint32Array.from(values, (_, row) => row % 40) } : {};
  const target = { task, values, nLabels, weights: null, ...groups };
  const frame = withExpressions(train, base.expressions);
  const derived = base.expressions.map(({ name, expression }) => ({ name, kind: expression.kind }));
  const inputs = base.contract.columns.filter(({ name }) => base.inputs.includes(name));
  const wanted = [...inputs, ...derived];
  const features = fitFeatures({ frame, features: wanted, prepare: [], style: implementation.style, target });
  const hyperparameters = resolveHyperparameters(implementation, estimator === "boosting" ? { trees: 20 } : {});
  const context = { rng, clock: fixedClock(), progress: silent, threads: 1, validation: null };
  const { predictor } = await implementation.fit(buildDesign(frame, features), target, hyperparameters, context);
  const bare: Model = { ...base, features, predictor, reference: null, parity: null };
  const reference = {
    nRows: train.nRows,
    columns: referenceOf(train, base.inputs),
    prediction: predictionReference(bare, predict(bare, fresh)),
  };
  return { model: { ...bare, reference, parity: parityOf(bare, rowsFromFrame(fresh).slice(0, 10)) }, fresh };
}

describe("a trained model", () => {
  const trainings: readonly (readonly [Task, string])[] = [
    ["regression", "boosting"],
    ["binary", "boosting"],
    ["multiclass", "boosting"],
    ["regression", "forest"],
    ["binary", "forest"],
    ["multiclass", "forest"],
    ["multiclass", "extraTrees"],
    ["binary", "tree"],
    ["regression", "linear"],
    ["binary", "linear"],
    ["multiclass", "linear"],
    ["binary", "naiveBayes"],
    ["multiclass", "naiveBayes"],
    ["regression", "mlp"],
    ["binary", "mlp"],
    ["multiclass", "mlp"],
    ["regression", "svm"],
    ["binary", "svm"],
    ["multiclass", "svm"],
    ["regression", "neighbors"],
    ["binary", "neighbors"],
    ["multiclass", "neighbors"],
    ["clustering", "kmeans"],
    ["ranking", "boosting"],
    ["anomaly", "isolationForest"],
  ];

  it.each(trainings)(
    "of %s by %s predicts the same bits saved and loaded, as a frame and row by row",
    async (task, estimator) => {
      const { model, fresh } = await trainedModel(task, estimator);
      const loaded = decodeModel(encodeModel(model));
      expect(loaded).toEqual(model);
      const expected = predict(model, fresh);
      expect(predict(loaded, fresh)).toEqual(expected);
      expect(predictRows(loaded, rowsFromFrame(fresh)).predictions).toEqual(expected);
      const single = rowsFromFrame(fresh).flatMap((row) => [...predictRows(loaded, [row]).predictions.values]);
      expect(Float64Array.from(single)).toEqual(expected.values);
      expect(importanceOf(loaded).reduce((sum, { importance }) => sum + importance, 0)).toBeCloseTo(1, 9);
    },
  );
});
