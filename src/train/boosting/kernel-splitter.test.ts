import { describe, expect, it } from "vitest";

import { createRng } from "../../core/rng.ts";
import type { Design } from "../../model/design.ts";
import type { HyperparameterValues, Target } from "../../model/estimator.ts";
import { designOf, fit, targetOf } from "./estimator.fixtures.ts";
import { recordBytes } from "./plan.ts";
import { isWorthOrdering } from "./row-order.ts";

/** Numbers with ties, gaps and missing ones, and targets they explain in part. */
function tableOf(nRows: number): { readonly columns: readonly number[][]; readonly signal: readonly number[] } {
  const rng = createRng(31);
  const draw = (make: () => number): number[] =>
    Array.from({ length: nRows }, () => (rng.next() < 0.1 ? Number.NaN : make()));
  const columns = [
    draw(() => rng.next() * 10 - 5),
    draw(() => (rng.next() < 0.6 ? 0 : rng.next())),
    draw(() => rng.integer(4)),
    Array.from({ length: nRows }, () => rng.next()),
  ];
  const signal = columns[0]!.map((x, row) => {
    const steps = Number.isNaN(x) ? 2 : x > 1 ? 1.5 : -x / 5;
    return steps + (columns[1]![row] === 0 ? 0.7 : 0) + columns[3]![row]! + rng.next() - 0.5;
  });
  return { columns, signal };
}

/** With a category of one level, on which nothing can be split, trees are grown in TypeScript. */
async function expectTwins(
  { columns, signal }: ReturnType<typeof tableOf>,
  task: Target["task"],
  given: HyperparameterValues,
  isWeighted = false,
) {
  const labels = { regression: signal, binary: signal.map((s) => Number(s > 1)), multiclass: signal.map(levelOf) };
  const weights = isWeighted ? signal.map((s) => 1 + Math.abs(s)) : null;
  const target = targetOf(task, labels[task as keyof typeof labels], weights);
  const numbers = designOf(columns);
  const withLevel = designOf([...columns, columns[0]!.map(() => 0)], [...columns.map(() => 0), 1]);
  const learn = (design: Design) => fit(design, target, { trees: 4, ...given }, { validation: { design, target } });
  const [byKernels, inTypeScript] = [await learn(numbers), await learn(withLevel)];
  expect(byKernels.trees.feature.length).toBeGreaterThan(12);
  expect(byKernels).toEqual(inTypeScript);
}

const levelOf = (signal: number): number => (signal > 2 ? 2 : signal > 1 ? 1 : 0);

describe("trees that a kernel grows are those grown in TypeScript", () => {
  const settings: readonly HyperparameterValues[] = [
    {},
    { leaves: 2, trees: 8 },
    { leaves: 9, minRows: 120, l1: 3, l2: 0 },
    { growth: "levelwise", depth: 3, minChildWeight: 5 },
    { rowShare: 0.4 },
    { rowShare: 0.2, topShare: 0.3 },
    { bins: 1000, leaves: 64, minRows: 1, minChildWeight: 0 },
    { bins: 3, leaves: 200, minRows: 1 },
  ];
  it.each(settings)("with %j", async (given) => {
    for (const task of ["regression", "binary", "multiclass"] as const)
      for (const isWeighted of [false, true]) await expectTwins(tableOf(1500), task, given, isWeighted);
  });

  it("where leaf values are renewed", async () => {
    for (const loss of ["absolute", "quantile"]) await expectTwins(tableOf(1500), "regression", { loss });
  });

  it("from packed sums, of leaves with more rows than these hold and of smaller ones", async () => {
    await expectTwins(tableOf(66_000), "binary", {});
    await expectTwins(tableOf(66_000), "binary", { rowShare: 0.5, depth: 4 });
  });

  it("from sums that stay packed in every leaf, of features no bin of which has many rows, alone and among others", async () => {
    const { columns, signal } = tableOf(66_000);
    const [spread, spiked, few, other] = columns as [number[], number[], number[], number[]];
    for (const mixed of [
      [spread, other],
      [spiked, spread, other, few],
      [other, few, spiked, spread],
    ]) {
      for (const given of [{}, { leaves: 200, minRows: 1 }, { rowShare: 0.5, growth: "levelwise" }, { l1: 3, l2: 0 }])
        await expectTwins({ columns: mixed, signal }, "binary", given);
    }
  });

  it("from rows that are put in the order of leaves", async () => {
    const { columns, signal } = tableOf(262_200);
    const wide = Array.from({ length: 60 }, (_, f) => columns[f % columns.length]!);
    expect(isWorthOrdering(signal.length, { stride: 4 + wide.length })).toBe(true);
    await expectTwins({ columns: wide, signal }, "binary", { leaves: 8 });
  });

  it("from rows that are put in the order of leaves by trees grown in TypeScript", async () => {
    const { columns, signal } = tableOf(262_200);
    const target = targetOf(
      "binary",
      signal.map((s) => Number(s > 1)),
    );
    /** Of so many features, all but the first four categories of one level. */
    const learn = (nFeatures: number) => {
      const levels = Array.from({ length: nFeatures - columns.length }, () => signal.map(() => 0));
      const cardinalities = [...columns.map(() => 0), ...levels.map(() => 1)];
      return fit(designOf([...columns, ...levels], cardinalities), target, { trees: 4, leaves: 8 });
    };
    const isOrdered = (nFeatures: number): boolean =>
      isWorthOrdering(signal.length, { stride: recordBytes(nFeatures, { isPacked: true, binRoom: 256 }) });
    expect([60, 61].map(isOrdered)).toEqual([true, false]);
    expect(await learn(60)).toEqual(await learn(61));
  });
});
