import { describe, expect, it } from "vitest";
import { fixedClock } from "../../core/clock.ts";
import { silent } from "../../core/progress.ts";
import { createRng } from "../../core/rng.ts";
import { fitFeatures } from "../../features/fit.ts";
import { createFrame, type Frame } from "../../frame/frame.ts";
import {
  blend,
  boosting,
  category,
  csv,
  linear,
  neighbors,
  number,
  oneHot,
  pipeline,
  stack,
  timestamp,
  tune,
} from "../../index.ts";
import { decodeModel, encodeModel } from "../../model/file.ts";
import type { FittedFeature } from "../../model/fitted-transform.ts";
import type { EnsemblePredictor } from "../../model/predictor.ts";
import { buildDesign } from "../../model/apply.ts";
import { memberDesign } from "../../model/score-ensemble.ts";
import { predict } from "../../model/predict.ts";
import type { PipelineSpec } from "../spec.ts";
import { fitEnsemble, stylesOf } from "./ensemble.ts";
import { featureColumnsOf, featureFrame } from "./features.ts";
import { bareModel, type FitTools, type Material } from "./fitting.ts";
import { inputFrame } from "./input-frame.ts";
import { targetOf } from "./target.ts";
import { searchChoice } from "./tune-step.ts";

const nRows = 600;
const tools: FitTools = {
  rng: createRng(11),
  clock: fixedClock(),
  progress: silent,
  threads: 1,
  signal: new AbortController().signal,
};
const train = Uint32Array.from({ length: nRows }, (_, row) => row);
const none = new Uint32Array(0);

/**
 * Rows in groups of four that share a place and a value nobody could guess, so that a row's nearest neighbour knows its
 * value wherever its group was learned from; and `slope`, half of what the value is made of. Later groups come later.
 */
const dataset: Frame = (() => {
  const rng = createRng(2);
  const groups = Array.from({ length: nRows / 4 }, () => ({ place: rng.next() * 1000, luck: rng.next() * 10 }));
  const groupOf = (row: number): (typeof groups)[0] => groups[row >> 2]!;
  const slope = Float64Array.from(train, () => rng.next());
  const codes = Int32Array.from(train, (row) => row >> 2);
  return createFrame(nRows, [
    ["place", { kind: "number", values: Float64Array.from(train, (row) => groupOf(row).place) }],
    ["slope", { kind: "number", values: slope }],
    ["colour", { kind: "category", levels: ["red", "green"], codes: Int32Array.from(train, (row) => (row % 3) - 1) }],
    ["person", { kind: "category", levels: groups.map((_, g) => `p${g}`), codes }],
    ["third", { kind: "category", levels: ["a", "b", "c"], codes: codes.map((group) => group % 3) }],
    ["at", { kind: "timestamp", values: Float64Array.from(train, (row) => (row >> 2) * 86_400_000) }],
    ["value", { kind: "number", values: Float64Array.from(train, (row) => groupOf(row).luck + 5 * slope[row]!) }],
  ]);
})();

const base = {
  name: "ensemble",
  data: csv("none.csv"),
  schema: {
    place: number(),
    slope: number(),
    colour: category({ missing: 1 }),
    person: category(),
    at: timestamp(),
    value: number(),
  },
  target: "value",
} as const;

interface Fitted {
  readonly material: Material;
  readonly features: readonly FittedFeature[];
  readonly predictor: EnsemblePredictor;
  readonly notes: Readonly<Record<string, number>>;
}

async function fitted(spec: PipelineSpec): Promise<Fitted> {
  const material = { spec, dataset, labels: [] };
  const chosen = await searchChoice(spec.model, material, train, tools);
  const frame = featureFrame(spec, dataset, train);
  const toFit = {
    frame,
    features: featureColumnsOf(spec),
    prepare: spec.prepare,
    target: targetOf(spec, dataset, [], train),
  };
  const features = (await stylesOf(chosen)).flatMap((style) => fitFeatures({ ...toFit, style }));
  return { material, features, ...(await fitEnsemble(material, { train, validation: none }, chosen, features, tools)) };
}

const guesser = neighbors({ neighbors: 1 });
const drop = { person: "drop", at: "drop", colour: "drop", place: "keep", slope: "keep" } as const;

