// One row predicted in process, from named values to a probability, beside ONNX Runtime for Node on the same model's export.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { root } from "../../tools/setup.mjs";
import { machine, measured, median } from "../interleave.mjs";
import { rivalPython } from "../rivals/python.mjs";

const shape = { rows: 100_000, columns: 28, testRows: 5000, trees: 100, leaves: 31 };
const timeLimit = 0.25;
const valueLimit = 1e-12;

export async function run({ rounds = 5 }) {
  const python = rivalPython();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-one-"));
  const script = (...names) => path.join(root, "benchmarks", ...names);
  const size = [shape.rows, shape.columns, 7, shape.testRows].map(String);
  const all = [];
  try {
    execFileSync(python, [script("rivals", "fit_data.py"), folder, ...size]);
    const settings = [shape.trees, shape.leaves].map(String);
    execFileSync(python, [script("rivals", "train_lightgbm.py"), folder, ...settings], { stdio: "ignore" });
    const settled = [script("fit", "predict-one.mjs"), folder, String(shape.testRows)];
    for (let round = 0; round < rounds; ++round) all.push(measured(process.execPath, settled));
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
  return judge(all);
}

function judge(all) {
  const difference = Math.max(...all.map((one) => one.difference));
  if (!(difference <= valueLimit)) throw new Error(`probabilities differ by ${difference}`);
  const { columns, trees, leaves } = shape;
  console.log(
    `one row of ${columns} named values, ${trees} trees of ${leaves} leaves, ${all.length} rounds; ${machine()}`,
  );
  const line = (name, figure) =>
    console.log(
      `  ${name.padEnd(36)} ${median(all.map((one) => one[figure]))
        .toFixed(1)
        .padStart(8)} microseconds`,
    );
  line("ours, checked against the contract", "ours");
  line("ONNX Runtime, tensors made before", "theirs");
  line("ONNX Runtime with making tensors", "withTensors");
  const ratio = median(all.map(({ ours, theirs }) => ours / theirs));
  console.log(`  time of ONNX Runtime, tensors made before: ratio ${ratio.toFixed(3)} (at most ${timeLimit})`);
  return ratio <= timeLimit ? 0 : 1;
}
