import type { JsonObject, JsonValue } from "../../src/core/json.ts";
import type { Rng } from "../../src/core/rng.ts";
import type { ContractColumn } from "../../src/frame/contract.ts";
import type { FeatureExpression } from "../../src/frame/expression-node.ts";
import { layoutOf } from "../../src/model/apply.ts";
import { emptySparseBlock } from "../../src/model/design.ts";
import type { FittedFeature } from "../../src/model/fitted-transform.ts";
import type { Model, Task } from "../../src/model/model.ts";
import { parityOf } from "../../src/model/parity.ts";
import type { EnsemblePredictor, MemberPredictor, Predictor } from "../../src/model/predictor.ts";
import { randomTrees } from "./random-predictors.ts";

const column = (name: string, kind: ContractColumn["kind"]): ContractColumn => ({
  name,
  kind,
  missing: 1,
  onViolation: "fail",
});

/** A contract with every kind, names that are dangerous as object keys included. */
const columns: readonly ContractColumn[] = [
  column("area", "number"),
  column("__proto__", "number"),
  column("colour", "category"),
  column("sold", "boolean"),
  column("when", "timestamp"),
  column("note", "text"),
];

const expressions: readonly FeatureExpression[] = [
  {
    name: "ratio",
    expression: {
      op: "div",
      kind: "number",
      a: { op: "column", kind: "number", name: "area" },
      b: { op: "column", kind: "number", name: "__proto__" },
    },
  },
];

const colours = ["red", "green", "blue", "constructor"];
const words = ["free", "call", "now", "hello", "dinner", "prize"];

const treeFeatures: readonly FittedFeature[] = [
  { feature: "area", steps: [{ kind: "keep" }] },
  { feature: "__proto__", steps: [] },
  { feature: "ratio", steps: [{ kind: "keep" }] },
  { feature: "colour", steps: [{ kind: "codes", levels: colours }] },
  { feature: "sold", steps: [{ kind: "keep" }] },
  { feature: "when", steps: [{ kind: "timeParts", parts: ["hour", "dayOfWeek", "days"] }] },
  { feature: "note", steps: [tfidf(["free", "hello", "prize"], true)] },
];

const denseFeatures: readonly FittedFeature[] = [
  {
    feature: "area",
    steps: [
      { kind: "impute", value: 3, indicator: true },
      { kind: "standardize", mean: 1.5, scale: 0.7 },
    ],
  },
  { feature: "ratio", steps: [{ kind: "impute", value: 1, indicator: false }] },
  { feature: "colour", steps: [{ kind: "oneHot", levels: ["red", "blue"], other: true }] },
  { feature: "colour", steps: [{ kind: "targetEncode", levels: colours, values: [1, 2, 3, 4], fallback: 2.5 }] },
  { feature: "sold", steps: [{ kind: "impute", value: 1, indicator: false }] },
  {
    feature: "when",
    steps: [
      { kind: "cyclic", period: "year" },
      { kind: "impute", value: 0, indicator: false },
    ],
  },
  { feature: "note", steps: [tfidf(["call", "call now", "dinner", "free", "now"], false)] },
];

function tfidf(terms: readonly string[], dense: boolean): FittedFeature["steps"][number] {
  return { kind: "tfidf", terms, idf: terms.map((_, i) => 1 + i / 3), ngrams: 2, sublinear: true, dense };
}

/** A request row in which any value may be missing or never seen in training. */
export function randomRow(rng: Rng): JsonObject {
  const cells: [string, JsonValue][] = [
    ["area", Math.round(rng.next() * 100) / 7],
    ["__proto__", rng.integer(4)],
    ["colour", rng.next() < 0.2 ? "never seen" : colours[rng.integer(colours.length)]!],
    ["sold", rng.next() < 0.5],
    ["when", new Date(Math.floor(rng.next() * 2e12) - 2e11).toISOString()],
    ["note", Array.from({ length: rng.integer(6) }, () => words[rng.integer(words.length)]!).join(" ")],
  ];
  return Object.fromEntries(cells.map(([name, value]) => [name, rng.next() < 0.2 ? null : value]));
}

/** What random models are made of; without a target, of centres whatever is asked for. */
export type RandomKind = "trees" | "linear" | "bayes" | "network" | "neighbors" | "ensemble";