describe("fitEnsemble", () => {
  it("answers rows from parts that hold none of their group, where one is declared", async () => {
    const model = blend([guesser, linear()]);
    const loose = await fitted(pipeline({ ...base, prepare: drop, split: { by: "random" }, model }).spec);
    const whole = await fitted(pipeline({ ...base, prepare: drop, group: "person", model }).spec);
    expect(loose.predictor.weights[0]).toBeGreaterThan(0.6);
    expect(whole.predictor.weights[0]).toBeLessThan(0.25);
    expect(loose.notes["heldOutRows"]).toBe(nRows);
  });

  it("answers rows from the past of their part alone, where rows have a time", async () => {
    const model = blend([guesser, linear()], { folds: 4 });
    const { predictor, notes } = await fitted(pipeline({ ...base, prepare: drop, time: "at", model }).spec);
    expect(predictor.weights[0]).toBeLessThan(0.25);
    expect(notes["heldOutRows"]).toBe((nRows * 4) / 5);
  });

  it("answers rows from the folds that a column names, and scores a search on them", async () => {
    const folded = { ...base, prepare: drop, split: { by: "random", folds: "third" } } as const;
    const schema = { ...base.schema, third: category() };
    const model = blend([guesser, linear()], { folds: 4 });
    // Thirds part no group, though none is declared.
    const { predictor, notes } = await fitted(pipeline({ ...folded, schema, model }).spec);
    expect(predictor.weights[0]).toBeLessThan(0.25);
    expect(notes["heldOutRows"]).toBe(nRows);
    const searched = tune(linear(), { trials: 2, folds: 2 });
    const { spec } = pipeline({ ...folded, schema, model: searched });
    const { trials } = await searchChoice(spec.model, { spec, dataset, labels: [] }, train, tools);
    expect(trials[0]!.scores).toHaveLength(3);
  });

  it("gives each member the columns it was fitted on, sparse ones among those of trees, too", async () => {
    const model = stack([boosting({ trees: 5 }), linear(), guesser]);
    const prepare = { person: "drop", at: "drop", colour: oneHot() } as const;
    const { material, features, predictor } = await fitted(pipeline({ ...base, prepare, model }).spec);
    expect(predictor.members.map(({ kind }) => kind)).toEqual(["trees", "linear", "neighbors"]);
    const design = buildDesign(featureFrame(material.spec, dataset, train), features);
    const names = [0, 1].map((m) => {
      const own = memberDesign(predictor.spans, m, design);
      return [...own.dense.map(({ name }) => name), ...own.sparse.names];
    });
    expect(names[0]).toEqual(names[1]);
    expect(names[0]).toEqual(["place", "slope", "colour=green", "colour=red", "colour is other"]);
  });

  it("fits members with what was found for each as if it stood alone", async () => {
    const searched = tune(linear(), { trials: 4, folds: 2, space: { l2: [1e-3, 1, 1e6] } });
    const { spec } = pipeline({ ...base, prepare: drop, model: blend([guesser, searched]) });
    const material = { spec, dataset, labels: [] };
    const chosen = await searchChoice(spec.model, material, train, tools);
    const alone = await searchChoice(searched, material, train, { ...tools, rng: tools.rng.fork("member 1") });
    expect(chosen.members![1]).toEqual({ estimator: "linear", hyperparameters: alone.hyperparameters });
    expect(chosen.members![1]!.hyperparameters["l2"]).not.toBe(1e6);
    expect(chosen.members![0]!.hyperparameters["neighbors"]).toBe(1);
    expect(chosen.trials).toEqual(alone.trials);
    expect(chosen.trials.length).toBeGreaterThan(1);
  });

  it("gives the same bits again, and after being saved and loaded", async () => {
    const model = stack([boosting({ trees: 5 }), linear(), guesser]);
    const { spec } = pipeline({ ...base, prepare: { person: "drop", at: "drop" }, model });
    const { material, features, predictor } = await fitted(spec);
    expect((await fitted(spec)).predictor).toEqual(predictor);
    const whole = bareModel(material, features, predictor);
    const loaded = decodeModel(encodeModel(whole));
    expect(loaded).toEqual(whole);
    const frame = inputFrame(whole, dataset, train);
    expect(predict(loaded, frame)).toEqual(predict(whole, frame));
  });

  it("refuses parts that would hold no rows", async () => {
    const rows = Uint32Array.of(0, 1, 2);
    const { spec } = pipeline({ ...base, prepare: drop, group: "person", model: stack([linear()]) });
    const material = { spec, dataset, labels: [] };
    const chosen = await searchChoice(spec.model, material, train, tools);
    await expect(fitEnsemble(material, { train: rows, validation: none }, chosen, [], tools)).rejects.toMatchObject({
      code: "SPLIT_EMPTY",
    });
  });
});
