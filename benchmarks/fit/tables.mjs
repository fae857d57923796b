// Reads the tables of rivals/fit_data.py as the product's designs are laid out; loads the product's modules from dist/.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "../../tools/setup.mjs";

const dist = path.resolve(process.env.MILLRACE_DIST ?? path.join(root, "dist"));
export const load = (module) => import(pathToFileURL(path.join(dist, module)));
const { sharedNumbers } = await load("core/shared-memory.js");
const { systemClock } = await load("core/clock.js");
const { createRng } = await load("core/rng.js");
const { emptySparseBlock } = await load("model/design.js");

export const shapeOf = (folder) => JSON.parse(fs.readFileSync(path.join(folder, "shape.json"), "utf8"));

/** Columns in memory that threads share; read one by one, so that no copy stays. The first are categories where the shape has levels. */
export function readTable(folder, name, nRows, columns) {
  const file = fs.openSync(path.join(folder, `${name}.f32`), "r");
  const column = new Float32Array(nRows);
  const { levels = [] } = shapeOf(folder);
  const dense = Array.from({ length: columns }, (_, j) => {
    fs.readSync(file, column, 0, nRows * 4, j * nRows * 4);
    const values = sharedNumbers(nRows);
    values.set(column);
    return { name: `x${j}`, source: `x${j}`, values, cardinality: levels[j] ?? 0 };
  });
  fs.closeSync(file);
  const labels = fs.readFileSync(path.join(folder, `${name}.u8`));
  return { design: { nRows, dense, sparse: emptySparseBlock(nRows) }, labels };
}

export const targetOf = (labels) => ({ task: "binary", values: Float64Array.from(labels), nLabels: 2, weights: null });

export const contextOf = (threads, seed = 1) => ({
  rng: createRng(seed),
  clock: systemClock,
  progress: { report() {} },
  threads: Number(threads),
  validation: null,
});
