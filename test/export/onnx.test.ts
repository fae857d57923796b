import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/core/json.ts";
import { createRng } from "../../src/core/rng.ts";
import { onnxModel } from "../../src/export/onnx/onnx.ts";
import type { ExpressionNode } from "../../src/frame/expression-node.ts";
import { layoutOf } from "../../src/model/apply.ts";
import type { FittedFeature } from "../../src/model/fitted-transform.ts";
import type { Model } from "../../src/model/model.ts";
import { answersOf, predictRows } from "../../src/model/predict.ts";
import { emptySparseBlock } from "../../src/model/design.ts";
import { randomModel, randomRow } from "../models/random-models.ts";
import { randomTrees } from "../models/random-predictors.ts";

/** A Python with ONNX Runtime (run_onnx.py says which packages). */
const python = process.env["MILLRACE_ONNX_PYTHON"];
if (python === undefined)
  console.warn("SKIPPED: MILLRACE_ONNX_PYTHON names no Python with ONNX Runtime to compare with");

const nRows = 10_000;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-onnx-"));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const number = (name: string): ExpressionNode => ({ op: "column", kind: "number", name });
const [area, proto] = [number("area"), number("__proto__")];
const when: ExpressionNode = { op: "column", kind: "timestamp", name: "when" };
const colour: ExpressionNode = { op: "column", kind: "category", name: "colour" };
const sold: ExpressionNode = { op: "column", kind: "boolean", name: "sold" };

/** One feature an operation: all of which ONNX has operators. */
const expressions: readonly (readonly [string, ExpressionNode])[] = [
  ["ratio", { op: "div", kind: "number", a: area, b: proto }],
  ["log", { op: "log", kind: "number", a: { op: "sub", kind: "number", a: area, b: proto } }],
  ["root", { op: "sqrt", kind: "number", a: { op: "mul", kind: "number", a: area, b: area } }],
  ["floor", { op: "floor", kind: "number", a: { op: "clip", kind: "number", a: area, min: 2, max: 9.5 } }],
  ["filled", { op: "fill", kind: "number", a: { op: "abs", kind: "number", a: area }, value: -1 }],
  ["sum", { op: "add", kind: "number", a: area, b: { op: "number", kind: "number", value: 0.25 } }],
  ["more", { op: "toNumber", kind: "number", a: { op: "gt", kind: "boolean", a: area, b: proto } }],
  ["three", { op: "eq", kind: "boolean", a: proto, b: { op: "number", kind: "number", value: 3 } }],
  ["some", { op: "in", kind: "boolean", a: colour, levels: ["red", "blue"] }],
  ["and", { op: "and", kind: "boolean", a: sold, b: { op: "le", kind: "boolean", a: area, b: proto } }],
  [
    "or",
    {
      op: "or",
      kind: "boolean",
      a: { op: "not", kind: "boolean", a: sold },
      b: { op: "isMissing", kind: "boolean", a: colour },
    },
  ],
  ["chosen", { op: "when", kind: "number", condition: sold, a: area, b: proto }],
  ["month", { op: "month", kind: "number", a: when }],
  ["day", { op: "dayOfMonth", kind: "number", a: when }],
  ["dayOfYear", { op: "dayOfYear", kind: "number", a: when }],
  ["year", { op: "year", kind: "number", a: when }],
  ["since", { op: "since", kind: "number", a: when, b: 1e12 }],
];

const derived = expressions.map(([name]): FittedFeature => ({ feature: name, steps: [{ kind: "keep" }] }));
const colours = ["red", "green", "blue", "constructor"];
const treeFeatures: readonly FittedFeature[] = [
  { feature: "area", steps: [{ kind: "clip", low: 1, high: 12 }] },
  { feature: "colour", steps: [{ kind: "codes", levels: colours }] },
  { feature: "sold", steps: [{ kind: "keep" }] },
  { feature: "when", steps: [{ kind: "timeParts", parts: ["hour", "dayOfWeek", "month", "days", "dayOfYear"] }] },
  ...derived,
];
const linearFeatures: readonly FittedFeature[] = [
  {
    feature: "area",
    steps: [
      { kind: "impute", value: 3, indicator: true },
      { kind: "standardize", mean: 1.5, scale: 0.7 },
    ],
  },
  { feature: "colour", steps: [{ kind: "oneHot", levels: ["red", "blue"], other: true }] },
  {
    feature: "colour",
    steps: [
      { kind: "imputeLevel", level: "green" },
      { kind: "oneHot", levels: colours, other: false },
    ],
  },
  { feature: "colour", steps: [{ kind: "targetEncode", levels: colours, values: [1, 2, 3, 4], fallback: 2.5 }] },
  { feature: "sold", steps: [{ kind: "oneHot", levels: ["false", "true"], other: true }] },
  ...derived.map(({ feature }): FittedFeature => ({
    feature,
    steps: [{ kind: "impute", value: 0, indicator: false }],
  })),
];

