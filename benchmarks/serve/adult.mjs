// A project with a model of adult's contract, 100 trees of 31 leaves, for scenarios that serve it or score files with it.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { root } from "../../tools/setup.mjs";
import { measured } from "../interleave.mjs";
import { millrace } from "./process.mjs";

export const adult = path.join(process.env.MILLRACE_SHARED ?? path.join(root, "..", "shared"), "data", "adult.csv");

/** Exit code of `work(folder)` in a project with a model of so many trees, removed afterwards; 0 where adult's file is not there. */
export async function inAdultProject(name, work, trees = 100) {
  if (!fs.existsSync(adult)) {
    console.log(`SKIPPED: there is no ${adult}`);
    return 0;
  }
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), `millrace-${name}-`));
  try {
    makeAdultProject(folder, trees);
    return await work(folder);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** `trees` makes versions that differ. */
export function makeAdultProject(folder, trees = 100) {
  for (const part of ["pipelines", "data"]) fs.mkdirSync(path.join(folder, part), { recursive: true });
  fs.copyFileSync(adult, path.join(folder, "data", "adult.csv"));
  const source = fs.readFileSync(path.join(root, "benchmarks", "pipelines", "adult.ts"), "utf8");
  const model = `boosting({ trees: ${trees}, leaves: 31, earlyStopping: 0 })`;
  fs.writeFileSync(path.join(folder, "pipelines", "adult.ts"), source.replace("boosting()", model));
  millrace(folder, "run", "adult");
}

/** Bodies of requests for one row each, the first 1,000 of adult, a line each in a file; `member` is what a server calls the rows. */
export function writeAdultBodies(folder, member = "rows") {
  const [header, ...lines] = fs.readFileSync(adult, "utf8").trimEnd().split("\n").slice(0, 1001);
  const names = header.split(",").slice(0, -1);
  const isNumber = (name) => /^(age|fnlwgt|education_num|capital_gain|capital_loss|hours_per_week)$/.test(name);
  const value = (name, text) => (text === "" ? null : isNumber(name) ? Number(text) : text);
  const bodies = lines.map((line) => {
    const cells = line.split(",");
    return JSON.stringify({ [member]: [Object.fromEntries(names.map((name, j) => [name, value(name, cells[j])]))] });
  });
  const file = path.join(folder, `${member}.jsonl`);
  fs.writeFileSync(file, bodies.join("\n"));
  return file;
}

/** Connections that ask at once, and seconds that count. */
export const nConnections = 16;
const seconds = 5;

/** What comes of asking a server with one body after the other. */
export function load(url, bodies) {
  const script = path.join(root, "benchmarks", "serve", "load.mjs");
  return measured(process.execPath, [script, url, bodies, String(nConnections), String(seconds)]);
}
