// A promotion every three seconds, every tenth of a damaged version, while requests come at a steady rate.
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { root } from "../../tools/setup.mjs";
import { machine, median } from "../interleave.mjs";
import { inAdultProject, makeAdultProject, writeAdultBodies } from "../serve/adult.mjs";
import { ours, withServer } from "../serve/process.mjs";

const perSecond = Number(process.env.MILLRACE_SWAPS_RATE ?? 500);
/** Of the time under swaps, which comes in turns with a quarter of it without: what else the machine does then meets both. */
const seconds = Number(process.env.MILLRACE_SWAPS_SECONDS ?? 600);
const turns = Math.max(1, Math.round(seconds / 60));
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
  const swaps = startSwaps(project, url, bodies);
  const [still, swapped] = [[], []];
  for (let turn = 0; turn < turns; ++turn) {
    still.push(await load(Math.ceil(seconds / turns / 4)));
    const [one] = await Promise.all([load(Math.ceil(seconds / turns)), swaps.promoteFor(seconds / turns)]);
    swapped.push(one);
  }
  return judge({ still, swapped }, swaps.counts);
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

/** Promotes in turn, evenly over so many seconds at a time, and counts what went live. */
function startSwaps(project, url, bodyFile) {
  const [body] = fs.readFileSync(bodyFile, "utf8").split("\n", 1);
  const counts = { sound: 0, broken: 0, live: 0, brokenLive: 0, msToLive: [] };
  let sound = 2;
  const swap = async () => {
    const isBroken = (counts.sound + counts.broken + 1) % brokenEvery === 0;
    sound = isBroken ? sound : 3 - sound;
    await project.promote(isBroken ? 3 : sound);
    counts[isBroken ? "broken" : "sound"] += 1;
    const ms = await untilLive(url, body, isBroken ? 3 : sound, 2000);
    if (ms !== null) counts[isBroken ? "brokenLive" : "live"] += 1;
    if (ms !== null && !isBroken) counts.msToLive.push(ms);
  };
  return {
    counts,
    async promoteFor(time) {
      const begun = performance.now();
      for (let i = 1; i * swapMs <= 1000 * time; ++i) {
        await new Promise((resolve) =>
          setTimeout(resolve, Math.max(0, begun + (i - 0.9) * swapMs - performance.now())),
        );
        await swap();
      }
    },
  };
}

function judge({ still, swapped }, { sound, broken, live, brokenLive, msToLive }) {
  console.log(
    `${perSecond} requests a second for ${seconds} s in ${turns} turns, one row each; ${machine()}, load ${os.loadavg()[0].toFixed(1)}`,
  );
  for (const [name, loads] of Object.entries({ still, swapped })) tell(name, loads);
  const ratios = swapped.map(({ p99Ms }, turn) => p99Ms / still[turn].p99Ms);
  const ratio = median(ratios);
  const slowest = Math.max(...msToLive);
  console.log(
    `  ${sound} sound versions promoted, ${live} seen live (the slowest after ${slowest.toFixed(0)} ms); ${broken} damaged ones, ${brokenLive} live`,
  );
  const all = ratios.map((one) => one.toFixed(2)).join(" ");
  console.log(`  p99 under swaps beside none: ${ratio.toFixed(2)} (at most ${latencyLimit}), the median of ${all}`);
  const failed = [...still, ...swapped].reduce((sum, one) => sum + one.failed, 0);
  return failed + brokenLive === 0 && ratio <= latencyLimit ? 0 : 1;
}

/** Medians of the turns, and the worst of all. */
function tell(name, loads) {
  const ms = (of) => `${of(loads).toFixed(2)} ms`;
  const total = (of) => loads.reduce((sum, one) => sum + of(one), 0);
  const versions = [1, 2].map((version) => `${total((one) => one.versions[version] ?? 0)} by version ${version}`);
  console.log(
    `  ${name.padEnd(7)} p50 ${ms((all) => median(all.map((one) => one.p50Ms)))}  p99 ${ms((all) => median(all.map((one) => one.p99Ms)))}` +
      `  most ${ms((all) => Math.max(...all.map((one) => one.mostMs)))}  failed ${total((one) => one.failed)} of ${total((one) => one.requests)}  ${versions.join(", ")}`,
  );
  for (const { failures } of loads)
    if (Object.keys(failures).length > 0) console.log(`    ${JSON.stringify(failures)}`);
}
