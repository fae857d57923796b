import { describe, expect, it } from "vitest";
import { createRng } from "../core/rng.ts";
import { type Design, emptySparseBlock, rowRange, type SparseBlock, type StreamedDesign } from "../model/design.ts";
import type { EstimatorImplementation, HyperparameterValues, Target } from "../model/estimator.ts";
import { fitContext } from "./fit-context.fixtures.ts";
import { findEstimator, resolveHyperparameters } from "./implementations.ts";

const nRows = 3000;

/** Numbers, some missing, two kinds of levels, and sparse columns, with a target that follows from all. */
function planted(seed: number): { readonly design: Design; readonly signal: Float64Array } {
  const rng = createRng(seed);
  const draw = (value: () => number): Float64Array => Float64Array.from({ length: nRows }, value);
  const columns = [
    { values: draw(() => rng.next() ** 3), cardinality: 0 },
    { values: draw(() => (rng.next() < 0.2 ? NaN : Math.floor(rng.next() * 40))), cardinality: 0 },
    { values: draw(() => (rng.next() < 0.1 ? NaN : rng.integer(5))), cardinality: 5 },
    { values: draw(() => rng.integer(700)), cardinality: 700 },
  ];
  const dense = columns.map((column, f) => ({ name: `x${f}`, source: `x${f}`, ...column }));
  const lit = Array.from({ length: nRows }, () => (rng.next() < 0.3 ? [rng.integer(2)] : []));
  const sparse: SparseBlock = {
    names: ["a", "b"],
    sources: ["text", "text"],
    offsets: Uint32Array.from({ length: nRows + 1 }, (_, row) => lit.slice(0, row).flat().length),
    indices: Uint32Array.from(lit.flat()),
    values: Float64Array.from(lit.flat(), () => 1 + rng.next()),
  };
  const signal = draw(() => rng.next()).map((noise, row) => {
    const [a, b, c, d] = columns.map(({ values }) => values[row]!);
    return 3 * a! + (b! > 20 ? 1 : 0) + (c === 2 ? 2 : 0) + (d! % 3) / 2 + (lit[row]!.length > 0 ? 1 : 0) + noise;
  });
  return { design: { nRows, dense, sparse }, signal };
}

/** The rows in blocks of different sizes, each with memory of its own, as a file of row groups gives them. */
function streamed(design: Design): StreamedDesign {
  const { nRows: all, dense, sparse } = design;
  return {
    nRows: all,
    columns: [
      ...dense.map(({ values: _, ...column }) => column),
      ...sparse.names.map((name, j) => ({ name, source: sparse.sources[j]!, cardinality: 0 })),
    ],
    *blocks() {
      for (let from = 0, size = 700; from < all; from += size, size = 100 + ((size * 7) % 900)) {
        const part = rowRange(design, from, Math.min(all, from + size));
        yield { from, design: { ...part, dense: part.dense.map((one) => ({ ...one, values: one.values.slice() })) } };
      }
    },
  };
}

function targetOf(task: Target["task"], signal: Float64Array, weighted = false): Target {
  const weights = weighted ? signal.map((_, row) => (row % 4) / 2) : null;
  if (task === "regression") return { task, values: signal, nLabels: 0, weights };
  const nLabels = task === "binary" ? 2 : 3;
  return { task, values: signal.map((value) => Math.min(nLabels - 1, Math.floor(value / 2.5))), nLabels, weights };
}

const learned = planted(1);
const watched = planted(2);

interface Case {
  readonly estimator: string;
  readonly task: Target["task"];
  readonly hyperparameters: HyperparameterValues;
  readonly weighted?: boolean;
}

const cases: readonly Case[] = [
  { estimator: "boosting", task: "regression", hyperparameters: { trees: 12, earlyStopping: 3 } },
  { estimator: "boosting", task: "binary", hyperparameters: { trees: 8, rowShare: 0.7 }, weighted: true },
  { estimator: "boosting", task: "multiclass", hyperparameters: { trees: 4, bins: 1000 } },
  { estimator: "forest", task: "regression", hyperparameters: { trees: 5 } },
  { estimator: "extraTrees", task: "multiclass", hyperparameters: { trees: 5 }, weighted: true },
  { estimator: "tree", task: "binary", hyperparameters: { depth: 12, minRows: 5 } },
];

async function implementation(name: string): Promise<Required<EstimatorImplementation>> {
  return (await findEstimator(name)) as Required<EstimatorImplementation>;
}

describe("trees learned from a block of rows after the other", () => {
  it.each(cases)("are those learned from all rows in memory: $estimator, $task", async (one) => {
    const { fit, fitStreamed, ...declared } = await implementation(one.estimator);
    const hyperparameters = resolveHyperparameters(declared, one.hyperparameters);
    const targets = [learned, watched].map(({ signal }) => targetOf(one.task, signal, one.weighted));
    const of = <Of>(design: Of): { design: Of; target: Target } => ({ design, target: targets[1]! });
    const context = fitContext({ validation: of(watched.design) });
    const whole = await fit(learned.design, targets[0]!, hyperparameters, context);
    const parts = await fitStreamed(streamed(learned.design), targets[0]!, hyperparameters, {
      ...fitContext(),
      validation: of(streamed(watched.design)),
    });
    expect(parts).toEqual(whole);
    expect((whole.predictor as { readonly feature: Int32Array }).feature.some((f) => f >= 4)).toBe(true);
  });

  it("follow earlier trees as those learned from all rows in memory do", async () => {
    const { fit, fitStreamed } = await implementation("boosting");
    const target = targetOf("regression", learned.signal);
    const { predictor: start } = await fit(learned.design, target, { trees: 5 }, fitContext());
    const whole = await fit(learned.design, target, { trees: 3 }, fitContext({ start }));
    const { validation: _, ...context } = fitContext({ start });
    const parts = await fitStreamed(streamed(learned.design), target, { trees: 3 }, { ...context, validation: null });
    expect(parts).toEqual(whole);
    expect(parts.notes["rounds"]).toBe(8);
  });
});

