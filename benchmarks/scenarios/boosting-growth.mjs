// How the seconds of boosting's fit grow with rows, and fall with threads beside LightGBM's; each fit in a fresh process.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { root } from "../../tools/setup.mjs";
import { machine, measured, median } from "../interleave.mjs";
import { rivalPython } from "../rivals/python.mjs";

const [columns, trees, leaves, testRows] = [28, 100, 31, 20_000];
const mostThreadRows = 1_000_000;
/** An exponent of 1 is linear; more than this says that something grows faster than the rows do. */
const mostSlope = 1.1;

/** Rows by tens, then the most there are to be: MILLRACE_GROWTH_ROWS, or what fits in half of 16 GB. */
function sizes() {
  const asked = Number(process.env.MILLRACE_GROWTH_ROWS ?? (os.totalmem() >= 16e9 ? 3_000_000 : 1_000_000));
  const most = Math.max(20_000, asked);
  return [...[10_000, 100_000, 1_000_000].filter((rows) => rows < most), most];
}

export async function run({ rounds = 3 }) {
  const threads = Math.min(2, os.availableParallelism());
  const seconds = new Map();
  const note = (name, one) => seconds.set(name, [...(seconds.get(name) ?? []), one.seconds]);
  const all = sizes();
  const threadRows = Math.min(mostThreadRows, all.at(-1));
  for (let round = 0; round < rounds; ++round) {
    for (const rows of all) {
      withTable(rows, 7 + round, (fit) => {
        const ours = fit("ours", threads);
        note(rows, ours);
        if (rows !== threadRows || threads < 2) return;
        note(`ours ${threads}`, ours);
        note(`lightgbm ${threads}`, fit("lightgbm", threads));
        for (const name of ["ours", "lightgbm"]) note(`${name} 1`, fit(name, 1));
      });
    }
  }
  const medians = new Map(Array.from(seconds, ([name, times]) => [name, median(times)]));
  console.log(
    `boosting n x ${columns}, ${trees} trees of ${leaves} leaves, ${threads} threads, ${rounds} rounds; ${machine()}`,
  );
  const isLinear = judgeGrowth(all, medians);
  return judgeThreads(threadRows, medians, threads) && isLinear ? 0 : 1;
}

/** Gives `use` what fits one side on a table of so many rows: ours or a rival, on so many threads. */
function withTable(rows, seed, use) {
  const python = rivalPython();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-growth-"));
  const script = (name) => path.join(root, "benchmarks", "rivals", name);
  try {
    execFileSync(python, [script("fit_data.py"), folder, ...[rows, columns, seed, testRows].map(String)]);
    use((name, threads) => {
      const settings = [trees, leaves, threads].map(String);
      return name === "ours"
        ? measured(process.execPath, [path.join(root, "benchmarks", "fit", "boosting.mjs"), folder, ...settings])
        : measured(python, [script("fit_boosting.py"), folder, name, ...settings]);
    });
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** The exponent of the power of rows that seconds follow best, and that of the last step, which start-up costs touch least. */
function judgeGrowth(all, medians) {
  for (const rows of all) {
    const time = medians.get(rows);
    console.log(
      `  ${String(rows).padStart(10)} rows ${time.toFixed(3).padStart(8)} s, ${((time / rows) * 1e6).toFixed(2)} us a row`,
    );
  }
  const slope = slopeOf(all, medians);
  const last = slopeOf(all.slice(-2), medians);
  console.log(`  slope ${slope.toFixed(3)}, of the last step ${last.toFixed(3)} (each at most ${mostSlope})`);
  return Math.max(slope, last) <= mostSlope;
}

/** Least squares on logarithms. */
function slopeOf(all, medians) {
  const points = all.map((rows) => [Math.log(rows), Math.log(medians.get(rows))]);
  const mean = (i) => points.reduce((sum, point) => sum + point[i], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const sum = (of) => points.reduce((total, point) => total + of(point), 0);
  return sum((point) => (point[0] - x) * (point[1] - y)) / sum((point) => (point[0] - x) ** 2);
}

function judgeThreads(threadRows, medians, threads) {
  if (!medians.has(`ours ${threads}`)) return true;
  const [ours, theirs] = ["ours", "lightgbm"].map((name) => {
    const [one, several] = [medians.get(`${name} 1`), medians.get(`${name} ${threads}`)];
    console.log(
      `  ${threadRows} rows ${name.padEnd(8)} 1 thread ${one.toFixed(3)} s, ${threads} threads ${several.toFixed(3)} s: ${(one / several).toFixed(2)} times as fast`,
    );
    return one / several;
  });
  console.log(`  gain of threads beside LightGBM's: ${(ours / theirs).toFixed(3)} (at least 1)`);
  return ours >= theirs;
}
