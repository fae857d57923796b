// The whole loop with a later month of real flights, asserted: train on January to March, serve, send June's flights through
// the typed client, watch, let new data arrive, and see drift start a run whose model goes live without a failed request.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ensureBuilt, ensureInstalled, root } from "../../tools/setup.mjs";

const example = import.meta.dirname;
const cli = path.join(root, "dist", "cli", "main.js");
const allFlights = path.join(root, "node_modules", "vega-datasets", "data", "flights-3m.parquet");
const model = "flight-delays";
const nAsked = 4000;
const driftExit = 4;

ensureInstalled();
ensureBuilt();
const { connect } = await import("millrace");

const project = await fs.mkdtemp(path.join(os.tmpdir(), "millrace-later-month-"));
const dataFile = path.join(project, "data", "flights.parquet");
/** Commands and servers under way, ended with this program whatever happens. */
const children = new Set();
const stopAll = () => children.forEach((child) => child.kill("SIGTERM"));
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, stopAll);

const start = performance.now();
try {
  await story();
  say(`all as expected, in ${Math.round((performance.now() - start) / 1000)} s`);
} finally {
  await Promise.all([...children].map((child) => end(child)));
  await fs.rm(project, { recursive: true, force: true });
}

async function story() {
  say("1. January to March: every tenth flight trains version 1");
  await fs.mkdir(path.join(project, "pipelines"));
  await fs.mkdir(path.dirname(dataFile));
  await fs.copyFile(path.join(example, "later-month.pipeline.ts"), path.join(project, "pipelines", `${model}.ts`));
  await writeFlights(3);
  const first = JSON.parse((await millrace("run", model, "--json")).stdout);
  assert.equal(first.version, 1);
  assert.ok(first.promoted, "version 1 is the champion");
  tell(`version 1 is the champion: ${first.verdict.reasons.map((reason) => reason.text).join("; ")}`);

  say("2. millrace up serves it");
  const up = await startUp();
  const traffic = keepAsking(up.url, await flights("month(date) = 6", 500));

  say(`3. June: ${nAsked.toLocaleString("en")} flights of a later month, through the typed client`);
  await ask(up.url, await flights("month(date) = 6", nAsked));
  const june = await monitor();
  assert.equal(june.report.verdict, "ok", "June is like January to March in all that requests say");
  assert.equal(june.code, 0);
  tell("June's traffic is what the model knows: nothing to do, and nothing is done.");

  say("4. The later months' data arrive: the file now holds January to June");
  await writeFlights(6);
  await sleep(2500);
  assert.ok(!up.said.some((line) => line.includes("retraining")), "new data alone start no run: no drift, no cron");
  tell("No drift, so no run.");

  say(
    `5. A new client asks about departures from Chicago O'Hare alone: ${nAsked.toLocaleString("en")} real ones of June`,
  );
  await ask(up.url, await flights("month(date) = 6 and origin = 'ORD'", nAsked));
  const hub = await monitor();
  assert.equal(hub.code, driftExit, "drift has an exit code of its own");
  const origin = hub.report.columns.find((column) => column.column === "origin");
  assert.ok(origin.reasons.includes("psi"), "the origins drifted");
  tell(
    `drift, exit code ${hub.code}: the origins' PSI is ${origin.psi.toFixed(2)}, the limit is ${hub.report.limits.psi}`,
  );

  say("6. The drift trigger of `up` starts a run, in a process of its own, through the same gate");
  await up.until((line) => line.includes("version 2 is live"));
  await sleep(1000);
  const { asked, failed, answered } = await traffic.stop();
  const [registered] = JSON.parse((await millrace("models", "--json")).stdout).models;
  const second = registered.versions.find((version) => version.version === 2);
  const beaten = second.verdict.reasons.find((reason) => reason.rule === "beatsChampion");
  assert.ok(
    beaten.passed && beaten.comparison.version === 1,
    "it was promoted because it beat version 1 on the new test rows",
  );
  tell(`version 2 passed the gate: ${beaten.text}`);
  assert.equal(failed, 0, "no request failed");
  const versions = answered.map(({ version }) => version);
  assert.deepEqual(versions, [1, 2], "version 1 answered, then version 2, and never 1 again");
  const shares = answered.map(({ version, count }) => `${count} answered by version ${version}`).join(", ");
  tell(`${asked} more requests, one after another all the while: 0 failed, ${shares}, no restart`);
  assert.equal(await end(up.child), 0, "up drains and ends well");
}

/** Every tenth flight from January to the given month replaces the project's data file, by a rename. */
async function writeFlights(lastMonth) {
  const fresh = `${dataFile}.new`;
  const selected = `select date, distance, origin, destination, delay >= 15 as delayed from flights where row % 10 = 0 and month(date) <= ${lastMonth}`;
  await query(`copy (${selected}) to '${fresh.replaceAll("'", "''")}' (format parquet)`);
  await fs.rename(fresh, dataFile);
}

