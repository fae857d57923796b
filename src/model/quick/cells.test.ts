import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cellsOf } from "./cells.ts";
import { cellCount, mostInCell } from "./records.ts";

/** Bounds of which cell 0 holds the first and the last cell the last, so that the line takes each whole number to the cell of that number. */
const boundsIn = (cells: readonly number[]): Float64Array => Float64Array.from([0, ...cells, cellCount - 1]).sort();

describe("cells of bounds", () => {
  it("say how many bounds stand in the cells before each, unless one would hold more than are compared", () => {
    const near = fc.integer({ min: 0, max: 40 });
    const any = fc.integer({ min: 0, max: cellCount - 1 });
    fc.assert(
      fc.property(fc.array(fc.oneof(near, any), { maxLength: 60 }), (cells) => {
        const bounds = boundsIn(cells);
        const counts = Array.from({ length: cellCount }, (_, cell) => bounds.filter((one) => one === cell).length);
        const before = counts.map((_, cell) => bounds.filter((one) => one < cell).length);
        const found = cellsOf(bounds);
        expect(found !== null).toBe(Math.max(...counts) <= mostInCell);
        if (found) expect(found).toEqual({ scale: 1, offset: expect.closeTo(0), before: Uint8Array.from(before) });
      }),
    );
  });

  it("hold as many bounds as are compared, and no more", () => {
    const same = (count: number): number[] => Array.from({ length: count }, () => 7);
    expect(cellsOf(boundsIn(same(mostInCell)))?.before[8]).toBe(1 + mostInCell);
    expect(cellsOf(boundsIn(same(mostInCell + 1)))).toBeNull();
  });

  it("are not found of bounds that no line of finite numbers takes to cells", () => {
    for (const bounds of [
      [-Number.MAX_VALUE, Number.MAX_VALUE],
      [0, 5e-324],
      [-Infinity, 0],
    ])
      expect(cellsOf(Float64Array.from(bounds))).toBeNull();
  });
});
