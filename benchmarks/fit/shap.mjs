// Explains by TreeSHAP what rivals/shap_trees.py explained, with the model it wrote: seconds, and how far its values are from ours.
// Usage: shap.mjs FOLDER ROWS
import fs from "node:fs";
import path from "node:path";
import { load, readTable, shapeOf } from "./tables.mjs";

const [folder, rows] = process.argv.slice(2);
const { readLightgbm } = await load("model/import/lightgbm.js");
const { addTreeContributions } = await load("model/explain-trees.js");
const { columns, testRows } = shapeOf(folder);
const nRows = Number(rows);
const { predictor } = readLightgbm(fs.readFileSync(path.join(folder, "model.txt"), "utf8"));
const { design } = readTable(folder, "test", testRows, columns);
const first = { ...design, nRows };
const groupOf = Int32Array.from({ length: columns }, (_, j) => j);

const times = [];
let values;
for (let i = 0; i < 3; ++i) {
  const start = performance.now();
  values = new Float64Array(nRows * columns);
  addTreeContributions(predictor, first, { base: predictor.base.slice(), values, groupOf, nGroups: columns });
  times.push((performance.now() - start) / 1000);
}
const theirs = new Float64Array(fs.readFileSync(path.join(folder, "values.f64")).buffer);
if (theirs.length !== values.length) throw new Error(`${theirs.length} values of theirs, ${values.length} of ours`);
const difference = values.reduce((most, value, i) => Math.max(most, Math.abs(value - theirs[i])), 0);
console.log(JSON.stringify({ seconds: times.toSorted((a, b) => a - b)[1], difference }));
