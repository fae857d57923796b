import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readVectors } from "../../test/vectors/read.ts";
import { cos, exp, expm1, log, log1p, sigmoid, sin, softmaxInPlace, tanh } from "./elementary.ts";
import { choleskyBackSolve, choleskyFactor, choleskySolve } from "./linear-algebra.ts";
import { normalCdf, normalQuantile } from "./normal.ts";
import { quantiles, quantileSorted, withoutNaN } from "./quantile.ts";
import { argsort, sortFloat64 } from "./sort.ts";
import { dot, mean, sum, variance, weightedMean } from "./sums.ts";

interface Vectors {
  elementary: Record<string, [number, number][]>;
  normalCdf: [number, number][];
  normalQuantile: [number, number][];
  quantiles: { values: number[]; ps: number[]; expected: number[] }[];
  variances: { values: number[]; population: number; sum: number }[];
  solve: { n: number; matrix: number[]; rhs: number[]; expected: number[] };
}
const vectors = readVectors<Vectors>("math");

const bits = new BigInt64Array(1);
const double = new Float64Array(bits.buffer);
/** How many doubles lie from a to b. */
function steps(a: number, b: number): number {
  const position = (x: number): bigint => {
    double[0] = x;
    return bits[0]! < 0n ? -(bits[0]! & 0x7fffffffffffffffn) : bits[0]!;
  };
  const distance = position(a) - position(b);
  return Number(distance < 0n ? -distance : distance);
}

describe("elementary functions", () => {
  const functions: Record<string, (x: number) => number> = { exp, log, log1p, expm1, sin, cos, sigmoid };
  for (const [name, pairs] of Object.entries(vectors.elementary)) {
    // sigmoid rounds three times: e^-x, the sum and the quotient
    const allowed = name === "sigmoid" ? 3 : 1;
    it(`${name} is at most ${allowed} double from the exact value`, () => {
      for (const [x, expected] of pairs)
        expect(
          steps(functions[name]!(x), expected),
          `${name}(${x}) = ${functions[name]!(x)}, exactly ${expected}`,
        ).toBeLessThanOrEqual(allowed);
    });
  }

  it("are defined at the ends of the line", () => {
    expect([exp(Infinity), exp(-Infinity), exp(710), exp(-746), exp(0)]).toEqual([Infinity, 0, Infinity, 0, 1]);
    expect([log(0), log(Infinity), log(1), log1p(-1), log1p(0)]).toEqual([-Infinity, Infinity, 0, -Infinity, 0]);
    expect([expm1(-Infinity), expm1(-40), expm1(Infinity), expm1(0)]).toEqual([-1, -1, Infinity, 0]);
    expect([sigmoid(-Infinity), sigmoid(Infinity), sigmoid(0), sin(0), cos(0)]).toEqual([0, 1, 0.5, 0, 1]);
    for (const f of Object.values(functions)) expect(f(NaN)).toBeNaN();
    for (const x of [log(-1), log1p(-1.5), sin(1e7), cos(Infinity)]) expect(x).toBeNaN();
  });

  it("softmax sums to 1 however large the scores are", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 }), (scores) => {
        const values = Float64Array.of(7, ...scores, 7);
        softmaxInPlace(values, 1, scores.length);
        expect(sum(values.subarray(1, -1))).toBeCloseTo(1, 12);
        expect([values[0], values.at(-1)]).toEqual([7, 7]);
      }),
    );
  });

  it("give tanh as the language does, to the last bits, odd, with its ends", () => {
    for (const x of [0, 1e-20, 1e-9, 0.1, 0.5, 0.999, 1, 1.5, 3, 10, 21.9, 22.1, 700]) {
      expect(Math.abs(tanh(x) - Math.tanh(x))).toBeLessThanOrEqual(4e-16 * Math.abs(Math.tanh(x)));
      expect(tanh(-x)).toBe(-tanh(x));
    }
    expect([tanh(Infinity), tanh(-Infinity), tanh(Number.NaN)]).toEqual([1, -1, Number.NaN]);
  });
});

describe("sorting", () => {
  const compare = (a: number, b: number): number => a - b || Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  /** Long enough for the radix passes: the drawn values over and over, moved about and now and then changed. */
  const stretch = (values: number[]): Float64Array =>
    Float64Array.from({ length: 3000 }, (_, i) => {
      const x = values[(i * 7) % values.length]!;
      return i % 5 === 0 ? x * (1 + (i % 11) * 1e-16) : i % 7 === 0 ? -x : x;
    });
  const anything = fc.array(fc.oneof(fc.double(), fc.integer(), fc.constant(-0)), { minLength: 1, maxLength: 200 });

  it("equals the built-in sort, whatever the length", () => {
    fc.assert(
      fc.property(anything, (drawn) => {
        for (const values of [Float64Array.from(drawn), stretch(drawn)])
          expect(sortFloat64(values.slice())).toEqual(values.slice().sort());
      }),
      { numRuns: 30 },
    );
  });

  it("finds the stable order, with -0 equal to 0 and NaN last", () => {
    fc.assert(
      fc.property(anything, (drawn) => {
        for (const values of [Float64Array.from(drawn), stretch(drawn)]) {
          const expected = Array.from(values.keys()).sort((a, b) => compare(values[a]!, values[b]!) || a - b);
          expect(Array.from(argsort(values))).toEqual(expected);
        }
      }),
    );
  });

  it("sorts a part of a larger buffer in place", () => {
    const buffer = Float64Array.from({ length: 4000 }, (_, i) => -i);
    const part = buffer.subarray(1000, 3000);
    expect(sortFloat64(part)).toBe(part);
    expect([buffer[999], buffer[1000], buffer[2999], buffer[3000]]).toEqual([-999, -2999, -1000, -3000]);
  });

  it("takes no values", () => {
    expect(argsort(new Float64Array(0))).toHaveLength(0);
    expect(sortFloat64(new Float64Array(0))).toHaveLength(0);
  });
});

