import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { symmetricEigen } from "./eigen.ts";

function symmetric(n: number, numbers: readonly number[]): Float64Array {
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; ++i)
    for (let j = 0; j <= i; ++j) out[i * n + j] = out[j * n + i] = numbers[(i * (i + 1)) / 2 + j]!;
  return out;
}

describe("symmetricEigen", () => {
  it("gives unit vectors at right angles that the matrix only stretches, in descending order", () => {
    const sized = fc.integer({ min: 1, max: 12 }).chain((n) =>
      fc.tuple(
        fc.constant(n),
        fc.array(fc.oneof(fc.constant(0), fc.double({ min: -4, max: 4, noNaN: true })), {
          minLength: (n * (n + 1)) / 2,
          maxLength: (n * (n + 1)) / 2,
        }),
      ),
    );
    fc.assert(
      fc.property(sized, ([n, numbers]) => {
        const matrix = symmetric(n, numbers);
        const { values, vectors } = symmetricEigen(matrix, n);
        for (let a = 0; a < n; ++a) {
          if (a > 0) expect(values[a]).toBeLessThanOrEqual(values[a - 1]!);
          for (let b = 0; b < n; ++b) {
            let product = 0;
            for (let k = 0; k < n; ++k) product += vectors[a * n + k]! * vectors[b * n + k]!;
            expect(product).toBeCloseTo(a === b ? 1 : 0, 10);
            let stretched = 0;
            for (let k = 0; k < n; ++k) stretched += matrix[b * n + k]! * vectors[a * n + k]!;
            expect(stretched).toBeCloseTo(values[a]! * vectors[a * n + b]!, 10);
          }
        }
      }),
    );
  });

  it("knows a case by hand, with the largest entry of each vector positive", () => {
    const { values, vectors } = symmetricEigen(Float64Array.of(2, -1, -1, 2), 2);
    expect(values[0]).toBeCloseTo(3, 14);
    expect(values[1]).toBeCloseTo(1, 14);
    const half = Math.SQRT1_2;
    [half, -half, half, half].forEach((entry, i) => expect(Math.abs(vectors[i]!)).toBeCloseTo(Math.abs(entry), 14));
    expect(Math.min(vectors[2]!, vectors[3]!)).toBeGreaterThan(0);
  });

  it("takes numbers at both ends of what a double holds, nothing, and a matrix of zeros", () => {
    for (const size of [1e300, 1e-300]) {
      const { values } = symmetricEigen(Float64Array.of(2 * size, size, size, 2 * size), 2);
      expect(values[0]! / size).toBeCloseTo(3, 12);
    }
    expect(symmetricEigen(new Float64Array(0), 0).values).toHaveLength(0);
    expect(symmetricEigen(new Float64Array(9), 3).values).toEqual(new Float64Array(3));
    expect(() => symmetricEigen(Float64Array.of(Number.NaN), 1)).toThrow(RangeError);
  });
});