const labelsOf: Readonly<Record<Task, readonly (string | boolean)[]>> = {
  regression: [],
  binary: [false, true],
  multiclass: ["a", "__proto__", "c"],
  ranking: [],
  clustering: [],
  anomaly: [],
};

const linkOf = {
  regression: "identity",
  binary: "sigmoid",
  multiclass: "softmax",
  ranking: "identity",
  clustering: "cluster",
  anomaly: "log",
} as const;

/** A model of random numbers with parity rows: trees, a linear predictor, naive Bayes, a network, stored rows, or centres where the task is clustering. */
export function randomModel(rng: Rng, task: Task, kind: RandomKind): Model {
  const features = task === "clustering" ? denseFeatures : featuresOf[kind];
  const inputs = columns.map(({ name }) => name);
  const model: Model = {
    name: "house-prices",
    task,
    contract: { columns: isUnsupervised(task) ? columns : [...columns, column("price", targetKind(task))] },
    roles: {
      target: isUnsupervised(task) ? null : "price",
      id: null,
      time: null,
      group: null,
      weight: null,
      sensitive: [],
    },
    inputs,
    expressions,
    features,
    predictor: randomPredictor(rng, task, kind, features),
    labels: labelsOf[task],
    threshold: task === "binary" ? 0.4 : null,
    reference: {
      nRows: 10,
      columns: [{ form: "bins", column: "area", missing: 0.5, edges: [1, 2], shares: [0.25, 0.25, 0] }],
      prediction: { form: "levels", column: "price", missing: 0, levels: ["x"], shares: [1], other: 0, known: ["x"] },
    },
    parity: null,
    provenance: { estimator: kind, seed: 7, metrics: { r2: 0.5 } },
  };
  return {
    ...model,
    parity: parityOf(
      model,
      Array.from({ length: 5 }, () => randomRow(rng)),
    ),
  };
}

const featuresOf: Readonly<Record<RandomKind, readonly FittedFeature[]>> = {
  trees: treeFeatures,
  linear: denseFeatures,
  bayes: denseFeatures,
  network: denseFeatures,
  neighbors: denseFeatures,
  ensemble: [...treeFeatures, ...denseFeatures],
};

function isUnsupervised(task: Task): boolean {
  return task === "clustering" || task === "anomaly";
}

function targetKind(task: Task): ContractColumn["kind"] {
  if (task === "regression" || task === "ranking") return "number";
  return task === "binary" ? "boolean" : "category";
}

function randomPredictor(rng: Rng, task: Task, kind: RandomKind, features: readonly FittedFeature[]): Predictor {
  const layout = layoutOf(features);
  const nDense = layout.dense.length;
  const nSparse = layout.sparseNames.length;
  const numbers = (n: number): Float64Array => Float64Array.from({ length: n }, () => rng.next() * 4 - 2);
  const outputs = task === "multiclass" ? 3 : 1;
  if (task === "clustering")
    return { kind: "clusters", link: "cluster", outputs: 1, nDense, nSparse, centres: numbers(3 * (nDense + nSparse)) };
  const link = linkOf[task];
  if (kind === "ensemble") return randomEnsemble(rng, task, outputs);
  if (kind === "linear") {
    const coefficients = numbers(outputs * (nDense + nSparse));
    return { kind, link, outputs, nDense, nSparse, coefficients, intercept: numbers(outputs) };
  }
  if (kind === "bayes") {
    const labels = Math.max(2, outputs);
    return {
      kind,
      link: outputs === 1 ? "sigmoid" : "softmax",
      outputs,
      nDense,
      nSparse,
      intercept: numbers(labels),
      means: numbers(labels * nDense),
      precisions: numbers(labels * nDense).map((value) => Math.abs(value) + 0.1),
      coefficients: numbers(labels * nSparse),
    };
  }
  if (kind === "network") {
    const units = Uint32Array.of(4, outputs);
    const inputs = nDense + 3;
    return {
      kind,
      link: task === "regression" ? "identity" : outputs === 1 ? "sigmoid" : "softmax",
      outputs,
      nDense,
      nSparse,
      activation: task === "binary" ? "relu" : "tanh",
      units,
      tableColumns: Uint32Array.of(2, nSparse - 2),
      tableWidths: Uint32Array.of(1, 2),
      embeddings: numbers(2 + 2 * (nSparse - 2)),
      weights: numbers(inputs * 4 + 4 * outputs),
      biases: numbers(4 + outputs),
    };
  }
  if (kind === "neighbors") {
    const nRows = 40;
    const values = task === "regression" ? numbers(nRows) : numbers(nRows).map(() => rng.integer(Math.max(2, outputs)));
    return {
      kind,
      link: task === "regression" ? "identity" : "share",
      outputs,
      nDense,
      nSparse,
      neighbors: 3,
      weighting: task === "binary" ? "uniform" : "distance",
      points: numbers(nRows * nDense),
      offsets: Uint32Array.from({ length: nRows + 1 }, (_, row) => 2 * row),
      indices: Uint32Array.from({ length: 2 * nRows }, (_, e) => (e % 2 === 0 ? 0 : 1 + rng.integer(nSparse - 1))),
      entries: numbers(2 * nRows),
      values,
      weights: numbers(nRows).map((value) => Math.abs(value) + 0.1),
    };
  }
  const dense = layout.dense.map((entry) => ({ ...entry, values: new Float64Array(0) }));
  const design = { nRows: 0, dense, sparse: emptySparseBlock(0) };
  return { ...randomTrees(rng, design, { outputs, trees: 6, leaves: 6 }), link };
}

