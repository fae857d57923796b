// CSV to an immutable snapshot and typed columns beside pandas.read_csv, each in fresh processes in turn.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { root } from "../../tools/setup.mjs";
import { machine, median } from "../interleave.mjs";
import { rivalPython } from "../rivals/python.mjs";

const script = (...names) => path.join(root, "benchmarks", ...names);
/** Readings within a process; the best after the first counts, for either side. */
const readings = 4;

const measured = (command, args) => JSON.parse(execFileSync(command, args, { encoding: "utf8" }));
const ours = (...args) => measured(process.execPath, [script("ingest", "ours.mjs"), ...args.map(String)]);
const pandas = (file, engine) =>
  measured(rivalPython(), [script("rivals", "ingest_csv.py"), file, engine, `${readings}`]);

function withFile(rows, work) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-ingest-bench-"));
  try {
    const file = path.join(folder, "data.csv");
    execFileSync(rivalPython(), [script("rivals", "ingest_data.py"), file, `${rows}`]);
    return work(file, path.join(folder, "snapshot.parquet"));
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Rows, counts and sums of every column must agree before times are compared. */
function requireEqual(one, other) {
  if (one.rows !== other.rows) throw new Error(`${one.rows} rows are not ${other.rows}`);
  for (const [name, [count, sum]] of Object.entries(other.sums)) {
    const [ownCount, ownSum] = one.sums[name];
    const isNear = Math.abs(ownSum - sum) <= 1e-9 * Math.max(1, Math.abs(sum));
    if (ownCount !== count || !isNear) throw new Error(`${name}: ${ownCount}, ${ownSum} is not ${count}, ${sum}`);
  }
}

export const runCsv1m = (options) => compare("ingest", "CSV to snapshot and columns", 1.0, options);
export const runParquet1m = (options) => compare("read", "snapshot to columns", 0.4, options);

function compare(what, title, limit, { rounds = 5 }) {
  return withFile(1_000_000, (file, snapshot) => {
    requireEqual(ours(file, snapshot, "ingest", 1), pandas(file, "c"));
    const all = { ours: [], c: [], pyarrow: [] };
    for (let round = 0; round < rounds; ++round) {
      all.ours.push(ours(file, snapshot, what, readings));
      all.c.push(pandas(file, "c"));
      all.pyarrow.push(pandas(file, "pyarrow"));
    }
    console.log(`${title}, 1,000,000 x 20, ${rounds} rounds interleaved, medians; ${machine()}`);
    const of = (name, figure) => median(all[name].map((one) => one[figure])).toFixed(3);
    for (const name of Object.keys(all))
      console.log(`  ${name.padEnd(8)} ${of(name, "seconds")} s, processor ${of(name, "cpu")} s`);
    const ratioOf = (figure) => median(all.ours.map((one, round) => one[figure] / all.c[round][figure]));
    const ratio = ratioOf("seconds");
    const processor = ratioOf("cpu").toFixed(3);
    console.log(`  of pandas.read_csv (C engine): time ${ratio.toFixed(3)} (at most ${limit}), processor ${processor}`);
    return ratio <= limit ? 0 : 1;
  });
}

/** Ingest, contract checks, profile and cleaning, beside the same with pandas and Pandera. */
export function runChecked1m({ rounds = 3 }) {
  const sides = {
    ours: (file, snapshot) => measured(process.execPath, [script("ingest", "checked.mjs"), file, snapshot]),
    theirs: (file) => measured(rivalPython(), [script("rivals", "ingest_checked.py"), file]),
  };
  return withFile(1_000_000, (file, snapshot) => {
    requireSameFindings(sides.ours(file, snapshot), sides.theirs(file));
    const all = { ours: [], theirs: [] };
    for (let round = 0; round < rounds; ++round)
      for (const [name, run] of Object.entries(sides)) all[name].push(run(file, snapshot));
    console.log(
      `CSV read, checked, profiled, cleaned, 1,000,000 x 20, ${rounds} rounds interleaved, medians; ${machine()}`,
    );
    const of = (name, figure) => median(all[name].map((one) => one[figure]));
    for (const name of Object.keys(sides)) {
      const [seconds, cpu, peakMb] = ["seconds", "cpu", "peakMb"].map((figure) => of(name, figure));
      console.log(
        `  ${name.padEnd(6)} ${seconds.toFixed(2)} s, processor ${cpu.toFixed(2)} s, peak ${peakMb.toFixed(0)} MB`,
      );
    }
    const ratioOf = (figure) => median(all.ours.map((one, round) => one[figure] / all.theirs[round][figure]));
    const ratio = ratioOf("seconds");
    console.log(
      `  of pandas and Pandera: time ${ratio.toFixed(3)} (at most 0.25), processor ${ratioOf("cpu").toFixed(3)}`,
    );
    return ratio <= 0.25 ? 0 : 1;
  });
}

/** The same cells break rules, the same rows stay, and the profiles agree. */
function requireSameFindings(one, other) {
  const [own, theirs] = [one, other].map(({ found }) => JSON.stringify(found));
  if (own !== theirs) throw new Error(`${own} is not ${theirs}`);
  for (const [i, mean] of one.means.entries())
    if (Math.abs(mean - other.means[i]) > 1e-9 * Math.max(1, Math.abs(mean)))
      throw new Error(`${mean} is not ${other.means[i]}`);
}

/** MILLRACE_INGEST_GB chooses the size. */
export function runCsv10gb() {
  const bytes = Number(process.env.MILLRACE_INGEST_GB ?? 10) * 1e9;
  return withFile(250_000, (file, snapshot) => {
    const part = fs.readFileSync(file);
    const handle = fs.openSync(file, "a");
    const rows = part.subarray(part.indexOf(10) + 1);
    let size = part.length;
    for (; size < bytes; size += rows.length) fs.writeSync(handle, rows);
    fs.closeSync(handle);
    const { seconds, rows: nRows, peakMb } = ours(file, snapshot, "once", 1);
    console.log(`CSV of ${(size / 1e9).toFixed(1)} GB to a snapshot; ${machine()}`);
    console.log(`  ${nRows} rows, ${seconds.toFixed(1)} s, peak ${peakMb.toFixed(0)} MB (at most 2000)`);
    return peakMb <= 2_000 ? 0 : 1;
  });
}
