import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRng } from "../core/rng.ts";
import { mostColumns, pairKernel, rowsAtOnce } from "./pair-kernel.ts";
import { sumsOfPairs } from "./pair-sums.ts";

function columnsOf(nColumns: number, nRows: number, seed: number): Float64Array[] {
  const rng = createRng(seed);
  const one = (i: number): number => (rng.next() < 0.1 ? NaN : (rng.next() - 0.3) * 10 ** (i % 7));
  return Array.from({ length: nColumns }, (_, i) => Float64Array.from({ length: nRows }, () => one(i)));
}

function allOf(columns: readonly Float64Array[], kernel: ReturnType<typeof pairKernel>): number[] {
  const sumsOf = sumsOfPairs(columns, kernel);
  const sums: number[] = [];
  for (let i = 0; i < columns.length; ++i)
    for (let k = i + 1; k < columns.length; ++k) sums.push(...Array.from(sumsOf(i, k)));
  return sums;
}

describe("sums of pairs of columns", () => {
  const kernel = pairKernel();

  it("are the same with the kernel and without, bit for bit", () => {
    expect(kernel).not.toBeNull();
    const sizes = fc.constantFrom(1, 2, rowsAtOnce - 1, rowsAtOnce, rowsAtOnce + 1, 3 * rowsAtOnce + 7);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), sizes, fc.integer(), (nColumns, nRows, seed) => {
        const columns = columnsOf(nColumns, nRows, seed);
        expect(allOf(columns, kernel)).toEqual(allOf(columns, null));
      }),
    );
    const many = columnsOf(mostColumns, 700, 3);
    expect(allOf(many, kernel)).toEqual(allOf(many, null));
    const odd = [...columnsOf(3, 600, 4), new Float64Array(600).fill(NaN), new Float64Array(600).fill(Infinity)];
    expect(allOf(odd, kernel)).toEqual(allOf(odd, null));
  });

  it("are those of their definition", () => {
    const columns = columnsOf(2, 5_000, 5);
    const means = columns.map((column) => {
      const present = column.filter((value) => !Number.isNaN(value));
      return present.reduce((sum, value) => sum + value, 0) / present.length;
    });
    const pairs = Array.from(columns[0]!, (x, row) => [x - means[0]!, columns[1]![row]! - means[1]!] as const);
    const present = pairs.filter(([x, y]) => !Number.isNaN(x + y));
    const total = (of: (x: number, y: number) => number): number => present.reduce((sum, [x, y]) => sum + of(x, y), 0);
    const expected = [() => 1, (x: number) => x, (_: number, y: number) => y].map(total);
    const squares = [(x: number) => x * x, (_: number, y: number) => y * y, (x: number, y: number) => x * y].map(total);
    const found = allOf(columns, kernel);
    for (const [s, value] of [...expected, ...squares].entries()) expect(found[s]! / value).toBeCloseTo(1, 9);
  });
});
