import { describe, expect, it } from "vitest";

import { createRng, type Rng } from "../../core/rng.ts";
import { pageBytes } from "../../math/wasm/webassembly.ts";
import { ForestGrower } from "./grower.ts";
import { instantiateForest } from "./kernels.ts";
import { cutState, type ForestShape, forestMemory, mostBytes, nearRows, placesOf, threadsWithin } from "./memory.ts";
import { naiveKernels } from "./naive-kernels.ts";
import type { ForestPlan } from "./plan.ts";
import { type ForestView, openView } from "./view.ts";

const threads = 3;
const sizes = [1, 2, 3, 4, 5, 63, 64, 65, 257, 1030];
const missing = 255;

/** Where rows stand among others: every `step`-th of a table of so many columns, as one of so many threads sees it. */
interface RowPlace {
  readonly step: number;
  readonly nColumns: number;
  readonly threads: number;
}

/** The table's rows times `step` are about so many in all, whatever there are of it. */
const stepTo = (total: number) => (nRows: number) => Math.floor(total / nRows);
const rowPlaces = [
  { name: "alone", stepOf: () => 1, nColumns: 4, threads },
  { name: "with pairs across 2 GiB and up to 4 GiB", stepOf: stepTo(140_000_000), nColumns: 4, threads: 1 },
  { name: "with sums and rows beyond 2 GiB", stepOf: stepTo(55_000_000), nColumns: 40, threads: 1 },
] as const;
const usedColumns = 4;

/** Rows of random bins (column 0: of all, 1: of one, 2: of two, 3: of few and often missing), weights and values. */
function fill({ bytes, rows, pairs, places, state }: ForestView, nRows: number, step: number, rng: Rng): void {
  const rowOf = (i: number): number => i * step + step - 1;
  for (let i = 0; i < nRows; ++i) {
    const own = [rng.integer(255), 77, 3 + rng.integer(2), rng.next() < 0.3 ? missing : rng.integer(9)];
    own.forEach((bin, f) => (bytes[places.bins + f * nRows * step + rowOf(i)] = bin));
    rows[i] = rowOf(rng.integer(nRows));
    pairs.set([rng.next() + 0.1, rng.next() - 0.5], 2 * rowOf(i));
  }
  state[cutState.score] = -1;
}

/** The same forest's memory twice, one for the kernels and one for their twin, as the last thread sees it. */
function pairOfMemories(
  nRows: number,
  { step, nColumns, threads }: RowPlace,
): { kernel: ForestView; naive: ForestView; shape: ForestShape; plan: Plan } {
  const shape = { nRows: nRows * step, nColumns, outputs: 1, tried: nColumns };
  const [one, other] = [forestMemory(shape, threads), forestMemory(shape, threads)];
  const [kernel, naive] = [openView({ shape, ...one }, threads - 1), openView({ shape, ...other }, threads - 1)];
  for (const view of [kernel, naive]) fill(view, nRows, step, createRng(nRows));
  return { kernel, naive, shape, plan: one };
}
type Plan = ReturnType<typeof forestMemory>;

/** What a thread writes for so many rows; where they are all there are, the whole memory. */
function written({ bytes, places, rows, words }: ForestView, nRows: number): Buffer {
  if (rows.length === nRows) return Buffer.from(bytes.slice(0, places.end));
  const scratch = words.subarray(places.scratch / 4, places.scratch / 4 + nRows);
  const parts = [bytes.subarray(places.nearBins, places.rows), rows.subarray(0, nRows), scratch];
  return Buffer.concat(parts.map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength)));
}

describe.each(rowPlaces)("the forest's kernels over rows $name", ({ stepOf, nColumns, threads }) => {
  it.each(threads > 1 ? sizes : [1, 5, 65, 257])("leave the same bytes as their twin: %i rows", (nRows) => {
    const { kernel, naive, plan, shape } = pairOfMemories(nRows, { step: stepOf(nRows), nColumns, threads });
    const { places } = kernel;
    expect(plan.module).not.toBeNull();
    const both = [instantiateForest(plan.module!, plan.memory), naiveKernels(naive)];
    const expectSame = (): void => expect(written(kernel, nRows).equals(written(naive, nRows))).toBe(true);
    const [at, end] = [places.rows, places.rows + 4 * nRows];
    for (const one of both) one.total(at, end, places.pairs, places.state + 8 * cutState.totals);
    expectSame();
    for (const minRows of [1, 2, 30].filter((rows) => 2 * rows <= nRows)) {
      for (let f = 0; f < usedColumns; ++f) {
        const column = places.bins + f * shape.nRows;
        for (const one of both) one.sum(at, end, column, places.pairs, places.sums);
        expectSame();
        const [found, wanted] = both.map((one) => one.cut(places.sums, places.state, missing, nRows, minRows));
        expect(found).toBe(wanted);
        expectSame();
        expect(kernel.sums.every((sum) => sum === 0) && kernel.seen.every((mark) => mark === 0)).toBe(true);
      }
      for (const view of [kernel, naive]) view.state[cutState.score] = -1;
    }
    for (const view of [kernel, naive]) view.routes.fill(4, 0, 120);
    const { bins, routes, scratch, sides } = places;
    const counts = both.map((one) => one.partition(at, end, at, bins, routes, scratch, sides));
    expect(counts[0]).toBe(counts[1]);
    expect(kernel.rows.subarray(0, nRows)).toEqual(naive.rows.subarray(0, nRows));
    for (const { words } of [kernel, naive]) words.fill(0, places.scratch / 4, places.scratch / 4 + nRows);
    const few = Math.min(end, at + 4 * nearRows);
    for (const one of both) {
      for (let f = 0; f < usedColumns; ++f)
        one.copyBins(at, few, places.bins + f * shape.nRows, places.nearBins + f * nearRows);
      one.copyPairs(at, few, places.pairs, places.nearPairs);
    }
    expectSame();
  });
});

