import { cos } from "./elementary.ts";

/** Points in (0, 1) and their weights: the weighted sum of a function's values there is its integral from 0 to 1. */
export interface Quadrature {
  readonly points: Float64Array;
  readonly weights: Float64Array;
}

const known = new Map<number, Quadrature>();

/**
 * Gauss-Legendre quadrature of n points, exact for polynomials up to degree 2n - 1. The points are the roots of the
 * Legendre polynomial P_n by Newton's method from Tricomi's guess; the weights are positive and sum to 1.
 */
export function gaussLegendre(n: number): Quadrature {
  const found = known.get(n);
  if (found) return found;
  const points = new Float64Array(n);
  const weights = new Float64Array(n);
  for (let i = 0; i < n; ++i) {
    let x = cos((Math.PI * (i + 0.75)) / (n + 0.5));
    let slope = legendre(n, x).slope;
    for (let step = 0; step < 8; ++step) {
      const { value, slope: at } = legendre(n, x);
      slope = at;
      x -= value / slope;
    }
    points[n - 1 - i] = (1 + x) / 2;
    weights[n - 1 - i] = 1 / ((1 - x * x) * slope * slope);
  }
  const rule = Object.freeze({ points, weights });
  known.set(n, rule);
  return rule;
}

/** P_n(x) and its derivative, by the three-term recurrence. */
function legendre(n: number, x: number): { readonly value: number; readonly slope: number } {
  let before = 1;
  let value = x;
  for (let k = 2; k <= n; ++k) {
    const next = ((2 * k - 1) * x * value - (k - 1) * before) / k;
    before = value;
    value = next;
  }
  return { value, slope: (n * (x * value - before)) / (x * x - 1) };
}