/** Up to `n` flights as request rows, spread evenly over those that meet the condition. */
async function flights(condition, n) {
  const selected = `select date, distance, origin, destination, row_number() over (order by row) as i, count(*) over () as total from flights where ${condition}`;
  const rows = await query(
    `select epoch_ms(date) as date, distance::double as distance, origin, destination from (${selected}) where i % (total // ${n}) = 0 order by i limit ${n}`,
  );
  return rows.map((row) => ({ ...row, date: new Date(Number(row.date)).toISOString() }));
}

/** Rows of a query over the table `flights`: the 3,000,000 flights with their row numbers. */
async function query(statement) {
  const { DuckDBConnection } = await import("@duckdb/node-api");
  const connection = await DuckDBConnection.create();
  try {
    const file = allFlights.replaceAll("'", "''");
    await connection.run(
      `create view flights as select *, file_row_number as row from read_parquet('${file}', file_row_number = true)`,
    );
    return (await connection.runAndReadAll(statement)).getRowObjects();
  } finally {
    connection.closeSync();
  }
}

/** Sends rows through the typed client in batches; the prediction log then has them within its second. */
async function ask(url, rows) {
  assert.equal(rows.length, nAsked);
  /** @type {import("millrace").Client<typeof import("./later-month.pipeline.ts").default>} */
  const client = connect(url, model);
  const answers = [];
  for (let i = 0; i < rows.length; i += 200) answers.push(...(await client.predictMany(rows.slice(i, i + 200))));
  const mean = answers.reduce((sum, answer) => sum + answer.probabilities.true, 0) / answers.length;
  tell(`${answers.length} answers; mean probability of 15 minutes' delay or more: ${mean.toFixed(3)}`);
  await sleep(1500);
}

/** One row after another, so that a request is always near when the champions are swapped. */
function keepAsking(url, rows) {
  /** How many answers in a row came from one version. */
  const answered = [];
  const stopping = new AbortController();
  let [asked, failed] = [0, 0];
  const done = (async () => {
    while (!stopping.signal.aborted) {
      const version = await askedVersion(url, rows[asked++ % rows.length]);
      if (version === null) ++failed;
      else if (answered.at(-1)?.version === version) ++answered.at(-1).count;
      else answered.push({ version, count: 1 });
      await sleep(50);
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await done;
      return { asked, failed, answered };
    },
  };
}

/** The version that answers a row, which the typed client does not tell; null where the request failed. */
async function askedVersion(url, row) {
  const headers = { "content-type": "application/json" };
  const request = { method: "POST", headers, body: JSON.stringify({ rows: [row] }) };
  const response = await fetch(`${url}/v1/models/${model}/predict`, request).catch(() => null);
  return response?.ok ? (await response.json()).version : null;
}

/** `millrace monitor`, printed as a person sees it; the report as a program reads it. */
async function monitor() {
  console.log(`  $ millrace monitor ${model}`);
  const { code, stdout } = await millrace("monitor", model);
  for (const line of stdout.trimEnd().split("\n")) console.log(`  ${line}`.trimEnd());
  return { code, report: JSON.parse((await millrace("monitor", model, "--json")).stdout) };
}

/** Runs one command to its end; drift is a result, any other code but 0 is not. */
async function millrace(...args) {
  const { child, output } = spawnMillrace(args);
  const code = await exitOf(child);
  assert.ok(code === 0 || code === driftExit, `millrace ${args.join(" ")} ended with ${code}: ${output.text}`);
  return { code, stdout: output.text };
}

/** Starts `millrace up` on a free port; resolves when it answers. Its lines are printed as they come. */
async function startUp() {
  const said = [];
  const { child, output } = spawnMillrace(["up", "--port", "0"], (line) => {
    said.push(line);
    tell(`up | ${line}`);
  });
  const until = async (isIt) => {
    const deadline = performance.now() + 120_000;
    for (;;) {
      const line = said.find(isIt);
      if (line !== undefined) return line;
      assert.ok(child.exitCode === null && performance.now() < deadline, `up did not say it: ${output.text}`);
      await sleep(50);
    }
  };
  const line = await until((text) => text.startsWith("serving "));
  return { child, said, until, url: /http:\/\/\S+/.exec(line)[0] };
}

function spawnMillrace(args, onLine = () => {}) {
  const child = spawn(process.execPath, [cli, ...args, "--project", project], { stdio: ["ignore", "pipe", "inherit"] });
  children.add(child);
  child.once("exit", () => children.delete(child));
  const output = { text: "" };
  let rest = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    output.text += text;
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    lines.forEach(onLine);
  });
  return { child, output };
}

async function end(child) {
  child.kill("SIGTERM");
  return exitOf(child);
}

function exitOf(child) {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve(child.exitCode);
    else child.once("close", resolve);
  });
}

function say(text) {
  console.log(`\n${text}`);
}

function tell(text) {
  console.log(`  ${text}`);
}