function modelOf(task: "regression" | "binary" | "multiclass", kind: "trees" | "linear", seed: number): Model {
  const rng = createRng(seed);
  const base = randomModel(rng, task, kind);
  const features = kind === "trees" ? treeFeatures : linearFeatures;
  const layout = layoutOf(features);
  const { outputs, link } = base.predictor;
  const dense = layout.dense.map((entry) => ({ ...entry, values: new Float64Array(0) }));
  const [nDense, nSparse] = [dense.length, layout.sparseNames.length];
  const numbers = (n: number): Float64Array => Float64Array.from({ length: n }, () => rng.next() / 4 - 0.125);
  const design = { nRows: 0, dense, sparse: emptySparseBlock(0) };
  const predictor =
    kind === "trees"
      ? { ...randomTrees(rng, design, { outputs, trees: 30, leaves: 20 }), link }
      : ({
          kind,
          link,
          outputs,
          nDense,
          nSparse,
          coefficients: numbers(outputs * (nDense + nSparse)),
          intercept: numbers(outputs),
        } as const);
  const own = expressions.map(([name, expression]) => ({ name, expression }));
  return { ...base, features, expressions: own, predictor: predictor as Model["predictor"], parity: null };
}

function columnsOf(model: Model, rows: readonly JsonObject[]): Readonly<Record<string, unknown>> {
  const cell = (row: JsonObject, name: string): unknown => {
    const value = Object.hasOwn(row, name) ? row[name] : null;
    return name === "when" && typeof value === "string" ? Date.parse(value) : value;
  };
  return Object.fromEntries(model.inputs.map((name) => [name, rows.map((row) => cell(row, name))]));
}

interface Answers {
  readonly prediction?: readonly (readonly number[])[];
  readonly label?: readonly (string | boolean)[];
  readonly probabilities?: readonly (readonly number[])[];
}

function askRuntime(model: Model, rows: readonly JsonObject[]): Answers {
  const [file, columns] = [path.join(folder, "model.onnx"), path.join(folder, "columns.json")];
  fs.writeFileSync(file, onnxModel(model, 3, "sha256:x"));
  fs.writeFileSync(columns, JSON.stringify(columnsOf(model, rows)));
  const script = path.resolve("test", "export", "run_onnx.py");
  const { status, stdout, stderr } = spawnSync(python!, [script, file, columns], { encoding: "utf8", maxBuffer: 1e9 });
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout) as Answers;
}

const cases = (["regression", "binary", "multiclass"] as const).flatMap((task) =>
  (["trees", "linear"] as const).map((kind) => [task, kind] as const),
);

describe("an ONNX file", () => {
  it.skipIf(python === undefined).each(cases)(
    "answers in ONNX Runtime as the model does, to 1e-9: %s by %s",
    (task, kind) => {
      const model = modelOf(task, kind, 31);
      const rng = createRng(8);
      const rows = Array.from({ length: nRows }, () => randomRow(rng));
      const answers = answersOf(model, predictRows(model, rows).predictions);
      const { prediction, label, probabilities } = askRuntime(model, rows);
      let farthest = 0;
      for (const [row, answer] of answers.entries()) {
        if (typeof answer === "number") {
          farthest = Math.max(farthest, Math.abs(prediction![row]![0]! - answer) / Math.max(1, Math.abs(answer)));
          continue;
        }
        const own = model.labels.map((name) => answer.probabilities[String(name)] as number);
        own.forEach((value, k) => (farthest = Math.max(farthest, Math.abs(probabilities![row]![k]! - value))));
        if (Math.abs(Math.max(...own) - 1 / own.length) > 1e-6) expect(label![row]).toBe(answer.label);
      }
      expect(farthest).toBeLessThan(1e-9);
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBeGreaterThan(100);
    },
  );

  it("is the same for the same model", () => {
    expect(onnxModel(modelOf("binary", "trees", 5), 1, "sha256:x")).toEqual(
      onnxModel(modelOf("binary", "trees", 5), 1, "sha256:x"),
    );
  });

  it.each([
    ["text", randomModel(createRng(1), "binary", "trees")],
    [
      "predictor",
      {
        ...randomModel(createRng(1), "binary", "network"),
        features: linearFeatures,
        expressions: expressions.map(([name, expression]) => ({ name, expression })),
      },
    ],
    [
      "float32",
      {
        ...modelOf("binary", "trees", 1),
        predictor: { ...modelOf("binary", "trees", 1).predictor, sums: "float32" } as Model["predictor"],
      },
    ],
    ["called as an output", { ...modelOf("binary", "trees", 1), inputs: ["label"] }],
  ])("is refused where ONNX cannot say it: %s", (reason, model) => {
    expect(() => onnxModel(model, 1, "sha256:x")).toThrow(
      expect.objectContaining({ code: "EXPORT_UNSUPPORTED", message: expect.stringContaining(reason) }),
    );
  });
});
