// One row a request on adult's contract, 100 trees of 31 leaves: our server beside those of Python with scikit-learn, one process each.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { root } from "../../tools/setup.mjs";
import { machine, median } from "../interleave.mjs";
import { hasPackage, servePython } from "../rivals/python.mjs";
import { adult, inAdultProject, load, nConnections, writeAdultBodies } from "../serve/adult.mjs";
import { printedAddress, withProcess, withServer } from "../serve/process.mjs";

/** Rows whose answers are compared: the rivals' must be the same, ours nearly always, for our model is as large but another. */
const nCompared = 300;
/** At least so many times the requests a second, and at most so much of the 99th percentile. */
const rivals = [
  { way: "fastapi-frame", needs: "fastapi", title: "FastAPI, pipeline over a DataFrame", times: 40 },
  { way: "fastapi-arrays", needs: "fastapi", title: "FastAPI, bare estimator over arrays", times: 15 },
  { way: "bentoml", needs: "bentoml", title: "BentoML, pipeline over a DataFrame", times: 10 },
  { way: "mlflow", needs: "mlflow", title: "MLflow's scorer", times: 10, member: "dataframe_records" },
];
const latencyLimit = 0.1;

export function run({ rounds = 3 }) {
  const present = rivals.filter(({ needs, title }) => {
    const isPresent = hasPackage(servePython(), needs);
    if (!isPresent) console.log(`SKIPPED: ${title}: ${servePython()} has no ${needs}`);
    return isPresent;
  });
  return inAdultProject("serve", async (folder) => {
    const results = Object.fromEntries(["async", "sync", ...present.map(({ way }) => way)].map((name) => [name, []]));
    for (let round = 0; round < rounds; ++round) {
      for (const log of ["async", "sync"]) results[log].push(await ours(folder, log));
      for (const one of present) results[one.way].push(await rival(folder, one));
    }
    return judge(results, present, rounds);
  });
}

function ours(folder, log) {
  const use = (url) => ask(`${url}/v1/models/adult/predict`, writeAdultBodies(folder));
  return withServer(folder, use, "--log", log);
}

function rival(folder, { way, member }) {
  const script = path.join(root, "benchmarks", "rivals", "serve_adult.py");
  const use = (url) => ask(url, writeAdultBodies(folder, member));
  return withProcess(servePython(), [script, adult, way], folder, printedAddress, use);
}

async function ask(url, bodies) {
  const shares = [];
  for (const body of fs.readFileSync(bodies, "utf8").split("\n").slice(0, nCompared)) {
    const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
    const [prediction] = (await answer.json()).predictions;
    // MLflow's are an array in the order of the labels.
    shares.push(Array.isArray(prediction) ? prediction[1] : prediction.probabilities[">50K"]);
  }
  return { ...load(url, bodies), shares };
}

function judge(results, present, rounds) {
  console.log(
    `one row a request, ${nConnections} connections, ${rounds} rounds interleaved, medians; ${machine()}, load ${os.loadavg()[0].toFixed(1)}`,
  );
  const of = (name, figure) => median(results[name].map((one) => one[figure]));
  for (const [name, all] of Object.entries(results)) {
    const failed = all.reduce((sum, one) => sum + one.failed, 0);
    const figures = `${of(name, "perSecond").toFixed(0).padStart(7)} a second  p50 ${of(name, "p50Ms").toFixed(2)} ms  p99 ${of(name, "p99Ms").toFixed(2)} ms`;
    console.log(`  ${name.padEnd(14)} ${figures}  failed ${failed}`);
    if (failed > 0) return 1;
  }
  return areAlike(results, present) && present.map((rival) => isBeaten(results, rival)).every(Boolean) ? 0 : 1;
}

/** Whether all rivals give one model's answers, and ours the same label nearly always. */
function areAlike(results, present) {
  const [ours] = results.async;
  return present
    .map(({ way, title }) => {
      const [{ shares }] = results[way];
      const nSame = shares.filter((share, i) => share === results[present[0].way][0].shares[i]).length;
      const nAgreed = shares.filter((share, i) => share > 0.5 === ours.shares[i] > 0.5).length;
      console.log(
        `  ${title}: ${nSame} of ${nCompared} probabilities are the first rival's (all), ${nAgreed} labels ours (at least 90 %)`,
      );
      return nSame === nCompared && nAgreed >= 0.9 * nCompared;
    })
    .every(Boolean);
}

function isBeaten(results, { way, title, times }) {
  const beside = (figure) => median(results.async.map((one, round) => one[figure] / results[way][round][figure]));
  const [ratio, late] = [beside("perSecond"), beside("p99Ms")];
  console.log(
    `  ${title}: ${ratio.toFixed(1)} times its requests (at least ${times}), p99 ${late.toFixed(3)} of its (at most ${latencyLimit})`,
  );
  return ratio >= times && late <= latencyLimit;
}
