// A whole `millrace run` over a table of which the columns, as doubles, take far more than the run does.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { root } from "../../tools/setup.mjs";
import { machine } from "../interleave.mjs";
import { rivalPython } from "../rivals/python.mjs";
import { cli, millrace, ours } from "../serve/process.mjs";

const nRows = Number(process.env.MILLRACE_LARGER_ROWS ?? 8_000_000);
const nColumns = 30;
/** What a run may hold of the dataset at a time. */
const datasetMb = 128;
/** Peak memory of the whole run beside all columns as doubles. */
const limit = 0.6;

export async function run() {
  const python = rivalPython();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-larger-"));
  try {
    fs.mkdirSync(path.join(folder, "pipelines"));
    for (const rows of [200_000, nRows]) {
      await writeTable(path.join(folder, `${rows}.parquet`), rows);
      fs.writeFileSync(path.join(folder, "pipelines", `of-${rows}.ts`), definition(rows));
    }
    if (!isSameModel(folder, "of-200000")) return 1;
    const command = [process.execPath, cli, "run", `of-${nRows}`, "--no-cache", "--project", folder];
    const { code, wallS, cpuS, peakMb } = JSON.parse(
      execFileSync(python, [path.join(root, "benchmarks", "measure.py"), ...command], {
        encoding: "utf8",
        env: { ...process.env, MILLRACE_DATASET_MB: String(datasetMb) },
      }),
    );
    if (code !== 0) throw new Error(`millrace run ended with exit code ${code}`);
    const doublesMb = (nRows * nColumns * 8) / 2 ** 20;
    const ratio = peakMb / doublesMb;
    console.log(`${nRows} x ${nColumns} from Parquet to a judged model, ${datasetMb} MB of it held; ${machine()}`);
    console.log(`  ${wallS.toFixed(1)} s, ${cpuS.toFixed(1)} s of processor time`);
    console.log(
      `  peak memory ${peakMb.toFixed(0)} MB beside ${doublesMb.toFixed(0)} MB of doubles: ${ratio.toFixed(2)} (at most ${limit})`,
    );
    return ratio <= limit ? 0 : 1;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Numbers of 100,003 and more values, three columns with gaps, and a label that follows from four of them. */
async function writeTable(file, rows) {
  const { withQuery } = await ours("query/session.js");
  const share = (j, of) => `(hash(i, ${j}) % ${of})::DOUBLE / ${of}`;
  const columns = Array.from({ length: nColumns }, (_, j) =>
    j % 10 === 9
      ? `CASE WHEN hash(${j}, i) % 41 > 0 THEN ${share(j, 1_000_003)} END AS x${j}`
      : `${share(j, 100_003)} AS x${j}`,
  );
  const label = `x0 + x1 * x2 + coalesce(x9, 0.5) + ${share(77, 1000)} > 1.75 AS y`;
  await withQuery({ files: [file] }, (session) =>
    session.run(
      `COPY (SELECT * EXCLUDE i, ${label} FROM (SELECT i, ${columns.join(", ")} FROM range(${rows}) AS r(i))) TO '${file}' (FORMAT parquet)`,
    ),
  );
}

function definition(rows) {
  const columns = Array.from({ length: nColumns }, (_, j) => `x${j}: number({ missing: 0.1 })`);
  return `import { atLeast, boolean, boosting, number, parquet, pipeline } from "millrace";
export default pipeline({
  name: "of-${rows}",
  data: parquet("${rows}.parquet"),
  schema: { ${columns.join(", ")}, y: boolean() },
  target: "y",
  model: boosting({ trees: 10, leaves: 31, earlyStopping: 0 }),
  gate: [atLeast("auc", 0.8)],
});
`;
}

/** Whether a small table gives the model of a run that holds all of it. */
function isSameModel(folder, name) {
  const before = process.env.MILLRACE_DATASET_MB;
  const models = ["8", "4096"].map((megabytes) => {
    process.env.MILLRACE_DATASET_MB = megabytes;
    const { steps } = millrace(folder, "run", name, "--no-cache");
    return steps.find(({ step }) => step === "train").outputs.model;
  });
  if (before === undefined) delete process.env.MILLRACE_DATASET_MB;
  else process.env.MILLRACE_DATASET_MB = before;
  console.log(
    `a table of 200,000 rows gives ${models[0] === models[1] ? "one model" : "two models"} with and without memory for it`,
  );
  return models[0] === models[1];
}
