import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { createRng, shuffle } from "../../core/rng.ts";
import { assemble } from "../../math/wasm/module.ts";
import { compileModule, createMemory, instantiateModule, pageBytes } from "../../math/wasm/webassembly.ts";
import { recordsKernel } from "./kernels/records.ts";
import { rowOrderKernels } from "./kernels/row-order.ts";
import { type KernelShape, binsAt } from "./kernels/shape.ts";
import { planMemory } from "./plan.ts";
import { RowOrder } from "./row-order.ts";
import { shardOf } from "./shard.ts";

const threads = 2;
const nFeatures = 3;

/** Rows with bins, labels and scores that tell them apart, where two threads' rows are put in another order. */
function setUp(nRows: number) {
  const binOffsets = Uint32Array.of(0, 256, 512, 768);
  const shape: KernelShape = {
    stride: 8,
    isPacked: true,
    binRoom: 256,
    binOffsets,
    countShift: 40,
    hasL1: false,
    outputs: 1,
    threads,
  };
  const layout = planMemory({
    nRows,
    nValidation: 0,
    outputs: 1,
    shape,
    loss: "logistic",
    groups: null,
    leaves: 4,
    hasTop: false,
    isReordered: true,
    weighted: false,
    validationWeighted: false,
  });
  const pages = Math.ceil(layout.end / pageBytes);
  const memory = createMemory(pages, true);
  const plan = { layout, shape, nRows };
  const functions = [recordsKernel(shape), ...rowOrderKernels(plan)];
  const kernels = instantiateModule(compileModule(assemble(functions, { pages, shared: true })), memory);
  const bytes = new Uint8Array(memory.buffer);
  const held = {
    bytes,
    columns: bytes.subarray(layout.columns, layout.columns + nRows * nFeatures),
    labels: new Int32Array(memory.buffer, layout.targets, nRows),
    scores: new Float64Array(memory.buffer, layout.scores, nRows),
    origins: new Uint32Array(memory.buffer, layout.origins, nRows),
    index: new Uint32Array(memory.buffer, layout.index, nRows),
  };
  for (let row = 0; row < nRows; ++row) {
    held.labels[row] = row * 3;
    held.scores[row] = Math.PI * row;
    held.origins[row] = row;
    for (let f = 0; f < nFeatures; ++f) held.columns[f * nRows + row] = binOf(row, f);
  }
  kernels["writeRecords"]!(layout.columns, nRows, nRows, layout.rows);
  const orders = Array.from({ length: threads }, (_, thread) => {
    return new RowOrder(plan, kernels["writeRecords"]!, kernels, shardOf(nRows, { thread, threads }));
  });
  return { plan, held, orders };
}

const binOf = (row: number, f: number): number => (row * (f + 5) + f) % 251;

/** Lists each thread's rows in a random order, as the leaves of a tree might. */
function listRows({ plan: { nRows }, held: { index } }: ReturnType<typeof setUp>, seed: number): void {
  const rng = createRng(seed);
  for (let thread = 0; thread < threads; ++thread) {
    const { begin, ranges } = shardOf(nRows, { thread, threads });
    const own = ranges.flatMap(([from, to]) => Array.from({ length: to - from }, (_, i) => from + i));
    const rows = Uint32Array.from(own);
    shuffle(rows, rng);
    index.set(rows, begin);
  }
}

describe("rows in the order of leaves", () => {
  const sizes = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1000, max: 5000 }));

  it("stand in their thread's places in the order that is listed, with all that is theirs", () => {
    fc.assert(
      fc.property(sizes, fc.nat(), (nRows, seed) => {
        const bench = setUp(nRows);
        const { plan, held, orders } = bench;
        listRows(bench, seed);
        const listed = held.index.slice();
        for (const order of orders) order.follow();
        for (let thread = 0; thread < threads; ++thread) {
          const { begin, ranges } = shardOf(nRows, { thread, threads });
          const places = ranges.map(([from, to]) => Array.from(held.origins.subarray(from, to)));
          expect(places.flat()).toEqual(Array.from(listed.subarray(begin, begin + places.flat().length)));
        }
        const rows = Array.from(held.origins);
        expect(Array.from(held.labels)).toEqual(rows.map((row) => row * 3));
        expect(Array.from(held.scores)).toEqual(rows.map((row) => Math.PI * row));
        const first = plan.layout.rows + binsAt(plan.shape);
        for (let f = 0; f < nFeatures; ++f) {
          const bins = rows.map((row) => binOf(row, f));
          expect(Array.from(held.columns.subarray(f * nRows, (f + 1) * nRows))).toEqual(bins);
          expect(bins.map((_, place) => held.bytes[first + place * plan.shape.stride + f])).toEqual(bins);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("give labels and scores back in the order they had at first, after any number of others", () => {
    fc.assert(
      fc.property(sizes, fc.array(fc.nat(), { maxLength: 3 }), (nRows, seeds) => {
        const bench = setUp(nRows);
        const { held, orders } = bench;
        for (const seed of seeds) {
          listRows(bench, seed);
          for (const order of orders) order.follow();
        }
        for (const order of orders) order.restore();
        expect(Array.from(held.labels)).toEqual(Array.from({ length: nRows }, (_, row) => row * 3));
        expect(Array.from(held.scores)).toEqual(Array.from({ length: nRows }, (_, row) => Math.PI * row));
      }),
      { numRuns: 30 },
    );
  });
});
