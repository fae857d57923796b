// One pipeline over several seeds: runs it, then leaves for the rival the rows and columns it used and what it predicted.
//   node ours.mjs DIST PROJECT PIPELINE SEEDS OUT     (SEEDS as 1,2,3)
// Writes OUT/<pipeline>-<seed>.json and, beside it, the predictions of the test rows as float64 (.predictions).
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [dist, root, name, seeds, out] = process.argv.slice(2);
const load = (file) => import(pathToFileURL(path.join(dist, file)).href);
const { systemClock } = await load("core/clock.js");
const { openProject } = await load("app/project.js");
const { loadDefinition } = await load("app/pipelines.js");
const { runPipeline } = await load("app/run-pipeline.js");
const { readDataset } = await load("ingest/dataset.js");
const { featureColumnsOf } = await load("pipeline/workflow/features.js");
const { inputFrame } = await load("pipeline/workflow/input-frame.js");
const { rowsWithCode, splitCode } = await load("frame/split-codes.js");
const { decodeModel } = await load("model/file.js");
const { predict } = await load("model/predict.js");

const { spec } = await loadDefinition(root, name);
const project = await openProject(root, { clock: systemClock });
try {
  for (const seed of seeds.split(",").map(Number)) await runSeed({ ...spec, seed });
} finally {
  await project.close();
}

async function runSeed(seeded) {
  const outcome = await runPipeline(project, seeded);
  if (outcome.result.status !== "succeeded") throw outcome.result.error;
  const pathOf = (step, output) => {
    const outputs = outcome.result.steps.find((result) => result.step === step).outputs;
    return project.store.artifacts.verifiedPath(new Map(outputs).get(output));
  };
  const dataset = await pathOf("ingest", "dataset");
  const split = await pathOf("split", "rows");
  const model = decodeModel(fs.readFileSync(await pathOf("train", "model")));
  const rows = rowsWithCode(new Uint8Array(fs.readFileSync(split)), splitCode.test);
  const predictions = predict(model, inputFrame(model, await readDataset(dataset, seeded.contract), rows));
  const last = predictions.width - 1;
  const values = Float64Array.from({ length: rows.length }, (_, i) => predictions.values[i * predictions.width + last]);
  const base = path.join(out, `${name}-${seeded.seed}`);
  fs.writeFileSync(`${base}.predictions`, values);
  const facts = {
    name,
    seed: seeded.seed,
    task: seeded.task,
    dataset,
    split,
    predictions: `${base}.predictions`,
    features: featureColumnsOf(seeded),
    target: seeded.roles.target,
    positive: model.labels.at(-1) ?? null,
    threshold: model.threshold,
    metrics: outcome.report.metrics,
    notes: model.provenance.notes,
  };
  fs.writeFileSync(`${base}.json`, JSON.stringify(facts));
}
