// `node test/support/model-digests.mjs [--without shared|vectors|wasm]`: learns a small model of every estimator and task, and
// prints for each a digest of the model, of what it answers and of its explanations. They are the same on every version of Node, for
// any number of threads, and without what an engine may lack. Reads dist/.
import { createHash } from "node:crypto";

const lacks = process.argv.indexOf("--without");
const without = lacks < 0 ? null : process.argv[lacks + 1];
takeAway(without);

// Only now: modules look at what there is when they are loaded.
const load = (name) => import(new URL(`../../dist/${name}.js`, import.meta.url));
const [{ estimatorNames, findEstimator, resolveHyperparameters }, { createRng }, { fixedClock }, { silent }] =
  await Promise.all(["train/implementations", "core/rng", "core/clock", "core/progress"].map(load));
const [{ sharedNumbers }, { emptySparseBlock }, { applyLink, rawScores }, { addTreeContributions }] = await Promise.all(
  ["core/shared-memory", "model/design", "model/score", "model/explain-trees"].map(load),
);
const { dismissIdleWorkers } = await load("threads/crew");

function takeAway(what) {
  if (what === "shared") delete globalThis.SharedArrayBuffer;
  else if (what === "wasm") delete globalThis.WebAssembly;
  else if (what === "vectors") {
    globalThis.WebAssembly.Module = function refuse() {
      throw new WebAssembly.CompileError("invalid opcode 0xfd");
    };
  } else if (what !== null) throw new Error(`--without ${what}: not shared, vectors or wasm`);
}

const nLabels = { regression: 0, binary: 2, multiclass: 3, ranking: 0, clustering: 0, anomaly: 0 };

/** Numbers of every kind, and levels; trees have missing ones, the others a sparse column of the levels. */
function dataOf(task, style, nRows, isWeighted) {
  const rng = createRng(2024);
  const column = (make) => {
    const values = sharedNumbers(nRows);
    for (let row = 0; row < nRows; ++row) values[row] = make(row);
    return values;
  };
  const isTrees = style === "trees";
  const a = column((row) => (isTrees && row % 11 === 0 ? Number.NaN : 10 * rng.next() - 5));
  const b = column(() => rng.integer(9));
  const c = column(() => skewed(rng.next()));
  const levels = column(() => rng.integer(6));
  const dense = [a, b, c].map((values, j) => ({ name: `x${j}`, source: `x${j}`, values, cardinality: 0 }));
  const design = isTrees
    ? { nRows, dense: [...dense, { name: "k", source: "k", values: levels, cardinality: 6 }] }
    : { nRows, dense };
  const signal = a.map(
    (x, row) => (Number.isNaN(x) ? 1 : x / 3) + (b[row] > 4 ? 2 : 0) + (levels[row] % 3) + rng.next(),
  );
  return {
    design: { ...design, sparse: isTrees ? emptySparseBlock(nRows) : levelsAsSparse(levels) },
    target: {
      task,
      nLabels: nLabels[task],
      values: valuesOf(task, signal),
      weights: isWeighted ? signal.map((_, row) => 0.5 + (row % 4)) : null,
      ...(task === "ranking" && { groups: Uint32Array.from(signal, (_, row) => row % 37) }),
    },
  };
}

/** Most are small. Products: engines do not agree on the last bit of powers. */
function skewed(x) {
  return x * x * x * x * 1e4;
}

function levelsAsSparse(levels) {
  const names = Array.from({ length: 6 }, (_, level) => `k${level}`);
  return {
    names,
    sources: names.map(() => "k"),
    offsets: Uint32Array.from({ length: levels.length + 1 }, (_, row) => row),
    indices: Uint32Array.from(levels),
    values: new Float64Array(levels.length).fill(1),
  };
}

function valuesOf(task, signal) {
  if (task === "clustering" || task === "anomaly") return new Float64Array(0);
  if (task === "regression") return signal;
  const most = task === "ranking" ? 4 : nLabels[task] - 1;
  return signal.map((value) => Math.max(0, Math.min(most, Math.floor(value / 1.5))));
}

/** Adds whatever a model is made of: names in their order, numbers bit by bit. */
function feed(hash, value) {
  if (ArrayBuffer.isView(value)) {
    hash.update(`${value.constructor.name} ${value.length}:`);
    hash.update(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  } else if (typeof value === "number") feed(hash, Float64Array.of(value));
  else if (value !== null && typeof value === "object") {
    const members = value instanceof Map ? [...value] : Object.entries(value);
    for (const [name, member] of members) {
      hash.update(`${name}=`);
      feed(hash, member);
    }
  } else hash.update(String(value));
}

function digestOf(...values) {
  const hash = createHash("sha256");
  for (const value of values) feed(hash, value);
  return hash.digest("hex").slice(0, 16);
}

function explanationOf(predictor, design) {
  const nGroups = design.dense.length + design.sparse.names.length;
  const base = new Float64Array(predictor.outputs);
  const values = new Float64Array(design.nRows * predictor.outputs * nGroups);
  if (predictor.kind === "trees")
    addTreeContributions(predictor, design, { base, values, groupOf: Int32Array.from(Array(nGroups).keys()), nGroups });
  return [base, values];
}

const small = {
  boosting: { trees: 8, minRows: 5 },
  forest: { trees: 8 },
  extraTrees: { trees: 8 },
  isolationForest: { trees: 8 },
  kmeans: { clusters: 4 },
  mlp: { layers: [6], epochs: 2 },
};

/** Few rows of every task; and enough of them for several threads, packed gradients and bounds found by kernels. */
const cases = [];
for (const name of estimatorNames) {
  const { tasks } = await findEstimator(name);
  for (const task of tasks) cases.push({ name, task, nRows: 700 });
}
const few = { trees: 4, leaves: 15 };
cases.push(
  { name: "boosting", task: "binary", nRows: 66_001, given: few },
  { name: "boosting", task: "regression", nRows: 24_001, given: { ...few, loss: "absolute" }, isWeighted: true },
  {
    name: "boosting",
    task: "multiclass",
    nRows: 24_001,
    given: { trees: 2, bins: 1000, topShare: 0.2, rowShare: 0.3 },
  },
  { name: "boosting", task: "binary", nRows: 700, given: { ...small.boosting, increasing: ["x1"] } },
  { name: "forest", task: "regression", nRows: 24_001, given: { trees: 3 } },
  { name: "linear", task: "binary", nRows: 24_001 },
  { name: "kmeans", task: "clustering", nRows: 24_001, given: { clusters: 5 } },
);

const digests = {};
for (const { name, task, nRows, given = small[name] ?? {}, isWeighted = false } of cases) {
  const estimator = await findEstimator(name);
  const { design, target } = dataOf(task, estimator.style, nRows, isWeighted);
  const hyperparameters = resolveHyperparameters(estimator, given);
  const context = { rng: createRng(7), clock: fixedClock(), progress: silent, threads: 2, validation: null };
  const { predictor, notes } = await estimator.fit(design, target, hyperparameters, context);
  const answers = rawScores(predictor, design);
  applyLink(predictor.link, answers, predictor.outputs);
  const few = dataOf(task, estimator.style, 40, false).design;
  digests[`${name} for ${task}, ${nRows} rows ${JSON.stringify(given)}`] = digestOf(
    predictor,
    notes,
    answers,
    explanationOf(predictor, few),
  );
}
await dismissIdleWorkers();
console.log(JSON.stringify(digests, null, 1));
