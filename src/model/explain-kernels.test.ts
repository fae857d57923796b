import { describe, expect, it } from "vitest";
import { createRng } from "../core/rng.ts";
import { createMemory } from "../math/wasm/webassembly.ts";
import { type EdgeKernels, kernelEdges, plainEdges, tableNumbers } from "./explain-kernels.ts";

/** Memory of random numbers after every kernel ran once, over blocks of `rows` rows at `points` points. */
function afterAll(kernels: EdgeKernels, rows: number, points: number): number[] {
  const rng = createRng(rows * 100 + points);
  const used = kernels.cells.subarray(0, 4 * rows * points + 3 * rows + 2 * points * tableNumbers + points);
  used.forEach((_, i) => (used[i] = rng.next() - 0.5));
  const size = rows * points;
  const met = 4 * size;
  for (let row = 0; row < 2 * rows; ++row) used[met + row] = rng.integer(2);
  const change = met + 2 * rows;
  const table = change + rows;
  const oldTable = table + points * tableNumbers;
  const weights = oldTable + points * tableNumbers;
  const at = (number: number): number => number * 8;
  const marks = [at(met), at(table), at(met + rows), at(oldTable)] as const;
  kernels.descend(at(0), at(size), at(2 * size), at(rows), ...marks);
  kernels.weigh(at(size), at(2 * size), at(3 * size), at(rows), at(weights), 0.7);
  kernels.ascend(at(2 * size), at(3 * size), at(3 * size), at(rows), ...marks, 0.3, 0.9, at(change));
  return Array.from(used);
}

describe("the kernels of TreeSHAP", () => {
  it("give the same bits in vector registers as one by one", () => {
    for (const rows of [2, 4, 10, 64]) {
      for (const points of [1, 2, 5]) {
        const plain = afterAll(plainEdges(new Float64Array(8192)), rows, points);
        expect(afterAll(kernelEdges(createMemory(1, false), 1), rows, points)).toEqual(plain);
      }
    }
  });
});
