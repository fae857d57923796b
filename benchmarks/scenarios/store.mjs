// What the store costs when it has grown, and what it survives.
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { root, tool } from "../../tools/setup.mjs";
import { machine, median } from "../interleave.mjs";

const dist = process.env.MILLRACE_DIST ?? path.join(root, "dist");
const cli = path.join(dist, "cli", "main.js");
const module = (file) => import(path.join(dist, file));

async function withFolder(work) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-bench-"));
  try {
    return await work(folder);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Rows as 10,000 finished runs of ten pipelines with 100 metrics each would leave them. */
async function fillStore(folder, runs) {
  const { openStore } = await module("store/open.js");
  const { systemClock } = await module("core/clock.js");
  await (await openStore(folder, { clock: systemClock })).close();
  const { loadSqlite } = await module("store/sqlite.js");
  const database = new (await loadSqlite()).DatabaseSync(path.join(folder, "metadata.sqlite"));
  const run = database.prepare(
    `insert into runs (id, workflow, seed, status, started_at, finished_at, duration_ms, host, pid, process_started, sequence)
     values (?, ?, 1, ?, ?, ?, 1000, 'bench', 1, '', ?)`,
  );
  const step = database.prepare(
    "insert into steps (run_id, step, attempt, position, status) values (?, 'track', 1, 0, 'ran')",
  );
  const metric = database.prepare(
    "insert into metrics (run_id, step, attempt, metric, value) values (?, 'track', 1, ?, ?)",
  );
  const tag = database.prepare("insert into tags (run_id, tag, value) values (?, 'team', ?)");
  database.exec("begin");
  for (let i = 0; i < runs; ++i) {
    const at = Date.UTC(2026, 0, 1) + i * 60_000;
    const digits = new Date(at).toISOString().replace(/[^0-9]/g, "");
    const id = `${digits.slice(0, 8)}-${digits.slice(8, 14)}-${i.toString(16).padStart(4, "0")}`;
    run.run(id, `pipeline-${i % 10}`, i % 17 === 0 ? "failed" : "succeeded", at, at + 1000, i + 1);
    step.run(id);
    tag.run(id, `team-${i % 7}`);
    for (let m = 0; m < 100; ++m) metric.run(id, `metric-${m}`, (i * 31 + m * 7) % 1000);
  }
  database.prepare("update counters set value = ?, twin = ?").run(runs, -runs);
  database.exec("commit");
  database.close();
}

export async function runTenThousandRuns({ rounds = 21 }) {
  return withFolder(async (project) => {
    const folder = path.join(project, ".millrace");
    await fillStore(folder, 10_000);
    const { openStore } = await module("store/open.js");
    const { listRuns, showRun } = await module("engine/runs.js");
    const { systemClock } = await module("core/clock.js");
    const store = await openStore(folder, { clock: systemClock });
    const queries = {
      "first page": () => listRuns(store, { limit: 20 }),
      "first page of one pipeline": () => listRuns(store, { limit: 20, workflow: "pipeline-3" }),
      "first page of the failed": () => listRuns(store, { limit: 20, status: "failed" }),
      "first page of a tag": () => listRuns(store, { limit: 20, tag: { name: "team", value: "team-5" } }),
      "first page above a number": () =>
        listRuns(store, { limit: 20, metric: { name: "metric-3", comparison: ">", value: 500 } }),
      "one run with its 100 metrics": async () => showRun(store, (await listRuns(store, { limit: 1 }))[0].runId),
    };
    const figures = {};
    for (const [name, query] of Object.entries(queries)) figures[name] = await medianOf(rounds, query);
    await store.close();
    const whole = await medianOf(rounds, () => execFileSync(process.execPath, [cli, "runs", "--project", project]));
    const empty = await medianOf(rounds, () => execFileSync(process.execPath, ["-e", "0"]));
    console.log(`10,000 runs, 1,000,000 metrics, medians of ${rounds}; ${machine()}`);
    for (const [name, ms] of Object.entries(figures))
      console.log(`  ${name.padEnd(32)} ${ms.toFixed(1).padStart(8)} ms`);
    console.log(
      `  ${"`millrace runs`, whole process".padEnd(32)} ${whole.toFixed(1).padStart(8)} ms (\`node -e 0\`: ${empty.toFixed(1)} ms)`,
    );
    return figures["first page"] < 100 ? 0 : 1;
  });
}

async function medianOf(rounds, work) {
  const times = [];
  await work();
  for (let i = 0; i < rounds; ++i) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
  }
  return median(times);
}

const wide = `import { boosting, csv, number, pipeline } from "millrace";
export default pipeline({
  name: "wide", data: csv("wide.csv"), schema: { a: number(), b: number(), y: number() }, target: "y", model: boosting({ trees: 20 }),
});
`;

/** A CSV of a little more than 1 GB: three numbers and a long text a row. */
function writeGigabyte(file, rng) {
  const handle = fs.openSync(file, "w");
  fs.writeSync(handle, "a,b,y,note\n");
  const filler = "x".repeat(2_000);
  for (let i = 0; i < 530; ++i) {
    const rows = [];
    for (let j = 0; j < 1_000; ++j) {
      const [a, b] = [rng.next(), rng.next()];
      rows.push(`${a},${b},${a * b + rng.next()},${filler}`);
    }
    fs.writeSync(handle, `${rows.join("\n")}\n`);
  }
  fs.closeSync(handle);
  return fs.statSync(file).size;
}

export async function runNoChange({ rounds = 7 }) {
  return withFolder(async (project) => {
    fs.mkdirSync(path.join(project, "pipelines"));
    fs.writeFileSync(path.join(project, "pipelines", "wide.ts"), wide);
    const { createRng } = await module("core/rng.js");
    const bytes = writeGigabyte(path.join(project, "wide.csv"), createRng(1));
    const again = () =>
      execFileSync(process.execPath, [cli, "run", "wide", "--project", project], { encoding: "utf8" });
    const start = performance.now();
    again();
    const first = performance.now() - start;
    const ms = await medianOf(rounds, again);
    if (!/, 12 from the cache/.test(again())) throw new Error("a step ran again");
    console.log(`re-run with nothing changed on ${(bytes / 1e9).toFixed(2)} GB; ${machine()}`);
    console.log(
      `  first run ${(first / 1000).toFixed(1)} s; again, whole process, median of ${rounds}: ${ms.toFixed(0)} ms`,
    );
    return ms < 1_000 ? 0 : 1;
  });
}

/** The crash suite at length. MILLRACE_CRASH_* change the figures. */
export async function runCrashLong() {
  const env = {
    MILLRACE_CRASH_KILLS: "2000",
    MILLRACE_CRASH_SECONDS: "60",
    MILLRACE_CRASH_PROCESSES: "8",
    MILLRACE_CRASH_STATES: "20000",
    MILLRACE_CRASH_FENCINGS: "200",
    MILLRACE_CRASH_FAULTS: "all",
    MILLRACE_CRASH_MIGRATIONS: "200",
    MILLRACE_CRASH_BACKUPS: "100",
    MILLRACE_CRASH_DETECTIONS: "100",
    MILLRACE_CRASH_RETRIES: "1000",
    MILLRACE_CRASH_SERVERS: "200",
    ...process.env,
  };
  return (
    spawnSync(tool("vitest"), ["run", "test/crash", "src/store/backup.test.ts"], {
      cwd: root,
      env,
      stdio: "inherit",
      shell: process.platform === "win32",
    }).status ?? 1
  );
}
