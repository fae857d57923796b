// One row after the other predicted in process by an imported model, and by ONNX Runtime from the model's export: microseconds.
// Usage: predict-one.mjs FOLDER ROWS
import fs from "node:fs";
import path from "node:path";
import { median } from "../interleave.mjs";
import { onnxRuntime } from "../rivals/onnx.mjs";
import { load, readTable, shapeOf } from "./tables.mjs";

const [folder, given] = process.argv.slice(2);
const nRows = Number(given);
const { importModel } = await load("model/import/import-model.js");
const { predictRows } = await load("model/predict.js");
const { onnxModel } = await load("export/onnx/onnx.js");
const { columns, testRows } = shapeOf(folder);
const model = importModel({ name: "imported", file: fs.readFileSync(path.join(folder, "model.txt")) });
const { design } = readTable(folder, "test", testRows, columns);
const rows = Array.from({ length: nRows }, (_, row) =>
  Object.fromEntries(model.inputs.map((name, j) => [name, design.dense[j].values[row]])),
);

const { InferenceSession, Tensor } = onnxRuntime();
const options = { intraOpNumThreads: 1, interOpNumThreads: 1, graphOptimizationLevel: "all" };
const session = await InferenceSession.create(onnxModel(model, 1, "sha256:0"), options);
const feedsOf = (row) =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, new Tensor("float64", Float64Array.of(value), [1, 1])]),
  );

const micros = (since) => ((performance.now() - since) * 1000) / nRows;
const times = { ours: [], theirs: [], withTensors: [] };
let difference = 0;
for (let round = 0; round < 7; ++round) {
  let start = performance.now();
  const own = rows.map((row) => predictRows(model, [row]).predictions.values[1]);
  times.ours.push(micros(start));
  start = performance.now();
  const feeds = rows.map(feedsOf);
  const makingTensors = micros(start);
  start = performance.now();
  const answers = [];
  for (const feed of feeds) answers.push(await session.run(feed, ["probabilities"]));
  times.theirs.push(micros(start));
  times.withTensors.push(times.theirs.at(-1) + makingTensors);
  own.forEach((value, i) => (difference = Math.max(difference, Math.abs(value - answers[i].probabilities.data[1]))));
}
const medians = Object.fromEntries(Object.entries(times).map(([name, all]) => [name, median(all)]));
console.log(JSON.stringify({ ...medians, difference }));
