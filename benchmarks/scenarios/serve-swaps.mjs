// A promotion every three seconds, every tenth of a damaged version, while requests come at a steady rate.
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { root } from "../../tools/setup.mjs";
import { machine } from "../interleave.mjs";
import { inAdultProject, makeAdultProject, writeAdultBodies } from "../serve/adult.mjs";
import { ours, withServer } from "../serve/process.mjs";

const perSecond = Number(process.env.MILLRACE_SWAPS_RATE ?? 500);
/** Of the time under swaps; an eighth of it goes before and an eighth after, without, for a machine may grow slower meanwhile. */
const seconds = Number(process.env.MILLRACE_SWAPS_SECONDS ?? 600);
/** 200 of them in the ten minutes of the promise. */
const swapMs = 3000;
const brokenEvery = 10;
const latencyLimit = 2;

export function run() {
  return inAdultProject("swaps", async (folder) => {
    const project = await openVersions(folder);
    try {
      return await withServer(folder, (origin) => swapUnderLoad(project, `${origin}/v1/models/adult/predict`, folder));
    } finally {
      await project.close();
    }
  });
}

async function swapUnderLoad(project, url, folder) {
  const bodies = writeAdultBodies(folder);
  const answers = await answersByVersion(project, url, bodies, folder);
  const load = (length) => steady(url, bodies, answers, length);
  const before = await load(Math.ceil(seconds / 8));
  const [during, swaps] = await Promise.all([load(seconds), swapAll(project, url, bodies)]);
  const after = await load(Math.ceil(seconds / 8));
  return judge({ before, during, after }, swaps);
}

/** The project with two more versions that differ, of which the last is damaged. */
async function openVersions(folder) {
  for (const trees of [101, 102]) makeAdultProject(folder, trees);
  const { systemClock } = await ours("core/clock.js");
  const { openProject } = await ours("app/project.js");
  const { createRegistry } = await ours("registry/registry.js");
  const project = await openProject(folder, { clock: systemClock });
  const [, , broken] = await project.registry.versions("adult");
  const file = await project.store.artifacts.verifiedPath(broken.digest);
  const bytes = fs.readFileSync(file);
  bytes[bytes.length >> 1] ^= 1;
  fs.chmodSync(file, 0o600);
  fs.writeFileSync(file, bytes);
  // Without a look at the version's model: `millrace promote` would refuse the damaged one.
  const registry = createRegistry(project.store, systemClock);
  const authority = { by: "bench", reason: "a swap", force: true };
  return {
    promote: (version) => registry.promote("adult", version, authority),
    close: () => project.close(),
  };
}

async function liveVersion(url, body) {
  const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  return answer.json();
}

/** Waits until the version answers; milliseconds that took, null where it did not within `mostMs`. */
async function untilLive(url, body, version, mostMs) {
  const start = performance.now();
  while (performance.now() - start < mostMs) {
    if ((await liveVersion(url, body)).version === version) return performance.now() - start;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return null;
}

/** Writes what each sound version answers to every body, one request at a time. */
async function answersByVersion(project, url, bodyFile, folder) {
  const bodies = fs.readFileSync(bodyFile, "utf8").split("\n");
  const answers = {};
  for (const version of [1, 2]) {
    await project.promote(version);
    if ((await untilLive(url, bodies[0], version, 30_000)) === null)
      throw new Error(`version ${version} does not go live`);
    answers[version] = [];
    for (const body of bodies) answers[version].push(JSON.stringify((await liveVersion(url, body)).predictions));
  }
  const file = path.join(folder, "answers.json");
  fs.writeFileSync(file, JSON.stringify(answers));
  return file;
}

function steady(url, bodies, answers, length) {
  const script = path.join(root, "benchmarks", "serve", "steady.mjs");
  const args = [script, url, bodies, answers, String(perSecond), String(length)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (said += text));
  return new Promise((resolve, reject) => {
    child.once("exit", (code) =>
      code === 0 ? resolve(JSON.parse(said)) : reject(new Error(`the load ended with ${code}`)),
    );
  });
}

/** Promotes in turn, evenly over the time, and counts what went live. */
async function swapAll(project, url, bodyFile) {
  const [body] = fs.readFileSync(bodyFile, "utf8").split("\n", 1);
  const begun = performance.now();
  const swaps = { sound: 0, broken: 0, live: 0, brokenLive: 0, msToLive: [] };
  let sound = 2;
  for (let i = 1; i * swapMs <= 1000 * seconds; ++i) {
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, begun + (i - 0.9) * swapMs - performance.now())));
    const isBroken = i % brokenEvery === 0;
    sound = isBroken ? sound : 3 - sound;
    await project.promote(isBroken ? 3 : sound);
    swaps[isBroken ? "broken" : "sound"] += 1;
    const ms = await untilLive(url, body, isBroken ? 3 : sound, 2000);
    if (ms !== null) swaps[isBroken ? "brokenLive" : "live"] += 1;
    if (ms !== null && !isBroken) swaps.msToLive.push(ms);
  }
  return swaps;
}

function judge(loads, { sound, broken, live, brokenLive, msToLive }) {
  console.log(
    `${perSecond} requests a second for ${seconds} s, one row each; ${machine()}, load ${os.loadavg()[0].toFixed(1)}`,
  );
  for (const [name, one] of Object.entries(loads))
    console.log(
      `  ${name.padEnd(7)} p50 ${one.p50Ms.toFixed(2)} ms  p99 ${one.p99Ms.toFixed(2)} ms  most ${one.mostMs.toFixed(1)} ms  failed ${one.failed} of ${one.requests} ${JSON.stringify(one.failures)}  by version ${JSON.stringify(one.versions)}`,
    );
  const { before, during, after } = loads;
  const ratio = (2 * during.p99Ms) / (before.p99Ms + after.p99Ms);
  const slowest = Math.max(...msToLive);
  console.log(
    `  ${sound} sound versions promoted, ${live} seen live (the slowest after ${slowest.toFixed(0)} ms); ${broken} damaged ones, ${brokenLive} live`,
  );
  console.log(`  p99 under swaps beside none: ${ratio.toFixed(2)} (at most ${latencyLimit})`);
  return before.failed + during.failed + after.failed + brokenLive === 0 && ratio <= latencyLimit ? 0 : 1;
}
