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

/** Values read from a file at a time. */
const rowsAtOnce = 65_536;

/** Columns in memory that threads share; read in pieces, so that no copy stays. The first are categories where the shape has levels. */
export function readTable(folder, name, nRows, columns) {
  const file = fs.openSync(path.join(folder, `${name}.f32`), "r");
  const part = new Float32Array(Math.min(nRows, rowsAtOnce));
  const { levels = [] } = shapeOf(folder);
  const dense = Array.from({ length: columns }, (_, j) => {
    const values = sharedNumbers(nRows);
    for (let from = 0; from < nRows; from += rowsAtOnce) {
      const rows = part.subarray(0, Math.min(rowsAtOnce, nRows - from));
      fs.readSync(file, rows, 0, rows.byteLength, (j * nRows + from) * 4);
      values.set(rows, from);
    }
    return { name: `x${j}`, source: `x${j}`, values, cardinality: levels[j] ?? 0 };
  });
  fs.closeSync(file);
  const labels = fs.readFileSync(path.join(folder, `${name}.u8`));
  return { design: { nRows, dense, sparse: emptySparseBlock(nRows) }, labels };
}

export const targetOf = (labels) => ({ task: "binary", values: new Float64Array(labels), nLabels: 2, weights: null });

export const contextOf = (threads, seed = 1) => ({
  rng: createRng(seed),
  clock: systemClock,
  progress: { report() {} },
  threads: Number(threads),
  validation: null,
});
