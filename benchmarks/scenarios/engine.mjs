// The engine's own cost: steps that do next to nothing, durable commits, everything on record.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { machine, median } from "../interleave.mjs";
import { root } from "../../tools/setup.mjs";

const dist = process.env.MILLRACE_DIST ?? path.join(root, "dist");
const load = (module) => import(path.join(dist, module));

const forty = `
import { step, workflow } from "millrace";
let last = step({ name: "s0", run: async () => { await new Promise((done) => setTimeout(done, 10)); return 0; } });
for (let i = 1; i < 40; ++i) {
  const before = last;
  last = step({ name: \`s\${i}\`, inputs: { n: before.output }, params: { i }, run: async ({ inputs, record }) => {
    await new Promise((done) => setTimeout(done, 10));
    record({ n: inputs.n });
    return inputs.n + 1;
  } });
}
export default workflow({ name: "forty", steps: [last] });
`;

const fan = `
import { map, step, workflow } from "millrace";
const list = step({ name: "list", run: () => Array.from({ length: 1000 }, (_, i) => i) });
const each = map(list.output, (n) => step({ name: "each", inputs: { n }, run: ({ inputs }) => inputs.n * 2 }));
const sum = step({ name: "sum", inputs: { all: each.output }, run: ({ inputs }) => inputs.all.reduce((a, b) => a + b, 0) });
export default workflow({ name: "fan", steps: [sum] });
`;

/** Milliseconds of the run alone, each round in a project and a store of its own. */
async function runOnce(name, source, inline) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-bench-"));
  try {
    fs.mkdirSync(path.join(folder, "pipelines"));
    fs.writeFileSync(path.join(folder, "pipelines", `${name}.ts`), source);
    const { openProject } = await load("app/project.js");
    const { loadDefinition } = await load("app/pipelines.js");
    const { runLoadedWorkflow } = await load("app/run-workflow.js");
    const { systemClock } = await load("core/clock.js");
    const project = await openProject(folder, { clock: systemClock });
    try {
      const loaded = await loadDefinition(folder, name);
      const result = await runLoadedWorkflow(project, loaded, { inline });
      if (result.error) throw result.error;
      return result.durationMs;
    } finally {
      await project.close();
    }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** One durable write as this disk and its other users let it be: what no engine can undercut. */
function syncMs() {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "millrace-bench-")), "file");
  const handle = fs.openSync(file, "w");
  const times = Array.from({ length: 50 }, () => {
    const start = performance.now();
    fs.writeSync(handle, "x");
    fs.fsyncSync(handle);
    return performance.now() - start;
  });
  fs.closeSync(handle);
  fs.rmSync(path.dirname(file), { recursive: true });
  return median(times);
}

async function measure(title, name, source, limits, rounds) {
  console.log(`${title}, ${rounds} rounds, medians; ${machine()}; one fsync here takes ${syncMs().toFixed(2)} ms`);
  let missed = 0;
  for (const [runner, limitMs] of Object.entries(limits)) {
    const times = [];
    for (let round = -1; round < rounds; ++round) {
      const ms = await runOnce(name, source, runner === "inline");
      if (round >= 0) times.push(ms);
    }
    const ms = median(times);
    if (ms > limitMs) missed += 1;
    const spread = `${Math.min(...times).toFixed(0)} to ${Math.max(...times).toFixed(0)}`;
    console.log(`  ${runner.padEnd(8)} ${ms.toFixed(0).padStart(6)} ms (${spread}), aim ${limitMs} ms`);
  }
  return missed === 0 ? 0 : 1;
}

export const runFortySteps = ({ rounds = 9 }) =>
  measure("40 steps of 10 ms, one after another", "forty", forty, { inline: 450, process: 800 }, rounds);

export const runFanOut = ({ rounds = 5 }) =>
  measure("fan-out over 1,000 elements", "fan", fan, { inline: 3000, process: 3000 }, rounds);