describe("a network learned from a block of rows after the other", () => {
  const complete = (design: Design): Design => ({
    ...design,
    dense: design.dense.map((one) => ({ ...one, values: one.values.map((value) => (value >= 0 ? value / 40 : 0)) })),
  });

  it.each(["regression", "binary", "multiclass"] as const)(
    "is the one learned from all rows in memory: %s",
    async (task) => {
      const { fit, fitStreamed, ...declared } = await implementation("mlp");
      const hyperparameters = resolveHyperparameters(declared, { epochs: 3, batchRows: 200, dropout: 0.1 });
      const [train, watch] = [learned, watched].map(({ design, signal }) => ({
        design: complete(design),
        target: targetOf(task, signal, task === "binary"),
      }));
      const whole = await fit(train!.design, train!.target, hyperparameters, fitContext({ validation: watch! }));
      const parts = await fitStreamed(streamed(train!.design), train!.target, hyperparameters, {
        ...fitContext(),
        validation: { ...watch!, design: streamed(watch!.design) },
      });
      expect(parts).toEqual(whole);
      expect(whole.notes["validationLoss"]).toBeGreaterThan(0);
    },
  );

  it("is refused with the count of all that is missing, as from memory", async () => {
    const { fit, fitStreamed, ...declared } = await implementation("mlp");
    const hyperparameters = resolveHyperparameters(declared, { epochs: 1 });
    const target = targetOf("regression", learned.signal);
    const refusal = (fitted: Promise<unknown>): Promise<unknown> => fitted.then(() => null, String);
    const whole = await refusal(fit(learned.design, target, hyperparameters, fitContext()));
    const context = { ...fitContext(), validation: null };
    expect(await refusal(fitStreamed(streamed(learned.design), target, hyperparameters, context))).toBe(whole);
    expect(whole).toContain('the column "x1" must be complete for mlp()');
  });
});

describe("a linear model learned from a block of rows after the other", () => {
  const nMany = 21_000;
  const rng = createRng(4);
  const dense = Array.from({ length: 4 }, (_, j) => {
    const values = Float64Array.from({ length: nMany }, () => 10 ** j * (rng.next() - 0.4));
    return { name: `x${j}`, source: `x${j}`, values, cardinality: 0 };
  });
  const many: Design = { nRows: nMany, dense, sparse: emptySparseBlock(nMany) };
  const signal = Float64Array.from({ length: nMany }, (_, row) =>
    dense.reduce((sum, { values }, j) => sum + values[row]! / 10 ** j / 2, 1.3 + 2 * rng.next()),
  );

  it.each<[string, Target["task"], HyperparameterValues, boolean]>([
    ["by the normal equations", "regression", {}, true],
    ["by the normal equations with l1", "regression", { l1: 40 }, false],
    ["led by a sample", "binary", {}, false],
    ["led by a sample of weighted rows", "binary", { tolerance: 1e-9 }, true],
    ["in memory, for l1", "binary", { l1: 3 }, false],
    ["in memory, for three labels", "multiclass", { classWeights: "balanced" }, false],
    ["in memory, for components", "regression", { components: 2 }, false],
  ])("is the one learned from all rows at once: %s, %s", async (how, task, given, weighted) => {
    const { fit, fitStreamed, ...declared } = await implementation("linear");
    const hyperparameters = resolveHyperparameters(declared, given);
    const target = targetOf(task, task === "multiclass" ? signal.map((value) => 2 * value - 1) : signal, weighted);
    const whole = await fit(many, target, hyperparameters, fitContext());
    const context = { ...fitContext(), validation: null };
    let nPasses = 0;
    const counted = { ...streamed(many), blocks: () => (++nPasses, streamed(many).blocks()) };
    expect(await fitStreamed(counted, target, hyperparameters, context)).toEqual(whole);
    // A look at the columns, and all rows once to hold them.
    expect(nPasses > 2).toBe(!how.startsWith("in memory"));
  });

  it.each(["regression", "binary"] as const)("is refused with the count of all that is missing: %s", async (task) => {
    const { fit, fitStreamed, ...declared } = await implementation("linear");
    const hyperparameters = resolveHyperparameters(declared, {});
    const holed = dense.map((one, j) => (j === 2 ? { ...one, values: one.values.slice().fill(NaN, 9000, 9007) } : one));
    const design = { ...many, dense: holed };
    const target = targetOf(task, signal);
    const refusal = (fitted: Promise<unknown>): Promise<unknown> => fitted.then(() => null, String);
    const whole = await refusal(fit(design, target, hyperparameters, fitContext()));
    const context = { ...fitContext(), validation: null };
    expect(await refusal(fitStreamed(streamed(design), target, hyperparameters, context))).toBe(whole);
    expect(whole).toContain("7 missing or infinite values in 21000 rows");
  });
});
