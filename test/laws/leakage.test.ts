import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openProject, type Project } from "../../src/app/project.ts";
import { runPipeline } from "../../src/app/run-pipeline.ts";
import { systemClock } from "../../src/core/clock.ts";
import type { Digest } from "../../src/core/digest.ts";
import { createRng } from "../../src/core/rng.ts";
import type { Frame } from "../../src/frame/frame.ts";
import { rowsWithCode } from "../../src/frame/split-codes.ts";
import {
  atLeast,
  boolean,
  boosting,
  category,
  csv,
  cyclic,
  impute,
  linear,
  number,
  oneHot,
  pipeline,
  clip,
  standardize,
  targetEncode,
  text,
  tfidf,
  timestamp,
  tune,
  type AnyPipeline,
  type Estimator,
} from "../../src/index.ts";
import { datasetCodec } from "../../src/ingest/dataset.ts";
import { decodeModel, encodeModel } from "../../src/model/file.ts";
import type { Model } from "../../src/model/model.ts";
import type { PipelineSpec } from "../../src/pipeline/spec.ts";
import { splitCodec } from "../../src/pipeline/workflow/codecs.ts";
import { fitDesign } from "../../src/pipeline/workflow/fitting.ts";
import { planFolds } from "../../src/prepare/folds.ts";

const nRows = 600;
const places = ["north", "south", "west", "east"];
const words = ["bright", "quiet", "damp", "large", "near", "garden", "noisy", "new"];

/** One row as CSV cells; a mutated one is as far from the others as the contract lets it be, in every column but the id. */
function cells(i: number, next: () => number, isMutated: boolean): readonly string[] {
  const area = 30 + 100 * next();
  const place = places[Math.floor(4 * next())]!;
  const note = [0, 1, 2].map(() => words[Math.floor(8 * next())]!).join(" ");
  const isNew = next() < 0.5;
  const at = new Date(Date.UTC(2024, 0, 1) + Math.floor(3e10 * next())).toISOString();
  const yes = area / 130 + (place === "north" ? 0.4 : 0) + (isNew ? 0.2 : 0) > 0.8;
  if (isMutated)
    return [`r${i}`, `${-1e9 * i}`, `place${i}`, `zzz${i} qqq zzz${i}`, `${!isNew}`, "2999-12-31", `${!yes}`];
  return [`r${i}`, next() < 0.1 ? "" : area.toFixed(3), place, note, `${isNew}`, at, `${yes}`];
}

/** The file, with the rows whose split code is in `mutated` replaced; every other row keeps its bytes. */
function fileText(split: Uint8Array | null, mutated: readonly number[]): string {
  const lines = Array.from({ length: nRows }, (_, i) => {
    const rng = createRng(i + 1);
    return cells(i, () => rng.next(), split !== null && mutated.includes(split[i]!)).join(",");
  });
  return `id,area,place,note,isNew,at,yes\n${lines.join("\n")}\n`;
}

function definition(model: Estimator<"binary">): { readonly spec: PipelineSpec } & AnyPipeline {
  return pipeline({
    name: "law",
    data: csv("data.csv"),
    schema: {
      id: text(),
      area: number({ missing: 0.5 }),
      place: category(),
      note: text(),
      isNew: boolean(),
      at: timestamp(),
      yes: boolean(),
    },
    target: "yes",
    id: "id",
    split: { by: "hash", test: 0.25, validation: 0.15 },
    features: (c) => ({
      hour: c.at.hour(),
      areaAgain: c.area.add(1),
      placeMean: c.place,
    }),
    prepare: {
      area: [clip({ reach: 1 }), impute("median"), standardize()],
      place: oneHot({ minShare: 0.01 }),
      placeMean: targetEncode(),
      note: tfidf({ maxWords: 30 }),
      at: cyclic("day"),
    },
    model,
    gate: [atLeast("auc", 0)],
  });
}

interface Learned {
  readonly digests: ReadonlyMap<string, Digest>;
  readonly model: Model;
}

