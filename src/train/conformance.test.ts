import { describe, expect, it } from "vitest";
import { isMillraceError } from "../core/errors/error.ts";
import { createRng } from "../core/rng.ts";
import { emptySparseBlock, takeRows, takeValues, type Design, type SparseBlock } from "../model/design.ts";
import type { EstimatorImplementation, HyperparameterValues, Target } from "../model/estimator.ts";
import type { Task } from "../model/model.ts";
import type { Predictor } from "../model/predictor.ts";
import { applyLink, rawScores } from "../model/score.ts";
import { estimatorNames, findEstimator, resolveHyperparameters } from "./implementations.ts";
import { fitContext } from "./fit-context.fixtures.ts";

/*
 * What every estimator must do, whatever it learns: the suite runs over the list of them, so that a new one is in it by
 * being there. A law that cannot hold for one is skipped with its reason.
 */

interface Data {
  readonly design: Design;
  readonly target: Target;
}

const nLabels = { regression: 0, binary: 2, multiclass: 3, ranking: 0, clustering: 0, anomaly: 0 } as const;

/** Small settings, so that the suite is quick; what they are does not matter to the laws. */
const settings: Readonly<Record<string, HyperparameterValues>> = {
  boosting: { trees: 8, minRows: 5 },
  forest: { trees: 8 },
  extraTrees: { trees: 8 },
  tree: { minRows: 1 },
  isolationForest: { trees: 8 },
  kmeans: { clusters: 3 },
  mlp: { layers: [4], epochs: 3 },
};

const drawsRows = "it draws rows by their places";
const orderSkips: Readonly<Record<string, string>> = {
  forest: drawsRows,
  extraTrees: "its cuts are drawn by the order of bins, and rows break ties",
  isolationForest: drawsRows,
  kmeans: "its starts are rows drawn by their places",
  mlp: "its mini-batches are drawn by places",
  "boosting for ranking": "rows of equal scores, all at first, are ordered by their places",
};
const weightSkips: Readonly<Record<string, string>> = {
  ...orderSkips,
  neighbors: "a row repeated is two of the nearest, a row of weight 2 is one",
  svm: "its folds for calibration count rows, not weights",
  boosting: "its least rows of a leaf count rows, not weights",
};

function dataOf(task: Task, style: EstimatorImplementation["style"]): Data {
  const rng = createRng(31);
  const nRows = 90;
  const a = Float64Array.from({ length: nRows }, () => 5 * rng.next());
  const b = Float64Array.from({ length: nRows }, () => 5 * rng.next() - 2);
  const columns = [a, b, a.slice(), new Float64Array(nRows).fill(7)];
  if (style === "trees") columns.push(new Float64Array(nRows).fill(Number.NaN));
  const design = designOf(columns);
  const k = nLabels[task];
  const signal = a.map((value, row) => value + b[row]! ** 2);
  const values =
    task === "ranking"
      ? signal.map((value) => Math.min(4, Math.floor(value / 2)))
      : k === 0
        ? signal
        : signal.map((value) => Math.min(k - 1, Math.floor(value / 3)));
  return { design, target: targetOf(task, task === "clustering" || task === "anomaly" ? [] : values) };
}

function designOf(columns: readonly Float64Array[]): Design {
  const dense = columns.map((values, j) => ({ name: `x${j}`, source: `x${j}`, values, cardinality: 0 }));
  const nRows = columns[0]!.length;
  return { nRows, dense, sparse: emptySparseBlock(nRows) };
}

/** A sparse column of one number, in the last row. */
function oneEntry(nRows: number, value: number): SparseBlock {
  const offsets = new Uint32Array(nRows + 1).fill(1, nRows);
  return { names: ["s0"], sources: ["s0"], offsets, indices: Uint32Array.of(0), values: Float64Array.of(value) };
}

function targetOf(task: Task, values: ArrayLike<number>, weights: Float64Array | null = null): Target {
  const target = { task, values: Float64Array.from(values), nLabels: nLabels[task], weights };
  return task === "ranking" ? { ...target, groups: Uint32Array.from(values, (_, row) => row % 7) } : target;
}

/** Some rows, weights and all, in the order given. */
function take({ design, target }: Data, rows: Uint32Array): Data {
  const values = target.values.length > 0 ? takeValues(target.values, rows) : target.values;
  return {
    design: takeRows(design, rows),
    target: {
      ...target,
      values,
      weights: target.weights && takeValues(target.weights, rows),
      ...(target.groups && { groups: Uint32Array.from(rows, (row) => target.groups![row]!) }),
    },
  };
}

async function fit(name: string, { design, target }: Data, validation: Data | null = null): Promise<Predictor> {
  const estimator = await findEstimator(name);
  const context = fitContext({ validation });
  const values = resolveHyperparameters(estimator, settings[name] ?? {});
  return (await estimator.fit(design, target, values, context)).predictor;
}

function answersOf(predictor: Predictor, design: Design): Float64Array {
  const scores = rawScores(predictor, design);
  applyLink(predictor.link, scores, predictor.outputs);
  return scores;
}

/** Answers of a model, or null where fitting refuses with a code; any other error fails the test. */
async function answersOrRefusal(name: string, data: Data): Promise<Float64Array | null> {
  try {
    return answersOf(await fit(name, data), data.design);
  } catch (error) {
    if (isMillraceError(error)) return null;
    throw error;
  }
}

