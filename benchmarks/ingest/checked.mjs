// checked.mjs <csv> <snapshot>: seconds of ingest, contract checks, profile and cleaning in a process of its own, and what was found.
import path from "node:path";
import { root } from "../../tools/setup.mjs";

const [file, snapshot] = process.argv.slice(2);
const dist = process.env.MILLRACE_DIST ? path.resolve(process.env.MILLRACE_DIST) : path.join(root, "dist");
const load = (...names) => import(path.join(dist, ...names));
const { ingestSource } = await load("ingest", "ingest.js");
const { readDataset } = await load("ingest", "dataset.js");
const { csv } = await load("ingest", "source.js");
const { silent } = await load("core", "progress.js");
const { checkContract } = await load("frame", "check.js");
const { profileFrame } = await load("validate", "profile.js");
const { cleanedRows } = await load("validate", "cleaning.js");

// The rules of rivals/ingest_checked.py.
const levelsOf = (count, prefix) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const number = (name, rules) => ({ name, kind: "number", missing: 0.1, onViolation: "quarantine", ...rules });
const kindOf = { b: "boolean", t: "timestamp" };
const columns = [
  ...Array.from({ length: 8 }, (_, i) => number(`d${i}`, { min: -3 * 10 ** (i % 4), max: 3 * 10 ** (i % 4) })),
  ...Array.from({ length: 4 }, (_, i) => number(`i${i}`, { min: i % 2 ? -900 : 0, integer: true })),
  ...[3, 12, 60, 1000].map((count, i) => ({
    name: `c${i}`,
    kind: "category",
    missing: 0.1,
    levels: levelsOf(count, i % 2 ? "level " : "k"),
    onViolation: "quarantine",
  })),
  ...["b0", "b1", "t0", "t1"].map((name) => ({ name, kind: kindOf[name[0]], missing: 0.1, onViolation: "warn" })),
];
const contract = { columns };

const before = process.cpuUsage();
const start = performance.now();
const hold = { heldBytes: Infinity, frame: null };
await ingestSource({ source: csv(file), contract, root, output: snapshot, progress: silent, hold });
// As the steps of a run do.
const frame = hold.frame ?? (await readDataset(snapshot, contract));
const check = checkContract(frame, contract);
const profile = profileFrame(frame);
const broken = new Set(check.rows("quarantine"));
const repeated = cleanedRows(frame, { duplicates: { by: null, keep: "first" }, outliers: [] }, broken);
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(before);

const ofKind = (kind) => profile.columns.filter((column) => column.kind === kind);
console.log(
  JSON.stringify({
    seconds,
    cpu: (user + system) / 1e6,
    peakMb: process.resourceUsage().maxRSS / 1024,
    found: {
      nBroken: [...check.counts.values()].reduce((sum, count) => sum + count, 0),
      nRepeated: profile.nRepeated,
      nKept: frame.nRows - broken.size - repeated.length,
      missing: profile.columns.map(({ nMissing }) => nMissing),
      levels: ofKind("category").map(({ levels }) => levels.map(([, count]) => count)),
      ranges: ofKind("number").flatMap(({ spread: { min, max } }) => [min, max]),
    },
    means: ofKind("number").map(({ spread: { mean } }) => mean),
  }),
);
