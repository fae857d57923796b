import { describe, expect, it } from "vitest";
import { createRng } from "../core/rng.ts";
import { heights, placed } from "../math/wasm/heights.fixtures.ts";
import { type EdgeKernels, kernelEdges, plainEdges, tableNumbers } from "./explain-kernels.ts";

const mostNumbers = 8192;

/** Numbers at random from byte `start` on, after every kernel ran once, over blocks of `rows` rows at `points` points. */
function afterAll(kernels: EdgeKernels, rows: number, points: number, start = 0): number[] {
  const rng = createRng(rows * 100 + points);
  const count = 4 * rows * points + 3 * rows + 2 * points * tableNumbers + points;
  const used = kernels.cells.subarray(start / 8, start / 8 + count);
  used.forEach((_, i) => (used[i] = rng.next() - 0.5));
  const size = rows * points;
  const met = 4 * size;
  for (let row = 0; row < 2 * rows; ++row) used[met + row] = rng.integer(2);
  const change = met + 2 * rows;
  const table = change + rows;
  const oldTable = table + points * tableNumbers;
  const weights = oldTable + points * tableNumbers;
  const at = (number: number): number => start + number * 8;
  const rowBytes = rows * 8;
  const marks = [at(met), at(table), at(met + rows), at(oldTable)] as const;
  kernels.descend(at(0), at(size), at(2 * size), rowBytes, ...marks);
  kernels.weigh(at(size), at(2 * size), at(3 * size), rowBytes, at(weights), 0.7);
  kernels.ascend(at(2 * size), at(3 * size), at(3 * size), rowBytes, ...marks, 0.3, 0.9, at(change));
  return Array.from(used);
}

describe("the kernels of TreeSHAP", () => {
  it.each(heights)("give the same bits in vector registers as one by one: $name", (height) => {
    for (const rows of [2, 4, 10, 64]) {
      for (const points of [1, 2, 5]) {
        const plain = afterAll(plainEdges(new Float64Array(mostNumbers)), rows, points);
        const { memory, pages, at } = placed(height, 8 * mostNumbers);
        expect(afterAll(kernelEdges(memory, pages), rows, points, at)).toEqual(plain);
      }
    }
  });
});
