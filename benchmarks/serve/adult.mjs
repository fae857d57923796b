// A project with a model of adult's contract, 100 trees of 31 leaves, for scenarios that serve it or score files with it.
import fs from "node:fs";
import path from "node:path";
import { root } from "../../tools/setup.mjs";
import { millrace } from "./process.mjs";

export const adult = path.join(process.env.MILLRACE_SHARED ?? path.join(root, "..", "shared"), "data", "adult.csv");

export function makeAdultProject(folder) {
  for (const part of ["pipelines", "data"]) fs.mkdirSync(path.join(folder, part));
  fs.copyFileSync(adult, path.join(folder, "data", "adult.csv"));
  const source = fs.readFileSync(path.join(root, "benchmarks", "pipelines", "adult.ts"), "utf8");
  const model = "boosting({ trees: 100, leaves: 31, earlyStopping: 0 })";
  fs.writeFileSync(path.join(folder, "pipelines", "adult.ts"), source.replace("boosting()", model));
  millrace(folder, "run", "adult");
}
