// What recording every answer costs: one row a request on adult's contract, the same server with each mode of the log and without.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { root } from "../../tools/setup.mjs";
import { machine, median } from "../interleave.mjs";
import { inAdultProject, load, nConnections, writeAdultBodies } from "../serve/adult.mjs";
import { printedAddress, withProcess } from "../serve/process.mjs";

const modes = ["none", "async", "sync"];
/** Of the requests without a log, so many at least with the asynchronous one. */
const leastShare = 0.9;

export function run({ rounds = 5 }) {
  return inAdultProject("log", async (folder) => {
    const bodies = writeAdultBodies(folder);
    const results = { none: [], async: [], sync: [] };
    for (let round = 0; round < rounds; ++round)
      for (const mode of modes) results[mode].push(await measure(folder, bodies, mode));
    return judge(results, rounds);
  });
}

function measure(folder, bodies, mode) {
  const script = path.join(root, "benchmarks", "serve", "log-server.mjs");
  return withProcess(process.execPath, [script, mode], folder, printedAddress, async (url, pid) => {
    const before = processorSeconds(pid);
    const one = load(`${url}/v1/models/adult/predict`, bodies);
    return { ...one, cpuMs: (1000 * (processorSeconds(pid) - before)) / (one.answered / 1000) };
  });
}

/** User and system time of a process so far, as Linux tells it; NaN elsewhere. */
function processorSeconds(pid) {
  const file = `/proc/${pid}/stat`;
  if (!fs.existsSync(file)) return NaN;
  const fields = fs
    .readFileSync(file, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function judge(results, rounds) {
  console.log(
    `one row a request, ${nConnections} connections, ${rounds} rounds interleaved, medians; ${machine()}, load ${os.loadavg()[0].toFixed(1)}`,
  );
  const beside = (mode, figure) => median(results[mode].map((one, round) => one[figure] / results.none[round][figure]));
  for (const mode of modes) {
    const of = (figure) => median(results[mode].map((one) => one[figure]));
    const failed = results[mode].reduce((sum, one) => sum + one.failed, 0);
    console.log(
      `  ${mode.padEnd(6)} ${of("perSecond").toFixed(0).padStart(7)} a second (${beside(mode, "perSecond").toFixed(3)})  p50 ${of("p50Ms").toFixed(2)} ms  p99 ${of("p99Ms").toFixed(2)} ms  processor time of 1,000 requests ${of("cpuMs").toFixed(0)} ms (${beside(mode, "cpuMs").toFixed(3)})  failed ${failed}`,
    );
    if (failed > 0) return 1;
  }
  const share = beside("async", "perSecond");
  console.log(`  requests with the asynchronous log beside none: ${share.toFixed(3)} (at least ${leastShare})`);
  return share >= leastShare ? 0 : 1;
}
