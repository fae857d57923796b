// Default boosting() and linear() beside scikit-learn's defaults: the same rows, the same columns, several seeds.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { root } from "../../tools/setup.mjs";
import { machine, median } from "../interleave.mjs";
import { rivalPython } from "../rivals/python.mjs";

/** `gap` of one pair, ours against theirs on the same rows; its median over the seeds must keep the bar. */
const differenceAtLeast = (slack) => ({
  gap: (ours, theirs) => ours - theirs,
  holds: (gap) => gap >= -slack,
  isWorse: (a, b) => a < b,
  text: `ours - theirs >= ${-slack}`,
});
const ratioAtMost = (factor) => ({
  gap: (ours, theirs) => ours / theirs,
  holds: (gap) => gap <= factor,
  isWorse: (a, b) => a > b,
  text: `ours / theirs <= ${factor}`,
});

const bars = { auc: differenceAtLeast(0.003), rmse: ratioAtMost(1.01), f1: differenceAtLeast(0.01) };

const flights = path.join(root, "node_modules", "vega-datasets", "data", "flights-3m.parquet");
const datasets = [
  { name: "adult", metric: "auc", file: shared("adult.csv") },
  { name: "telco-churn", metric: "auc", file: shared("telco-churn.csv") },
  // 178 test rows: an AUC moves by 0.01 with the split, so more splits are needed to see 0.003.
  { name: "titanic", metric: "auc", file: shared("titanic.csv"), seedsPerRound: 5 },
  { name: "california-housing", metric: "rmse", file: shared("california-housing.csv") },
  { name: "flights", metric: "auc", file: flights },
  { name: "taxis", metric: "rmse", file: shared("taxis.csv") },
  { name: "compas", metric: "auc", file: shared("compas-two-years.csv") },
  { name: "sms-spam", metric: "f1", file: shared("sms-spam.tsv") },
];

/** `rounds` is the number of seeds, at least 3. MILLRACE_BENCH_ONLY=adult,taxis runs those alone. */
export async function run({ rounds = 5 }) {
  const nSeeds = Math.max(3, rounds);
  const only = process.env.MILLRACE_BENCH_ONLY?.split(",");
  const python = rivalPython();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-quality-"));
  console.log(`Test metrics on identical rows, medians over ${nSeeds} seeds; ${machine()}`);
  console.log(row("dataset", "metric", "ours", "theirs", "gap", "worst gap", "bar", "verdict"));
  try {
    let missed = 0;
    for (const dataset of datasets.filter(({ name }) => only?.includes(name) ?? true)) {
      if (!fs.existsSync(dataset.file)) console.log(`${dataset.name.padEnd(20)}SKIPPED: there is no ${dataset.file}`);
      else if (!report(dataset, compare(dataset, nSeeds, python, folder))) ++missed;
    }
    return missed === 0 ? 0 : 1;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function compare({ name, file, seedsPerRound = 1 }, nSeeds, python, folder) {
  const seeds = Array.from({ length: nSeeds * seedsPerRound }, (_, i) => i + 1);
  const project = path.join(folder, name);
  for (const part of ["pipelines", "data", "out"]) fs.mkdirSync(path.join(project, part), { recursive: true });
  fs.copyFileSync(
    path.join(root, "benchmarks", "pipelines", `${name}.ts`),
    path.join(project, "pipelines", `${name}.ts`),
  );
  fs.copyFileSync(file, path.join(project, "data", path.basename(file)));
  const dist = process.env.MILLRACE_DIST ?? path.join(root, "dist");
  const out = path.join(project, "out");
  const driver = path.join(root, "benchmarks", "quality", "ours.mjs");
  output(process.execPath, [driver, dist, project, name, seeds.join(","), out]);
  const facts = seeds.map((seed) => path.join(out, `${name}-${seed}.json`));
  const lines = output(python, [path.join(root, "benchmarks", "rivals", "quality.py"), ...facts])
    .trim()
    .split("\n");
  return lines.map((line, i) => checked(JSON.parse(line), JSON.parse(fs.readFileSync(facts[i], "utf8"))));
}

/** A number we report is what scikit-learn makes of our predictions, or nothing else of the run counts. */
function checked(result, { name, metrics }) {
  for (const [metric, value] of Object.entries(result.ours)) {
    const difference = Math.abs(value - metrics[metric]) / Math.max(1, Math.abs(value));
    if (difference <= 1e-9) continue;
    throw new Error(`${name}, seed ${result.seed}: we report ${metric} ${metrics[metric]}, scikit-learn ${value}`);
  }
  return result;
}

function report({ name, metric }, results) {
  const { gap, holds, isWorse, text } = bars[metric];
  const pairs = results.map((result) => ({ ours: result.ours[metric], theirs: result.theirs[metric] }));
  const gaps = pairs.map(({ ours, theirs }) => gap(ours, theirs));
  const typical = median(gaps);
  const worst = gaps.reduce((a, b) => (isWorse(b, a) ? b : a));
  const middle = [pairs.map(({ ours }) => ours), pairs.map(({ theirs }) => theirs)].map(median);
  const verdict = holds(typical) ? "ok" : "MISSED";
  const figures = [...middle.map((value) => value.toPrecision(5)), typical.toFixed(4), worst.toFixed(4)];
  console.log(row(name, metric, ...figures, text, verdict));
  console.log(
    `  ours/theirs: ${pairs.map(({ ours, theirs }) => `${ours.toPrecision(5)}/${theirs.toPrecision(5)}`).join("  ")}`,
  );
  return verdict === "ok";
}

function row(dataset, metric, ours, theirs, gap, worst, bar, verdict) {
  const figures = [ours, theirs, gap, worst].map((text) => text.padStart(11)).join("");
  return `${dataset.padEnd(20)}${metric.padEnd(6)}${figures}  ${bar.padEnd(24)}${verdict}`;
}

function output(command, args) {
  const result = spawnSync(command, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 2 ** 28,
  });
  if (result.status !== 0) throw new Error(`${path.basename(args[0])} ended with exit code ${result.status}`);
  return result.stdout;
}

function shared(file) {
  return path.join(process.env.MILLRACE_SHARED ?? path.join(root, "..", "shared"), "data", file);
}
