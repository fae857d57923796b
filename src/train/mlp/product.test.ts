import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRng } from "../../core/rng.ts";
import { heights, placed } from "../../math/wasm/heights.fixtures.ts";
import { createMemory, pageBytes } from "../../math/wasm/webassembly.ts";
import { createProduct, kernelProduct, plainProduct } from "./product.ts";

describe("the product kernel", () => {
  it.each(heights)("gives the bits of the naive twin for every size, read straight and transposed: $name", (height) => {
    const sizes = fc.record({
      rows: fc.integer({ min: 1, max: 5 }),
      inner: fc.nat(19),
      columns: fc.integer({ min: 1, max: 4 }),
      isSwapped: fc.boolean(),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(sizes, ({ rows: rowBlocks, inner, columns: columnBlocks, isSwapped, seed }) => {
        const [rows, columns] = [rowBlocks * 4, columnBlocks * 8];
        const b = rows * inner * 4;
        const c = b + inner * columns * 4;
        const steps = isSwapped ? { rowStep: 4, innerStep: rows * 4 } : { rowStep: inner * 4, innerStep: 4 };
        const results = [height, heights[0]!].map((own, which) => {
          const { memory, pages, at } = placed(own, pageBytes);
          const cells = new Float32Array(memory.buffer);
          const rng = createRng(seed);
          const first = at + 12;
          for (let i = first / 4; i < first / 4 + 3000; ++i)
            cells[i] = (rng.next() - 0.5) * 2 ** (rng.integer(20) - 10);
          const plan = { a: first, ...steps, b: first + b, c: first + c, rows, inner, columns };
          (which === 0 ? kernelProduct(memory, pages) : plainProduct(cells))(plan);
          return Buffer.from(memory.buffer, at, pageBytes).toString("base64");
        });
        expect(results[0]).toBe(results[1]);
      }),
      { numRuns: 100 },
    );
  });

  it("adds A times B to C", () => {
    const memory = createMemory(1, false);
    const cells = new Float32Array(memory.buffer);
    for (let r = 0; r < 4; ++r) for (let k = 0; k < 2; ++k) cells[r * 2 + k] = r + 10 * k;
    for (let k = 0; k < 2; ++k) for (let u = 0; u < 8; ++u) cells[100 + k * 8 + u] = u + k;
    cells.fill(0.5, 200, 232);
    createProduct(memory, 1)({ a: 0, rowStep: 8, innerStep: 4, b: 400, c: 800, rows: 4, inner: 2, columns: 8 });
    for (let r = 0; r < 4; ++r)
      for (let u = 0; u < 8; ++u) expect(cells[200 + r * 8 + u]).toBe(0.5 + r * u + (r + 10) * (u + 1));
  });
});
