// A network beside PyTorch's with the same layers, batches, epochs and learning rate: seconds of the fit from columns in memory.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { root } from "../../tools/setup.mjs";
import { machine, measured, median } from "../interleave.mjs";
import { rivalPython, torchPython } from "../rivals/python.mjs";

const shape = { rows: 100_000, columns: 50, layers: "64-32", epochs: 10, batchRows: 256 };
const timeLimit = 1;
/** First weights and the order of rows move one loss by 0.002 and the mean of five by 0.001. */
const lossSlack = 0.002;

export async function run({ rounds = 5 }) {
  const [python, torch] = [rivalPython(), torchPython()];
  const threads = Math.min(2, os.availableParallelism());
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-fit-"));
  const script = (...names) => path.join(root, "benchmarks", ...names);
  const results = { ours: [], torch: [] };
  try {
    execFileSync(python, [script("rivals", "fit_data.py"), folder, ...[shape.rows, shape.columns, 7].map(String)]);
    for (let round = 0; round < rounds; ++round) {
      const settings = [folder, ...[shape.layers, shape.epochs, shape.batchRows, threads, round].map(String)];
      results.ours.push(measured(process.execPath, [script("fit", "network.mjs"), ...settings]));
      results.torch.push(measured(torch, [script("rivals", "fit_network.py"), ...settings]));
    }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
  return judge(results, rounds, threads);
}

function judge(results, rounds, threads) {
  const { rows, columns, layers, epochs, batchRows } = shape;
  const size = `${rows} x ${columns}, layers ${layers}, ${epochs} epochs of ${batchRows} rows, PyTorch on ${threads} threads`;
  console.log(`mlp ${size}, ${rounds} rounds interleaved, medians; ${machine()}`);
  const mean = (all, of) => all.reduce((sum, one) => sum + of(one), 0) / all.length;
  for (const [name, all] of Object.entries(results)) {
    const seconds = median(all.map((one) => one.seconds)).toFixed(3);
    const peak = median(all.map((one) => one.peakMb)).toFixed(0);
    const loss = mean(all, (one) => one.loss).toFixed(5);
    const auc = mean(all, (one) => one.auc).toFixed(5);
    console.log(
      `  ${name.padEnd(6)} fit ${seconds.padStart(8)} s  test log loss ${loss}  AUC ${auc}  peak ${peak.padStart(5)} MB`,
    );
  }
  const ratio = median(results.ours.map((one, round) => one.seconds / results.torch[round].seconds));
  console.log(`  time of PyTorch: ratio ${ratio.toFixed(3)} (at most ${timeLimit})`);
  const worse = mean(results.ours, (one) => one.loss) - mean(results.torch, (one) => one.loss);
  console.log(`  test log loss beside PyTorch's: ${worse.toFixed(5)} (at most ${lossSlack})`);
  return ratio <= timeLimit && worse <= lossSlack ? 0 : 1;
}
