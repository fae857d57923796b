// ours.mjs <csv> <snapshot> <ingest|read|once> <rounds>: seconds of reading, and of the processor, in a process of its own, and sums of what was read.
import fs from "node:fs";
import path from "node:path";
import { root } from "../../tools/setup.mjs";

const [file, snapshot, what, rounds] = process.argv.slice(2);
const dist = process.env.MILLRACE_DIST ? path.resolve(process.env.MILLRACE_DIST) : path.join(root, "dist");
const { ingestSource } = await import(path.join(dist, "ingest", "ingest.js"));
const { readDataset } = await import(path.join(dist, "ingest", "dataset.js"));
const { csv } = await import(path.join(dist, "ingest", "source.js"));
const { silent } = await import(path.join(dist, "core", "progress.js"));

const kinds = { d: "number", i: "number", c: "category", b: "boolean", t: "timestamp" };
const head = Buffer.alloc(200);
fs.readSync(fs.openSync(file), head, 0, head.length, 0);
const names = head.toString("utf8").split("\n", 1)[0].split(",");
const columns = names.map((name) => ({ name, kind: kinds[name[0]], missing: 1, onViolation: "warn" }));
const contract = { columns };
const seconds = [];
const cpu = [];
let frame = null;
let nRows = 0;
for (let round = 0; round < Number(rounds); ++round) {
  const start = performance.now();
  const before = process.cpuUsage();
  if (what !== "read") {
    fs.rmSync(snapshot, { force: true });
    nRows = (await ingestSource({ source: csv(file), contract, root, output: snapshot, progress: silent })).nRows;
  }
  if (what !== "once") frame = await readDataset(snapshot, contract);
  seconds.push((performance.now() - start) / 1000);
  const { user, system } = process.cpuUsage(before);
  cpu.push((user + system) / 1e6);
}
const sums = {};
for (const [i, name] of (frame?.names ?? []).entries()) sums[name] = sumOf(frame.columns[i]);
const peakMb = process.resourceUsage().maxRSS / 1024;
const bestOf = (figures) => Math.min(...(figures.length > 1 ? figures.slice(1) : figures));
const figures = { seconds: bestOf(seconds), cpu: bestOf(cpu) };
console.log(JSON.stringify({ ...figures, rows: frame?.nRows ?? nRows, sums, peakMb }));

function sumOf(column) {
  let count = 0;
  let sum = 0;
  const values = column.kind === "category" ? column.codes : column.values;
  for (const value of values) {
    if (
      Number.isNaN(value) ||
      (column.kind === "boolean" && value === 255) ||
      (column.kind === "category" && value < 0)
    )
      continue;
    ++count;
    sum += column.kind === "category" ? column.levels[value].length : value;
  }
  return [count, sum];
}