describe("sums and quantiles", () => {
  it("sums and varies as in exact arithmetic", () => {
    for (const { values, population, sum: exact } of vectors.variances) {
      const v = Float64Array.from(values);
      expect(steps(sum(v), exact)).toBeLessThanOrEqual(1);
      expect(Math.abs(variance(v) - population)).toBeLessThanOrEqual(1e-12 * population);
    }
  });

  it("keeps what plain addition loses", () => {
    expect(sum(Float64Array.of(1, 1e100, 1, -1e100))).toBe(2);
    expect(dot(Float64Array.of(1, 1e100, 1, -1e100), Float64Array.of(3, 1, 3, 1))).toBe(6);
    expect(sum(Float64Array.of(1, Infinity))).toBe(Infinity);
    expect(mean(new Float64Array(0))).toBeNaN();
    expect(variance(Float64Array.of(1), 1)).toBeNaN();
    expect(weightedMean(Float64Array.of(1, 4), Float64Array.of(2, 1))).toBe(2);
  });

  it("quantiles equal NumPy's", () => {
    for (const { values, ps, expected } of vectors.quantiles)
      quantiles(Float64Array.from(values), ps).forEach((q, i) =>
        expect(Math.abs(q - expected[i]!)).toBeLessThanOrEqual(1e-15 * Math.abs(expected[i]!)),
      );
  });

  it("quantiles leave NaN out, and nothing has no quantile", () => {
    expect(quantiles(Float64Array.of(NaN, 3, 1, NaN, 2), [0, 0.5, 1])).toEqual([1, 2, 3]);
    expect(quantiles(Float64Array.of(NaN), [0.5])).toEqual([NaN]);
    expect(quantileSorted(Float64Array.of(1, 2), 1.5)).toBeNaN();
    const given = Float64Array.of(NaN, 3, -0, NaN, -Infinity);
    expect(withoutNaN(given)).toEqual(Float64Array.of(3, -0, -Infinity));
    expect(given[0]).toBeNaN();
  });
});

describe("the normal distribution", () => {
  it("equals SciPy's distribution function to 1e-12 of the value, tails included", () => {
    for (const [x, expected] of vectors.normalCdf)
      expect(Math.abs(normalCdf(x) - expected), String(x)).toBeLessThanOrEqual(1e-12 * expected);
    expect([normalCdf(-40), normalCdf(40), normalCdf(NaN)]).toEqual([0, 1, NaN]);
  });

  it("equals SciPy's quantiles to 1e-14 of the value", () => {
    for (const [p, expected] of vectors.normalQuantile)
      expect(Math.abs(normalQuantile(p) - expected), String(p)).toBeLessThanOrEqual(
        1e-14 * Math.max(1, Math.abs(expected)),
      );
    expect([normalQuantile(0), normalQuantile(1), normalQuantile(-1)]).toEqual([-Infinity, Infinity, NaN]);
  });
});

describe("Cholesky", () => {
  const { n, expected } = vectors.solve;
  const matrix = Float64Array.from(vectors.solve.matrix);
  const rhs = Float64Array.from(vectors.solve.rhs);

  it("solves what SciPy solves, and leaves its arguments alone", () => {
    const before = matrix.slice();
    choleskySolve(matrix, n, rhs)!.forEach((x, i) => expect(x).toBeCloseTo(expected[i]!, 10));
    expect(matrix).toEqual(before);
  });

  it("makes a factor whose square is the matrix", () => {
    const factor = matrix.slice();
    expect(choleskyFactor(factor, n)).toBe(true);
    for (let i = 0; i < n; ++i)
      for (let j = 0; j <= i; ++j) {
        let product = 0;
        for (let k = 0; k <= j; ++k) product += factor[i * n + k]! * factor[j * n + k]!;
        expect(product).toBeCloseTo(matrix[i * n + j]!, 12);
      }
    const x = rhs.slice();
    choleskyBackSolve(factor, n, x);
    x.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 10));
  });

  it("shares the weight among equal columns instead of failing", () => {
    const singular = Float64Array.of(2, 2, 2, 2);
    const x = choleskySolve(singular, 2, Float64Array.of(4, 4))!;
    expect(x[0]! + x[1]!).toBeCloseTo(2, 6);
    expect(Math.abs(x[0]! - x[1]!)).toBeLessThan(1e-3);
  });

  it("has no answer for a matrix that is not finite", () => {
    expect(choleskySolve(Float64Array.of(NaN), 1, Float64Array.of(1))).toBeNull();
    expect(choleskySolve(Float64Array.of(Infinity), 1, Float64Array.of(1))).toBeNull();
  });
});
