// Scoring a file: `millrace predict` from Parquet to Parquet beside pandas and a scikit-learn pipeline, whole processes.
import { execFileSync } from "node:child_process";
import path from "node:path";
import { interleave, printSummary } from "../interleave.mjs";
import { adult, inAdultProject } from "../serve/adult.mjs";
import { cli } from "../serve/process.mjs";
import { rivalPython } from "../rivals/python.mjs";
import { root } from "../../tools/setup.mjs";

const nRows = Number(process.env.MILLRACE_BATCH_ROWS ?? 10_000_000);
const timeLimit = 0.3;
/** Peak memory of ten times the rows beside that of these: flat is 1. */
const memoryLimit = 1.3;

export function run({ rounds = 3 }) {
  return inAdultProject("batch", (folder) => scoreFiles(folder, rounds));
}

function scoreFiles(folder, rounds) {
  const python = rivalPython();
  const file = (name) => path.join(folder, name);
  const script = path.join(root, "benchmarks", "rivals", "predict_batch.py");
  const out = ["-o", file("ours.parquet"), "--project", folder];
  const own = (rows) => [process.execPath, cli, "predict", "adult", file(`${rows}.parquet`), ...out];
  for (const rows of [nRows, nRows / 10])
    execFileSync(python, [script, "--prepare", adult, file("model.pickle"), file(`${rows}.parquet`), String(rows)]);
  const theirs = [python, script, file("model.pickle"), file(`${nRows}.parquet`), file("theirs.parquet")];
  const summary = interleave(python, { ours: own(nRows), theirs, rounds, warmUps: 0 });
  printSummary(`scoring ${nRows} rows of adult, Parquet to Parquet`, summary, rounds);
  const flat = interleave(python, { ours: own(nRows), theirs: own(nRows / 10), rounds: 1, warmUps: 0 });
  console.log(`  peak memory beside a tenth of the rows: ${flat.peakMb.ratio.toFixed(2)} (at most ${memoryLimit})`);
  return summary.wallS.ratio <= timeLimit && flat.peakMb.ratio <= memoryLimit ? 0 : 1;
}
