// Servers that are told to stop while requests are open: every one that was sent before is answered, and the process ends in time.
import { spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import { inAdultProject, nConnections, writeAdultBodies } from "../serve/adult.mjs";
import { cli, listeningUrl } from "../serve/process.mjs";

const nServers = Number(process.env.MILLRACE_DRAINS ?? 100);
const loadMs = 300;
const mostMs = 10_000;

export function run() {
  const stopAll = async (folder) => {
    const bodies = fs.readFileSync(writeAdultBodies(folder), "utf8").split("\n");
    const stops = [];
    for (let i = 0; i < nServers; ++i) stops.push(await stopUnderLoad(folder, bodies));
    return judge(stops);
  };
  return inAdultProject("drain", stopAll, 10);
}

async function stopUnderLoad(folder, bodies) {
  const child = spawn(process.execPath, [cli, "serve", "--port", "0", "--json", "--log", "sync"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const url = `${await listeningUrl(child)}/v1/models/adult/predict`;
  const agent = new http.Agent({ keepAlive: true, maxSockets: nConnections });
  const stop = { answered: 0, lost: [], later: 0, told: 0, code: null, ms: 0, isOver: false };
  let signalledAt = Infinity;
  const loop = async () => {
    for (let i = 0; !stop.isOver; ++i) {
      const begunAt = performance.now();
      const { fault, isLast } = await ask(agent, url, bodies[i % bodies.length]);
      if (fault === null) ++stop.answered;
      else if (begunAt < signalledAt) stop.lost.push(fault);
      else ++stop.later;
      if (fault === null && isLast) ++stop.told;
      // Nobody listens any more.
      if (fault !== null) return;
    }
  };
  const loops = Array.from({ length: nConnections }, loop);
  await new Promise((resolve) => setTimeout(resolve, loadMs));
  const ended = new Promise((resolve) => child.once("exit", resolve));
  signalledAt = performance.now();
  child.kill("SIGTERM");
  const limit = setTimeout(() => child.kill("SIGKILL"), 2 * mostMs);
  stop.code = await ended;
  clearTimeout(limit);
  stop.ms = performance.now() - signalledAt;
  stop.isOver = true;
  await Promise.all(loops);
  agent.destroy();
  return stop;
}

/** Why a request has no answer, null where it has; and whether the answer says that the connection ends. */
function ask(agent, url, body) {
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  return new Promise((resolve) => {
    const failed = (error) => resolve({ fault: error.code ?? String(error) });
    const request = http.request(url, { method: "POST", agent, headers }, (response) => {
      response.resume().on("error", failed);
      response.on("end", () =>
        resolve({
          fault: response.statusCode === 200 ? null : `status ${response.statusCode}`,
          isLast: response.headers.connection === "close",
        }),
      );
    });
    request.on("error", failed).end(body);
  });
}

function judge(stops) {
  const sum = (of) => stops.reduce((total, stop) => total + of(stop), 0);
  const lost = stops.flatMap((stop) => stop.lost);
  const slowest = Math.max(...stops.map(({ ms }) => ms));
  const nBad = stops.filter(({ code }) => code !== 0).length;
  console.log(
    `${stops.length} servers told to stop under ${nConnections} connections: ${sum((stop) => stop.answered)} requests answered`,
  );
  console.log(`  ${lost.length} sent before the signal and lost (at most 0) ${JSON.stringify([...new Set(lost)])}`);
  console.log(
    `  ${sum((stop) => stop.told)} answers said that the connection ends; ${sum((stop) => stop.later)} requests came too late`,
  );
  console.log(`  the slowest ended after ${slowest.toFixed(0)} ms (at most ${mostMs}), ${nBad} not with exit code 0`);
  return lost.length === 0 && nBad === 0 && slowest <= mostMs ? 0 : 1;
}
