// Default boosting() and linear() beside scikit-learn's defaults: the same rows, the same columns, several seeds.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { root } from "../../tools/setup.mjs";
import { machine, median } from "../interleave.mjs";
import { rivalPython } from "../rivals/python.mjs";

const atLeastMinus = (slack) => ({ holds: (ours, theirs) => ours >= theirs - slack, text: `>= theirs - ${slack}` });
const atMostTimes = (factor) => ({ holds: (ours, theirs) => ours <= factor * theirs, text: `<= ${factor} x theirs` });

const bars = { auc: atLeastMinus(0.003), rmse: atMostTimes(1.01), f1: atLeastMinus(0.01) };
const higherIsBetter = { auc: true, rmse: false, f1: true };

const flights = path.join(root, "node_modules", "vega-datasets", "data", "flights-3m.parquet");
const datasets = [
  { name: "adult", metric: "auc", file: shared("adult.csv") },
  { name: "telco-churn", metric: "auc", file: shared("telco-churn.csv") },
  { name: "titanic", metric: "auc", file: shared("titanic.csv") },
  { name: "california-housing", metric: "rmse", file: shared("california-housing.csv") },
  { name: "flights", metric: "auc", file: flights },
  { name: "taxis", metric: "rmse", file: shared("taxis.csv") },
  { name: "compas", metric: "auc", file: shared("compas-two-years.csv") },
  { name: "sms-spam", metric: "f1", file: shared("sms-spam.tsv") },
];

/** `rounds` is the number of seeds, at least 3. MILLRACE_BENCH_ONLY=adult,taxis runs those alone. */
export async function run({ rounds = 5 }) {
  const seeds = Array.from({ length: Math.max(3, rounds) }, (_, i) => i + 1);
  const only = process.env.MILLRACE_BENCH_ONLY?.split(",");
  const python = rivalPython();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-quality-"));
  console.log(`Test metrics on identical rows, ${seeds.length} seeds; ${machine()}`);
  console.log(row("dataset", "metric", "ours", "theirs", "worst", "bar", "verdict"));
  try {
    let missed = 0;
    for (const dataset of datasets.filter(({ name }) => only?.includes(name) ?? true)) {
      if (!fs.existsSync(dataset.file)) console.log(`${dataset.name.padEnd(20)}SKIPPED: there is no ${dataset.file}`);
      else if (!report(dataset, compare(dataset, seeds, python, folder))) ++missed;
    }
    return missed === 0 ? 0 : 1;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function compare({ name, file }, seeds, python, folder) {
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
  const { holds, text } = bars[metric];
  const pairs = results.map(({ ours, theirs }) => ({ ours: ours[metric], theirs: theirs[metric] }));
  const sign = higherIsBetter[metric] ? 1 : -1;
  const ours = median(pairs.map((pair) => pair.ours));
  const theirs = median(pairs.map((pair) => pair.theirs));
  const worst = pairs.reduce((a, b) => (sign * (b.ours - b.theirs) < sign * (a.ours - a.theirs) ? b : a));
  const passed = holds(ours, theirs);
  const shown = (value) => value.toPrecision(5);
  console.log(
    row(name, metric, shown(ours), shown(theirs), shown(worst.ours - worst.theirs), text, passed ? "ok" : "MISSED"),
  );
  console.log(`  by seed, ours/theirs: ${pairs.map((pair) => `${shown(pair.ours)}/${shown(pair.theirs)}`).join("  ")}`);
  return passed;
}

function row(dataset, metric, ours, theirs, worst, bar, verdict) {
  const figures = [ours, theirs, worst].map((text) => text.padStart(12)).join("");
  return `${dataset.padEnd(20)}${metric.padEnd(6)}${figures}  ${bar.padEnd(20)}${verdict}`;
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