describe("models are fitted to train rows, validation rows choose, test rows only judge", () => {
  let project: Project;
  let split: Uint8Array;
  const file = (): string => path.join(project.root, "data.csv");

  async function learn(mutated: readonly number[], model: Estimator<"binary">): Promise<Learned> {
    fs.writeFileSync(file(), fileText(split ?? null, mutated));
    const { result } = await runPipeline(project, definition(model).spec);
    if (result.status !== "succeeded") throw result.error;
    const digests = new Map<string, Digest>();
    for (const step of result.steps)
      for (const [output, digest] of step.outputs) digests.set(`${step.step}.${output}`, digest);
    const bytes = await project.store.artifacts.readBytes(digests.get("train.model")!);
    return { digests, model: decodeModel(bytes) };
  }

  beforeAll(async () => {
    project = await openProject(fs.mkdtempSync(path.join(os.tmpdir(), "millrace-law-")), { clock: systemClock });
    const { digests } = await learn([], linear());
    split = await splitCodec.read(project.store.artifacts.pathOf(digests.get("split.rows")!));
    expect(new Set(split)).toEqual(new Set([0, 1, 2]));
  });
  afterAll(async () => {
    await project.close();
    fs.rmSync(project.root, { recursive: true });
  });

  /** The model but for the digest of the dataset it says it was made from. */
  const bytesOf = (model: Model): Uint8Array => encodeModel({ ...model, provenance: {} });

  it.each([
    ["linear", linear()],
    ["boosting with early stopping", boosting({ trees: 40, minRows: 5 })],
    ["linear, tuned", tune(linear(), { strategy: "grid", folds: 3, space: { l2: [0.01, 1, 100] } })],
    [
      "boosting, tuned",
      tune(boosting({ trees: 15, minRows: 5 }), { trials: 3, folds: 2, space: { leaves: [3, 7, 15], l2: [0, 1, 5] } }),
    ],
  ])("%s: test rows change neither transforms nor trials nor a bit of the model", async (_, model) => {
    const original = await learn([], model);
    const mutated = await learn([2], model);
    expect(mutated.digests.get("ingest.dataset")).not.toBe(original.digests.get("ingest.dataset"));
    expect(mutated.digests.get("evaluate.report")).not.toBe(original.digests.get("evaluate.report"));
    for (const output of ["split.rows", "tune.chosen", "features.fitted"])
      expect(mutated.digests.get(output), output).toBe(original.digests.get(output));
    expect(bytesOf(mutated.model)).toEqual(bytesOf(original.model));
  });

  it.each([
    ["linear", linear()],
    ["boosting without early stopping", boosting({ trees: 20, minRows: 5, earlyStopping: 0 })],
  ])("%s: validation rows choose the threshold, but change neither transforms nor the predictor", async (_, model) => {
    const original = await learn([], model);
    const mutated = await learn([1, 2], model);
    for (const output of ["split.rows", "features.fitted"])
      expect(mutated.digests.get(output), output).toBe(original.digests.get(output));
    const learned = ({ model: m }: Learned): Uint8Array =>
      bytesOf({ ...m, threshold: 0.5, reference: null, parity: null });
    expect(learned(mutated)).toEqual(learned(original));
    expect(mutated.model.reference!.columns).toEqual(original.model.reference!.columns);
  });

  it("transforms of a fold are fitted on its training rows alone", async () => {
    const { spec } = definition(linear());
    const { digests } = await learn([], linear());
    const codec = datasetCodec(spec.contract);
    const dataset = await codec.read(project.store.artifacts.pathOf(digests.get("ingest.dataset")!));
    const rows = rowsWithCode(split, 0, 1);
    const { roles, task } = spec;
    const folds = planFolds(3, { rows, frame: dataset, roles, task, by: "hash", rng: createRng(5) });
    for (const fold of folds) {
      const whole = Uint8Array.from(split);
      for (const row of fold.test) whole[row] = 9;
      const changed = await readMutated(project, spec, whole);
      for (const style of ["dense", "trees"] as const) {
        const fitted = (frame: Frame): unknown =>
          fitDesign({ spec, dataset: frame, labels: [false, true] }, fold.train, style).features;
        expect(fitted(changed)).toEqual(fitted(dataset));
      }
    }
  });

  /** The dataset with the rows marked 9 replaced, as a run would read it. */
  async function readMutated(open: Project, spec: PipelineSpec, codes: Uint8Array): Promise<Frame> {
    fs.writeFileSync(file(), fileText(codes, [9]));
    const { result } = await runPipeline(open, spec);
    const digest = result.steps[0]!.outputs.get("dataset")!;
    return datasetCodec(spec.contract).read(open.store.artifacts.pathOf(digest));
  }
});