describe("the forest's kernels", () => {
  it("finds the missing rows' side, and all rows in one bin", () => {
    const { kernel, plan, shape } = pairOfMemories(6, { step: 1, nColumns: 4, threads });
    const { places, bytes, rows, pairs, state, found } = kernel;
    const { sum, cut, total } = instantiateForest(plan.module!, plan.memory);
    bytes.set([4, 4, 9, 9, missing, missing], places.bins);
    rows.set([0, 1, 2, 3, 4, 5]);
    const [at, end] = [places.rows, places.rows + 24];
    const cutOf = (values: readonly number[], column: number): number => {
      values.forEach((value, row) => pairs.set([1, value], 2 * row));
      state[cutState.score] = 0;
      total(at, end, places.pairs, places.state + 8 * cutState.totals);
      sum(at, end, places.bins + column * shape.nRows, places.pairs, places.sums);
      return cut(places.sums, places.state, missing, 6, 1);
    };
    expect(cutOf([1, 1, -1, -1, 1, 1], 0)).toBe(1);
    expect([...found, state[cutState.score]]).toEqual([~4, 4, 6]);
    expect(cutOf([1, 1, -1, -1, -1, -1], 0)).toBe(1);
    expect([...found, state[cutState.score]]).toEqual([4, 2, 6]);
    expect(cutOf([1, 1, -1, -1, -1, -1], 1)).toBe(0);
    expect(state[cutState.score]).toBe(0);
  });

  it.each([900, 5000])(
    "grow the trees that their twin grows, and that grow without a copy of near rows: %i rows",
    (nRows) => {
      const rng = createRng(5);
      const shape = { nRows, nColumns: 4, outputs: 1, tried: 2 };
      const own = forestMemory(shape, 1);
      const view = openView({ shape, ...own }, 0);
      fill(view, nRows, 1, rng);
      const plan: ForestPlan = {
        ...own,
        shape,
        nValues: new Int32Array(4).fill(missing),
        isCategory: Uint8Array.of(0, 0, 0, 1),
        bounds: new Float64Array(0),
        boundsAt: new Int32Array(5),
        values: Float64Array.from({ length: nRows }, () => rng.next() - 0.5),
        weights: Float64Array.from({ length: nRows }, () => rng.next()),
        settings: { trees: 2, depth: 0, minRows: 2, columns: 2, bootstrap: true, random: false },
        seed: 3,
      };
      const tree = new ForestGrower(plan, view).grow(1);
      expect(tree.feature.length).toBeGreaterThan(nRows / 10);
      expect(tree.routes.size).toBeGreaterThan(0);
      expect(new ForestGrower({ ...plan, module: null }, view).grow(1)).toEqual(tree);
      const withoutCopy = { ...plan, ...forestMemory({ ...shape, tried: 0 }, 1), shape: { ...shape, tried: 0 } };
      const other = openView(withoutCopy, 0);
      other.bytes.set(view.bytes.subarray(0, view.places.nearBins));
      expect(new ForestGrower(withoutCopy, other).grow(1)).toEqual(tree);
    },
  );
});

describe("the forest's memory", () => {
  it("has as many threads as kernels can address, and one where none has room", () => {
    const large = { nRows: 10_500_000, nColumns: 28, outputs: 1, tried: 14 };
    const within = threadsWithin(large, 64);
    expect(placesOf(large, within - 1).end).toBeLessThan(mostBytes);
    expect(placesOf(large, within).end).toBeGreaterThan(mostBytes - pageBytes);
    expect(threadsWithin(large, 3)).toBe(3);
    expect(threadsWithin({ ...large, nRows: 150_000_000 }, 64)).toBe(1);
  });

  it("may be larger than 4 GiB for one thread, whose bytes lie in front, unless the bins alone are", () => {
    const shape = { nRows: 150_000_000, nColumns: 8, outputs: 1, tried: 4 };
    const { memory, module } = forestMemory(shape, 1);
    const { places, bytes, pairs } = openView({ shape, memory }, 0);
    expect([module, memory.buffer.byteLength > mostBytes]).toEqual([null, true]);
    expect(bytes.length).toBeGreaterThan(places.rows);
    pairs.fill(7, 2 * shape.nRows - 2);
    expect(pairs.at(-1)).toBe(7);
    expect(() => forestMemory({ ...shape, nColumns: 32 }, 1)).toThrow("4 GiB");
  });
});