/** A blend of trees and a linear predictor, a stack of them, or a calibrated linear predictor, each over its own columns. */
function randomEnsemble(rng: Rng, task: Task, outputs: number): EnsemblePredictor {
  const widths = [treeFeatures, denseFeatures].map((features) => {
    const { dense, sparseNames } = layoutOf(features);
    return { dense: dense.length, sparse: sparseNames.length };
  });
  const [ofTrees, ofOthers] = widths as [(typeof widths)[0], (typeof widths)[0]];
  const trees = randomPredictor(rng, task, "trees", treeFeatures) as MemberPredictor;
  const linear = randomPredictor(rng, task, "linear", denseFeatures) as MemberPredictor;
  const [dense, sparse] = [ofTrees.dense + ofOthers.dense, ofTrees.sparse + ofOthers.sparse];
  const linearSpan = [ofTrees.dense, dense, ofTrees.sparse, sparse];
  const both = { members: [trees, linear], spans: Uint32Array.of(0, ofTrees.dense, 0, ofTrees.sparse, ...linearSpan) };
  const [none, noKnots] = [new Float64Array(0), new Uint32Array(0)];
  const base = { kind: "ensemble", outputs, knotOffsets: noKnots, knots: none } as const;
  if (task === "regression")
    return { ...base, ...both, link: "identity", method: "blend", weights: Float64Array.of(0.7, 0.3), intercept: none };
  const numbers = (n: number): Float64Array => Float64Array.from({ length: n }, () => rng.next() * 4 - 2);
  if (task === "binary")
    return { ...base, ...both, link: "sigmoid", method: "stack", weights: numbers(2), intercept: numbers(1) };
  const knots = Array.from({ length: outputs }, () => [0.1, 0, 0.4, 0.3 + rng.next() / 3, 0.9, 1]).flat();
  return {
    ...base,
    link: "share",
    method: "isotonic",
    members: [linear],
    spans: Uint32Array.from(linearSpan),
    weights: none,
    intercept: none,
    knotOffsets: Uint32Array.from({ length: outputs + 1 }, (_, k) => 6 * k),
    knots: Float64Array.from(knots),
  };
}

/** Every kind of model there is. */
export const modelKinds: readonly (readonly [Task, RandomKind])[] = [
  ["regression", "trees"],
  ["regression", "linear"],
  ["binary", "trees"],
  ["binary", "linear"],
  ["multiclass", "trees"],
  ["multiclass", "linear"],
  ["binary", "bayes"],
  ["multiclass", "bayes"],
  ["regression", "network"],
  ["binary", "network"],
  ["multiclass", "network"],
  ["regression", "neighbors"],
  ["binary", "neighbors"],
  ["multiclass", "neighbors"],
  ["regression", "ensemble"],
  ["binary", "ensemble"],
  ["multiclass", "ensemble"],
  ["clustering", "linear"],
  ["ranking", "trees"],
  ["anomaly", "trees"],
];
