// One row a request on adult's contract, 100 trees of 31 leaves: our server beside FastAPI and scikit-learn, one process each.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { root } from "../../tools/setup.mjs";
import { machine, measured, median } from "../interleave.mjs";
import { servePython } from "../rivals/python.mjs";
import { adult, makeAdultProject, writeAdultBodies } from "../serve/adult.mjs";
import { withProcess, withServer } from "../serve/process.mjs";

const connections = 16;
const seconds = 5;
/** Rows that both must judge alike, nearly always: the models are as large, but not the same. */
const nCompared = 300;
/** At least so many times the requests a second, and at most so much of the 99th percentile. */
const rivals = [
  { name: "frame", title: "FastAPI, pipeline over a DataFrame", times: 40 },
  { name: "arrays", title: "FastAPI, bare estimator over arrays", times: 15 },
];
const latencyLimit = 0.1;

export async function run({ rounds = 3 }) {
  if (!fs.existsSync(adult)) {
    console.log(`SKIPPED: there is no ${adult}`);
    return 0;
  }
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-serve-"));
  try {
    makeAdultProject(folder);
    writeAdultBodies(folder);
    const results = { async: [], sync: [], frame: [], arrays: [] };
    for (let round = 0; round < rounds; ++round) {
      for (const log of ["async", "sync"])
        results[log].push(
          await withServer(folder, (url) => load(folder, `${url}/v1/models/adult/predict`), "--log", log),
        );
      for (const { name } of rivals) results[name].push(await rival(folder, name));
    }
    return judge(results, rounds);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

async function load(folder, url) {
  const bodies = path.join(folder, "bodies.jsonl");
  const labels = [];
  for (const body of fs.readFileSync(bodies, "utf8").split("\n").slice(0, nCompared)) {
    const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
    labels.push((await answer.json()).predictions[0].label);
  }
  const script = path.join(root, "benchmarks", "serve", "load.mjs");
  return { ...measured(process.execPath, [script, url, bodies, ...[connections, seconds].map(String)]), labels };
}

function rival(folder, way) {
  const script = path.join(root, "benchmarks", "rivals", "serve_fastapi.py");
  const isListening = (said) => (said.includes("\n") ? said.trim() : null);
  return withProcess(servePython(), [script, adult, way], folder, isListening, (url) => load(folder, url));
}

function judge(results, rounds) {
  console.log(`one row a request, ${connections} connections, ${rounds} rounds interleaved, medians; ${machine()}`);
  const of = (name, figure) => median(results[name].map((one) => one[figure]));
  for (const [name, all] of Object.entries(results)) {
    const failed = all.reduce((sum, one) => sum + one.failed, 0);
    const figures = `${of(name, "perSecond").toFixed(0).padStart(7)} a second  p50 ${of(name, "p50Ms").toFixed(2)} ms  p99 ${of(name, "p99Ms").toFixed(2)} ms`;
    console.log(`  ${name.padEnd(7)} ${figures}  failed ${failed}`);
    if (failed > 0) return 1;
  }
  const [ours] = results.async;
  const nEqual = results.frame[0].labels.filter((label, i) => label === ours.labels[i]).length;
  console.log(`  labels equal to scikit-learn's: ${nEqual} of ${nCompared} (at least 90 %)`);
  let isGood = nEqual >= 0.9 * nCompared;
  for (const { name, title, times } of rivals) {
    const ratio = median(results.async.map((one, round) => one.perSecond / results[name][round].perSecond));
    const late = median(results.async.map((one, round) => one.p99Ms / results[name][round].p99Ms));
    console.log(
      `  ${title}: ${ratio.toFixed(1)} times its requests (at least ${times}), p99 ${late.toFixed(3)} of its (at most ${latencyLimit})`,
    );
    isGood &&= ratio >= times && late <= latencyLimit;
  }
  return isGood ? 0 : 1;
}
