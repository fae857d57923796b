// Whole-process measurements of two commands in turn, A B A B ..., so that a drifting machine touches both alike.
import { execFileSync } from "node:child_process";
import os from "node:os";
import path from "node:path";
import { root } from "../tools/setup.mjs";

function measure(python, command) {
  const out = execFileSync(python, [path.join(root, "benchmarks", "measure.py"), ...command], { encoding: "utf8" });
  const result = JSON.parse(out);
  if (result.code !== 0) throw new Error(`${command.join(" ")} ended with exit code ${result.code}`);
  return result;
}

/** What a process prints as JSON. */
export function measured(command, args) {
  return JSON.parse(execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Medians of both commands and the median of the ratios ours / theirs, pair by pair, after `warmUps` pairs. */
export function interleave(python, { ours, theirs, rounds, warmUps = 1, beforeOurs = () => {} }) {
  const pairs = [];
  for (let round = -warmUps; round < rounds; ++round) {
    beforeOurs();
    const a = measure(python, ours);
    const b = measure(python, theirs);
    if (round >= 0) pairs.push({ a, b });
  }
  const summary = {};
  for (const figure of ["wallS", "cpuS", "peakMb"]) {
    const ratios = pairs.map(({ a, b }) => a[figure] / b[figure]);
    summary[figure] = {
      ours: median(pairs.map(({ a }) => a[figure])),
      theirs: median(pairs.map(({ b }) => b[figure])),
      ratio: median(ratios),
      lowest: Math.min(...ratios),
      highest: Math.max(...ratios),
    };
  }
  return summary;
}

export function printSummary(title, summary, rounds) {
  console.log(`${title}, ${rounds} rounds interleaved, medians; ${machine()}`);
  for (const [figure, { ours, theirs, ratio, lowest, highest }] of Object.entries(summary)) {
    console.log(
      `  ${figure.padEnd(7)} ours ${ours.toFixed(3).padStart(9)}  theirs ${theirs.toFixed(3).padStart(9)}  ratio ${ratio.toFixed(3)} (${lowest.toFixed(3)} to ${highest.toFixed(3)})`,
    );
  }
}

export function machine() {
  return `${os.cpus()[0]?.model ?? "unknown processor"}, ${os.availableParallelism()} threads, Node ${process.versions.node}`;
}
