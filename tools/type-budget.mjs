// The compiler's work on a pipeline of 300 columns, counted in type instantiations (the same on every machine).
import fs from "node:fs";
import path from "node:path";
import { compileAsUser, withDeclarations } from "./declarations.mjs";

const nColumns = 300;
const budget = 60_000;

const kinds = [
  "number({ min: 0 })",
  "number({ missing: 0.1 })",
  'category(["a", "b", "c"])',
  "boolean()",
  "timestamp()",
  "text()",
];
const transforms = ["standardize()", "standardize()", "oneHot()", "oneHot()", 'cyclic("day")', "tfidf()"];

function pipelineFile() {
  const columns = Array.from({ length: nColumns }, (_, i) => `    c${i}: ${kinds[i % kinds.length]},`);
  const features = Array.from({ length: nColumns / 4 }, (_, i) => {
    const a = kinds.length * (i % Math.floor(nColumns / kinds.length));
    return `    f${i}: c.c${a}.div(c.c${a + 1}).log(),`;
  });
  const prepare = Array.from(
    { length: Math.floor(0.4 * nColumns) },
    (_, i) => `    c${i}: ${transforms[i % kinds.length]},`,
  );
  const values = ["1", "2", '"b"', "true", "new Date(0)", '"some words"'];
  const row = Array.from({ length: nColumns }, (_, i) => `c${i}: ${values[i % kinds.length]}`).join(", ");
  return `import { pipeline, connect, csv, number, category, text, boolean, timestamp, boosting, tune, between, atLeast, atMost,
  beatsChampion, standardize, oneHot, cyclic, tfidf } from "./types/index.js";
const wide = pipeline({
  name: "wide",
  data: csv("wide.csv"),
  schema: {
${columns.join("\n")}
    y: number(),
    w: number(),
  },
  target: "y",
  weight: "w",
  features: (c) => ({
${features.join("\n")}
  }),
  prepare: {
${prepare.join("\n")}
  },
  model: tune(boosting(), { trials: 30, space: { depth: between(2, 9) } }),
  gate: [atLeast("r2", 0.5), atMost("rmse", 3, { slice: "c2" }), beatsChampion("mae")],
  steps: { tell: { after: "evaluate", run: ({ metrics }) => void metrics.r2.toFixed() } },
});
const client = connect<typeof wide>("http://127.0.0.1:4000");
export const one: Promise<number> = client.predict({ ${row} });
export const many: Promise<number[]> = client.predictMany([{ ${row} }]);
`;
}

process.exitCode = withDeclarations((folder) => {
  fs.writeFileSync(path.join(folder, "wide.ts"), pipelineFile());
  const { status, output } = compileAsUser(folder, ["wide.ts"], "--extendedDiagnostics");
  const instantiations = Number(/Instantiations:\s+(\d+)/.exec(output)?.[1]);
  if (status !== 0 || !(instantiations > 0)) {
    console.error(`type budget: the pipeline of ${nColumns} columns does not compile\n${output}`);
    return 1;
  }
  console.log(`type budget: ${instantiations} of ${budget} instantiations for ${nColumns} columns`);
  return instantiations <= budget ? 0 : 1;
});
