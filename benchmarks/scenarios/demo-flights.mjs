// The demo's `millrace run` beside a scikit-learn script that does the same work: whole processes, interleaved.
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { root } from "../../tools/setup.mjs";
import { interleave, printSummary } from "../interleave.mjs";
import { rivalPython } from "../rivals/python.mjs";

const limits = { wallS: 0.7, peakMb: 0.7 };
const aucSlack = 0.003;
const trees = 100;
const leaves = 31;

/** `rounds` is the number of measured pairs. */
export async function run({ rounds = 5 }) {
  const python = rivalPython();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-demo-"));
  try {
    const project = copyProject(folder);
    const cli = path.join(process.env.MILLRACE_DIST ?? path.join(root, "dist"), "cli", "main.js");
    const ours = [process.execPath, cli, "run", "flight-delays", "--no-cache", "--project", project];
    const flights = path.join(root, "node_modules", "vega-datasets", "data", "flights-3m.parquet");
    const theirs = [python, path.join(root, "benchmarks", "rivals", "flights.py"), flights, `${trees}`, `${leaves}`];
    if (!sameResult(ours, theirs)) return 1;
    // The pair that was checked is the warm-up; every run of ours starts without a store, as on a fresh clone.
    const summary = interleave(python, { ours, theirs, rounds, warmUps: 0, beforeOurs: () => forget(project) });
    printSummary("flight-delays, millrace run beside scikit-learn", summary, rounds);
    return Object.entries(limits).every(([figure, limit]) => summary[figure].ratio <= limit) ? 0 : 1;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** The example where it stands relative to node_modules, with a store of its own. */
function copyProject(folder) {
  const project = path.join(folder, "examples", "flight-delays");
  fs.cpSync(path.join(root, "examples", "flight-delays", "pipelines"), path.join(project, "pipelines"), {
    recursive: true,
  });
  fs.mkdirSync(path.join(folder, "node_modules"));
  fs.cpSync(path.join(root, "node_modules", "vega-datasets"), path.join(folder, "node_modules", "vega-datasets"), {
    recursive: true,
  });
  return project;
}

function forget(project) {
  fs.rmSync(path.join(project, ".millrace"), { recursive: true, force: true });
}

/** Both sides once: the same forest size, and an AUC on the last fifth of the flights that is as good. */
function sameResult(ours, theirs) {
  const printed = spawnSync(ours[0], [...ours.slice(1), "--json"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  if (printed.status !== 0) throw new Error(`millrace run ended with exit code ${printed.status}`);
  const auc = JSON.parse(printed.stdout).report.metrics.auc;
  const rival = JSON.parse(execFileSync(theirs[0], theirs.slice(1), { encoding: "utf8" }));
  console.log(
    `AUC ours ${auc.toFixed(5)}  theirs ${rival.auc.toFixed(5)}  (at least theirs - ${aucSlack}), trees theirs ${rival.trees}`,
  );
  return auc >= rival.auc - aucSlack;
}
