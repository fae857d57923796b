import { describe, expect, it, vi } from "vitest";

import { createRng } from "../../core/rng.ts";
import { type Height, heights, raised } from "../../math/wasm/heights.fixtures.ts";
import type { HyperparameterValues, Target } from "../../model/estimator.ts";
import { designOf, fit, targetOf } from "./estimator.fixtures.ts";
import type { Layout } from "./plan.ts";
import { plantedRanking } from "./ranking.fixtures.ts";

const height = vi.hoisted((): { now: Height | null } => ({ now: null }));
vi.mock(import("./plan.ts"), async (original) => {
  const plan = await original();
  const planMemory = (...size: Parameters<typeof plan.planMemory>): Layout =>
    raised(plan.planMemory(...size), height.now ?? heights[0]!);
  return { ...plan, planMemory };
});

/** Two columns of numbers, one of which is missing at times, and one of six levels, which explain a signal in part. */
function tableOf(nRows: number): { readonly columns: readonly number[][]; readonly signal: readonly number[] } {
  const rng = createRng(17);
  const numbers = (make: () => number): number[] => Array.from({ length: nRows }, make);
  const columns = [
    numbers(() => (rng.next() < 0.1 ? Number.NaN : rng.next() * 8)),
    numbers(() => rng.next()),
    numbers(() => rng.integer(6)),
  ];
  const signal = columns[1]!.map(
    (y, row) => y * 3 + (columns[0]![row]! > 3 ? 2 : 0) + (columns[2]![row]! % 2) + rng.next() / 2,
  );
  return { columns, signal };
}

function labelsOf(task: Target["task"], signal: readonly number[]): readonly number[] {
  if (task === "regression") return signal;
  return signal.map((s) => (task === "binary" ? Number(s > 2.5) : s > 4 ? 2 : s > 2 ? 1 : 0));
}

interface Case {
  readonly name: string;
  readonly task: Target["task"];
  readonly nRows?: number;
  readonly given?: HyperparameterValues;
  /** With the column of levels: trees are then grown in TypeScript. */
  readonly hasLevels?: boolean;
  readonly isWeighted?: boolean;
}

const cases: readonly Case[] = [
  { name: "numbers", task: "regression" },
  { name: "labels, weighted", task: "binary", isWeighted: true },
  { name: "three labels", task: "multiclass", given: { rowShare: 0.5 } },
  { name: "levels and numbers", task: "binary", hasLevels: true },
  { name: "many bins", task: "regression", given: { bins: 1000, minRows: 1 } },
  { name: "drawn rows, level by level", task: "binary", given: { rowShare: 0.2, topShare: 0.3, growth: "levelwise" } },
  { name: "values renewed", task: "regression", given: { loss: "absolute" } },
  { name: "constraints", task: "regression", given: { increasing: ["x1"] } },
  { name: "packed gradients", task: "binary", nRows: 66_001 },
];

describe.each(heights.filter(({ isLow }) => !isLow))("a training $name", (high) => {
  /** The same training at the start of memory and up there. */
  async function expectSame(learn: () => ReturnType<typeof fit>): Promise<void> {
    height.now = null;
    const low = await learn();
    height.now = high;
    const raisedUp = await learn();
    height.now = null;
    expect(low.trees.feature.length).toBeGreaterThan(8);
    expect(raisedUp).toEqual(low);
  }

  it.each(cases)("learns the same of $name", async ({ task, nRows = 1203, given, hasLevels, isWeighted }) => {
    const { columns, signal } = tableOf(nRows);
    const design = hasLevels ? designOf(columns, [0, 0, 6]) : designOf(columns.slice(0, 2));
    const weights = isWeighted ? signal.map((s) => 1 + s) : null;
    const target = targetOf(task, labelsOf(task, signal), weights);
    await expectSame(() => fit(design, target, { trees: 3, ...given }, { validation: { design, target } }));
  });

  it("learns the same of ranked rows", async () => {
    const { design, target } = plantedRanking(60, 20, 4);
    await expectSame(() => fit(design, target, { trees: 3, minRows: 5 }));
  });
});