function expectClose(actual: Float64Array, expected: Float64Array, digits: number): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, digits));
}

const implementations = await Promise.all(estimatorNames.map(findEstimator));
const cases = implementations.flatMap(({ name, style, tasks, hyperparameters }) =>
  tasks.map((task) => ({ name, style, task, stopsEarly: "earlyStopping" in hyperparameters })),
);

describe.each(cases)("$name for $task", ({ name, style, task, stopsEarly }) => {
  const titled = `${name} for ${task}`;
  const data = dataOf(task, style);
  const isLabelled = nLabels[task] > 0;
  const supervised = data.target.values.length > 0;

  it("learns beside constant, repeated and empty columns, and answers every row with a finite number", async () => {
    const predictor = await fit(name, data);
    const answers = answersOf(predictor, data.design);
    expect(answers.length).toBe(data.design.nRows * predictor.outputs);
    expect(answers.every(Number.isFinite)).toBe(true);
    expect(new Set(answers).size).toBeGreaterThan(1);
  });

  it("gives the same bits again", async () => {
    const first = await fit(name, data);
    expect(await fit(name, data)).toEqual(first);
  });

  it("leaves what it learns from as it was", async () => {
    const copy = structuredClone(data);
    await fit(name, data);
    expect(data).toEqual(copy);
  });

  it("answers a row alone as in a batch", async () => {
    const predictor = await fit(name, data);
    const single = Array.from({ length: 20 }, (_, row) => [
      ...answersOf(predictor, takeRows(data.design, Uint32Array.of(row))),
    ]);
    expect(single.flat()).toEqual([...answersOf(predictor, data.design).subarray(0, 20 * predictor.outputs)]);
  });

  it("learns from one row, from one label and from equal rows, or says why not", async () => {
    const few = [Uint32Array.of(3), new Uint32Array(12).fill(3)];
    if (supervised && isLabelled)
      few.push(Uint32Array.from(data.target.values.keys()).filter((row) => data.target.values[row] === 1));
    for (const rows of few) {
      const answers = await answersOrRefusal(name, take(data, rows));
      expect(answers === null || answers.every(Number.isFinite)).toBe(true);
    }
  });

  it("refuses weights of 0 alone, by their name", async () => {
    const weightless = { ...data, target: { ...data.target, weights: new Float64Array(data.design.nRows) } };
    await expectRefused(weightless, "the row weights");
  });

  it("refuses infinite values, by the name of their column", async () => {
    for (const infinite of [Infinity, -Infinity]) {
      const dense = data.design.dense.map((column, j) =>
        j === 1 ? { ...column, values: column.values.with(data.design.nRows - 1, infinite) } : column,
      );
      await expectRefused({ ...data, design: { ...data.design, dense } }, 'the column "x1"');
      const sparse = oneEntry(data.design.nRows, infinite);
      await expectRefused({ ...data, design: { ...data.design, sparse } }, 'the column "s0"');
    }
  });

  it("refuses infinite weights and numbers to predict", async () => {
    const { nRows } = data.design;
    const weights = new Float64Array(nRows).fill(1).with(3, Infinity);
    await expectRefused({ ...data, target: { ...data.target, weights } }, "the row weights");
    for (const infinite of task === "regression" ? [Infinity, -Infinity, Number.NaN] : []) {
      const values = data.target.values.with(nRows - 1, infinite);
      await expectRefused({ ...data, target: { ...data.target, values } }, "the target");
    }
  });

  // An infinite loss is never the best one: training would stop at once, or never.
  if (stopsEarly && task === "regression")
    it("refuses infinite numbers to stop early by", async () => {
      const values = data.target.values.with(0, Infinity);
      await expectRefused(data, "the target", { ...data, target: { ...data.target, values } });
    });

  async function expectRefused(given: Data, subject: string, validation: Data | null = null): Promise<void> {
    await expect(fit(name, given, validation)).rejects.toMatchObject({
      code: "DEFINITION_INVALID",
      message: expect.stringContaining(subject) as string,
    });
  }

  const orderReason = orderSkips[titled] ?? orderSkips[name];
  it.skipIf(orderReason)(`does not depend on the order of rows${reasonOf(orderReason)}`, async () => {
    const rows = Uint32Array.from({ length: data.design.nRows }, (_, i) => (i * 37) % data.design.nRows);
    const turned = await fit(name, take(data, rows));
    expectClose(answersOf(turned, data.design), answersOf(await fit(name, data), data.design), 4);
  });

  const weightReason = weightSkips[titled] ?? weightSkips[name];
  it.skipIf(weightReason)(`takes whole weights as so many rows${reasonOf(weightReason)}`, async () => {
    const weights = Float64Array.from({ length: data.design.nRows }, (_, row) => 1 + (row % 3));
    const rows = Uint32Array.from([...weights].flatMap((weight, row) => Array<number>(weight).fill(row)));
    const weighted = await fit(name, { ...data, target: { ...data.target, weights } });
    expectClose(answersOf(weighted, data.design), answersOf(await fit(name, take(data, rows)), data.design), 4);
  });
});

function reasonOf(skip: string | undefined): string {
  return skip === undefined ? "" : ` (not: ${skip})`;
}
