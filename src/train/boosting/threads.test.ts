import { readdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

import { systemClock } from "../../core/clock.ts";
import { sha256 } from "../../core/digest.ts";
import { silent } from "../../core/progress.ts";
import { createRng } from "../../core/rng.ts";
import { sharedNumbers } from "../../core/shared-memory.ts";
import { type Design, emptySparseBlock } from "../../model/design.ts";
import type { FitResult, HyperparameterValues, Target } from "../../model/estimator.ts";
import type { TreesPredictor } from "../../model/predictor.ts";
import { dismissIdleWorkers } from "../../threads/crew.ts";
import { compiledModule } from "../../threads/location.ts";
import { isWorthReclaiming } from "../../threads/reclaim-memory.ts";
import { fitContext } from "../fit-context.fixtures.ts";
import { boostingEstimator } from "./estimator.ts";
import { plantedRanking } from "./ranking.fixtures.ts";

/** Workers run the compiled trainer: it must be there and not older than its source. */
function isBuilt(): boolean {
  const member = compiledModule("member", import.meta.url);
  if (member === null) return false;
  const newest = (folder: URL, ending: string): number =>
    Math.max(
      ...readdirSync(folder)
        .filter((name) => name.endsWith(ending) && !name.includes(".test."))
        .map((name) => statSync(fileURLToPath(new URL(name, folder))).mtimeMs),
    );
  return newest(new URL("./", member), ".js") >= newest(new URL("./", import.meta.url), ".ts");
}

/** Sorted by the strongest column, so that a leaf's rows are a stretch of the table. In memory that threads share, or not. */
function sortedData(nRows: number, copy: (values: Float64Array) => Float64Array = (values) => values): Design {
  const rng = createRng(11);
  const a = Float64Array.from({ length: nRows }, (_, row) => (row % 17 === 0 ? Number.NaN : row / nRows));
  const b = Float64Array.from({ length: nRows }, () => rng.next());
  const c = Float64Array.from({ length: nRows }, () => (rng.next() < 0.1 ? Number.NaN : rng.integer(20)));
  return {
    nRows,
    dense: [a, b, c].map((values, f) => ({
      name: `x${f}`,
      source: `x${f}`,
      values: copy(values),
      cardinality: f === 2 ? 20 : 0,
    })),
    sparse: emptySparseBlock(nRows),
  };
}

function targetOf(design: Design, task: "regression" | "binary" | "multiclass"): Target {
  const [a, b, c] = design.dense.map((column) => column.values);
  const values = Float64Array.from({ length: design.nRows }, (_, row) => {
    const level = c![row]!;
    const signal = (a![row]! > 0.3 ? 1 : 0) + b![row]! * 2 + (Number.isNaN(level) ? 0.3 : (level * 7) % 3);
    if (task === "regression") return signal * 1000;
    return task === "binary" ? Number(signal > 2) : Math.min(2, Math.floor(signal / 1.5));
  });
  return { task, values, nLabels: { regression: 0, binary: 2, multiclass: 3 }[task], weights: b!.map((v) => 0.5 + v) };
}

function digestOf(trees: TreesPredictor): string {
  const arrays = Object.values(trees).filter((value) => ArrayBuffer.isView(value));
  return arrays.map((view) => sha256(new Uint8Array(view.buffer, view.byteOffset, view.byteLength))).join("\n");
}

describe.skipIf(!isBuilt())("boosting on several threads (skipped without a fresh dist/)", () => {
  afterAll(dismissIdleWorkers);
  const design = sortedData(33_333);
  const fit = (target: Target, threads: number, given: HyperparameterValues = {}): Promise<FitResult> =>
    boostingEstimator.fit(
      design,
      target,
      { trees: 6, ...given },
      { rng: createRng(1), clock: systemClock, progress: silent, threads, validation: { design, target } },
    );

  for (const task of ["regression", "binary", "multiclass"] as const) {
    it(`gives the same model on 1, 2 and 3 threads: ${task}`, async () => {
      const target = targetOf(design, task);
      for (const given of [
        {},
        { rowShare: 0.6, columnShare: 0.7, growth: "levelwise" },
        { rowShare: 0.2, topShare: 0.2, l1: 2 },
      ]) {
        const [one, two, three] = [
          await fit(target, 1, given),
          await fit(target, 2, given),
          await fit(target, 3, given),
        ];
        expect(digestOf(two!.predictor as TreesPredictor)).toBe(digestOf(one!.predictor as TreesPredictor));
        expect(digestOf(three!.predictor as TreesPredictor)).toBe(digestOf(one!.predictor as TreesPredictor));
        expect([two!.notes, three!.notes]).toEqual([one!.notes, one!.notes]);
      }
    });
  }

  it.each(["absolute", "huber", "tweedie"])(
    "gives the same model on 1 and 3 threads with the loss %s",
    async (loss) => {
      const target = targetOf(design, "regression");
      const [one, three] = [await fit(target, 1, { loss }), await fit(target, 3, { loss })];
      expect(digestOf(three.predictor as TreesPredictor)).toBe(digestOf(one.predictor as TreesPredictor));
      expect(three.notes).toEqual(one.notes);
    },
  );

  it.each(["regression", "multiclass"] as const)(
    "gives the same model on 1 and 3 threads where it goes on from an earlier one: %s",
    async (task) => {
      const target = targetOf(design, task);
      const start = (await fit(target, 1)).predictor;
      const learn = (threads: number): Promise<FitResult> =>
        boostingEstimator.fit(
          design,
          target,
          { trees: 6 },
          { rng: createRng(1), clock: systemClock, progress: silent, threads, validation: { design, target }, start },
        );
      const [one, three] = [await learn(1), await learn(3)];
      expect(digestOf(three.predictor as TreesPredictor)).toBe(digestOf(one.predictor as TreesPredictor));
      expect(three.notes).toEqual(one.notes);
      expect(one.notes["rounds"]).toBe(12);
    },
  );

  it("gives the same model where workers bin the columns and sums are packed", async () => {
    const shared = sortedData(80_000, (values) => {
      const copy = sharedNumbers(values.length);
      copy.set(values);
      return copy;
    });
    const target = { ...targetOf(shared, "binary"), weights: null };
    const digests: string[] = [];
    for (const threads of [1, 2, 3]) {
      const context = fitContext({ clock: systemClock, threads });
      const { predictor } = await boostingEstimator.fit(shared, target, { trees: 6 }, context);
      digests.push(digestOf(predictor as TreesPredictor));
    }
    expect(new Set(digests).size).toBe(1);
  });

  it("refuses infinite values wherever workers find them, and counts all those of a column", async () => {
    const nRows = 40_000;
    const columns = Array.from({ length: 3 }, (_, f) => {
      const values = sharedNumbers(nRows);
      for (let row = 0; row < nRows; ++row) values[row] = Math.imul(row, 40503 + 2 * f) & 4095;
      return { name: `x${f}`, source: `x${f}`, values, cardinality: 0 };
    });
    const design = { nRows, dense: columns, sparse: emptySparseBlock(nRows) };
    const target: Target = { task: "binary", values: columns[0]!.values.map((x) => x & 1), nLabels: 2, weights: null };
    const last = { ...columns[1]!, values: columns[1]!.values.subarray(nRows - 5000) };
    const watched = { ...design, nRows: 5000, dense: [columns[0]!, last, columns[2]!] };
    watched.dense = watched.dense.map((own) => ({ ...own, values: own.values.subarray(0, 5000) }));
    const validation = { design: watched, target: { ...target, values: target.values.subarray(0, 5000) } };
    columns[1]!.values[nRows - 1] = -Infinity;
    for (const settings of [{ trees: 1 }, { trees: 1, bins: 1000 }]) {
      for (const threads of [1, 2, 3]) {
        const context = { ...fitContext({ clock: systemClock, threads }), validation };
        const learn = () => boostingEstimator.fit(design, target, settings, context);
        columns[1]!.values[0] = Infinity;
        await expect(learn()).rejects.toThrow(/column "x1" .* 2 infinite values in 40000 rows/s);
        columns[1]!.values[0] = 0;
        columns[1]!.values[nRows - 1] = 0;
        await expect(learn()).resolves.toBeDefined();
        columns[1]!.values[nRows - 1] = -Infinity;
        await expect(
          boostingEstimator.fit(
            { ...design, dense: [columns[0]!, columns[0]!, columns[2]!] },
            target,
            settings,
            context,
          ),
        ).rejects.toThrow("1 infinite values in 5000 rows");
      }
    }
  });

  it("gives the same model where some columns are given back before others are binned, and leaves the caller's as they are", async () => {
    const nRows = 700_001;
    const one = sharedNumbers(nRows);
    const columns = Array.from({ length: 18 }, (_, f) => {
      const values = f % 4 === 3 ? one : sharedNumbers(nRows);
      for (let row = 0; row < nRows; ++row) values[row] = Math.imul(row, 40503 + 2 * f) & 1023;
      return { name: `x${f}`, source: `x${f}`, values, cardinality: 0 };
    });
    expect(isWorthReclaiming(nRows, columns.length)).toBe(true);
    const design = { nRows, dense: columns, sparse: emptySparseBlock(nRows) };
    const labels = columns[5]!.values.map((x, row) => Number(x + columns[16]!.values[row]! > 1000));
    const target: Target = { task: "binary", values: labels, nLabels: 2, weights: null };
    const watched = {
      ...design,
      nRows: 5000,
      dense: columns.map((own) => ({ ...own, values: own.values.subarray(0, 5000) })),
    };
    const validation = { design: watched, target: { ...target, values: labels.subarray(0, 5000) } };
    const digests: string[] = [];
    for (const threads of [1, 2]) {
      const context = { ...fitContext({ clock: systemClock, threads }), validation };
      const { predictor, notes } = await boostingEstimator.fit(design, target, { trees: 2, leaves: 8 }, context);
      digests.push(`${digestOf(predictor as TreesPredictor)} ${notes["validationLoss"]}`);
    }
    expect(digests[1]).toBe(digests[0]);
    expect(columns.every(({ values }) => values.length === nRows)).toBe(true);
  });

  it("gives the same model on 1, 2 and 3 threads where kernels grow the trees of numbers", async () => {
    for (const nRows of [33_333, 80_000]) {
      const table = sortedData(nRows);
      const numbers = { ...table, dense: table.dense.slice(0, 2) };
      const target = { ...targetOf(table, "binary"), weights: null };
      for (const given of [{}, { rowShare: 0.6, growth: "levelwise", depth: 4, l1: 2 }, { bins: 1000 }]) {
        const digests: string[] = [];
        for (const threads of [1, 2, 3]) {
          const context = fitContext({ clock: systemClock, threads });
          const { predictor } = await boostingEstimator.fit(numbers, target, { trees: 4, ...given }, context);
          digests.push(digestOf(predictor as TreesPredictor));
        }
        expect(new Set(digests).size).toBe(1);
      }
    }
  });

  it("gives the same model on 1, 2 and 3 threads with more than 255 bins, of numbers and of levels", async () => {
    const shared = sortedData(33_333, (values) => {
      const copy = sharedNumbers(values.length);
      copy.set(values);
      return copy;
    });
    const levels = sharedNumbers(33_333);
    for (let row = 0; row < levels.length; ++row) levels[row] = (row * 31) % 500;
    const many = { name: "x3", source: "x3", values: levels, cardinality: 500 };
    const wide = { ...shared, dense: [...shared.dense, many] };
    const target = targetOf(shared, "regression");
    const results: FitResult[] = [];
    for (const threads of [1, 2, 3]) {
      const validation = { design: wide, target };
      const context = { rng: createRng(1), clock: systemClock, progress: silent, threads, validation };
      results.push(await boostingEstimator.fit(wide, target, { trees: 6, bins: 3000, rowShare: 0.9 }, context));
    }
    expect(results.slice(1)).toEqual([results[0], results[0]]);
  });

  it("gives the same model on 1, 2 and 3 threads: ranking", async () => {
    const { design: ranked, target } = plantedRanking(1500, 40, 5);
    const watched = plantedRanking(200, 40, 6);
    const [one, two, three] = await Promise.all(
      [1, 2, 3].map((threads) => {
        const context = { rng: createRng(1), clock: systemClock, progress: silent, threads, validation: watched };
        return boostingEstimator.fit(ranked, target, { trees: 6, leaves: 8 }, context);
      }),
    );
    expect([two, three]).toEqual([one, one]);
  });

  it("ends with CANCELLED when asked to", async () => {
    const target = targetOf(design, "binary");
    const signal = AbortSignal.timeout(150);
    const running = boostingEstimator.fit(
      design,
      target,
      { trees: 10_000, earlyStopping: 0 },
      fitContext({ clock: systemClock, threads: 2, signal }),
    );
    await expect(running).rejects.toMatchObject({ code: "CANCELLED" });
  });
});
