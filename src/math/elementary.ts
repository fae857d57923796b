/*
 * Portable elementary functions. Math.exp and its kin differ from engine to engine in the last bit; these use only
 * + - * / and exact bit inspection, so a model predicts the same bits everywhere. Error below 1 ulp.
 *
 * Method and constants: fdlibm 5.3 (e_exp.c, e_log.c, s_log1p.c, s_expm1.c, k_sin.c, k_cos.c, e_rem_pio2.c),
 * with the branch-free tail of log and log1p as in FreeBSD msun and musl.
 * "Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved. Developed at SunPro, a Sun Microsystems, Inc.
 * business. Permission to use, copy, modify, and distribute this software is freely granted, provided that this
 * notice is preserved."
 */

const LN2_HIGH = 6.9314718036912381649e-1;
const LN2_LOW = 1.90821492927058770002e-10;
const INVERSE_LN2 = Math.LOG2E; // a constant of the language, the same bits everywhere
const P1 = 1.66666666666666019037e-1;
const P2 = -2.77777777770155933842e-3;
const P3 = 6.61375632143793436117e-5;
const P4 = -1.6533902205465251539e-6;
const P5 = 4.13813679705723846039e-8;
/** What `exp` is worked out with, for those who write it in another language: see wasm/exp.ts. */
export const expConstants: {
  readonly ln2High: number;
  readonly ln2Low: number;
  readonly inverseLn2: number;
  readonly terms: readonly number[];
} = { ln2High: LN2_HIGH, ln2Low: LN2_LOW, inverseLn2: INVERSE_LN2, terms: [P1, P2, P3, P4, P5] };
const SMALLEST_NORMAL = 2.2250738585072014e-308;

/** A double and its two 32-bit words, to read the exponent. Word 1 is the high one: every platform of Node and every browser is little-endian. */
const doubleView = new Float64Array(1);
const wordView = new Int32Array(doubleView.buffer);

/** 2^-1024 .. 2^1023 at index exponent + 1024. A table because writing a word and reading the double stalls the CPU's store buffer. */
const powersOfTwo = doubled(SMALLEST_NORMAL / 4, 2048);

function doubled(first: number, count: number): Float64Array {
  const values = new Float64Array(count);
  values[0] = first;
  for (let i = 1; i < count; ++i) values[i] = values[i - 1]! * 2;
  return values;
}

/**
 * e to the power x; error below 1 ulp. Infinity above 709.78, 0 below -745.13, NaN for NaN.
 *
 * x = k ln 2 + r with |r| <= ln 2 / 2; e^r by a rational function of r^2 (Remez); result scaled by 2^k.
 */
export function exp(x: number): number {
  if (!(x > -708 && x < 709)) return expAtTheEdge(x);
  const k = Math.floor(x * INVERSE_LN2 + 0.5);
  const high = x - k * LN2_HIGH;
  const low = k * LN2_LOW;
  return expOfReduced(high, low) * powersOfTwo[k + 1024]!;
}

/** e^(high - low) for |high - low| <= ln 2 / 2. */
function expOfReduced(high: number, low: number): number {
  const r = high - low;
  const t = r * r;
  const c = r - t * (P1 + t * (P2 + t * (P3 + t * (P4 + t * P5))));
  return 1 - (low - (r * c) / (2 - c) - high);
}

/** exp where the result is huge, subnormal, zero or not a number: scaled in two steps, so that it rounds once. */
function expAtTheEdge(x: number): number {
  if (x > 709.782712893384) return Infinity;
  if (x < -745.1332191019411) return 0;
  if (x !== x) return x;
  const k = Math.floor(x * INVERSE_LN2 + 0.5);
  const value = expOfReduced(x - k * LN2_HIGH, k * LN2_LOW);
  return x > 0 ? value * powersOfTwo[k + 1023]! * 2 : value * powersOfTwo[k + 1224]! * powersOfTwo[824]!;
}

/** log(1 + f) - f + f^2 / 2, divided by s = f / (2 + f) and less f^2 / 2, for sqrt(1/2) - 1 <= f <= sqrt(2) - 1. */
function logRemainder(s: number): number {
  const z = s * s;
  const w = z * z;
  const even = w * (3.999999999940941908e-1 + w * (2.222219843214978396e-1 + w * 1.531383769920937332e-1));
  const odd =
    z *
    (6.66666666666673513e-1 +
      w * (2.857142874366239149e-1 + w * (1.818357216161805012e-1 + w * 1.479819860511658591e-1)));
  return odd + even;
}

/**
 * Natural logarithm; error below 1 ulp. -Infinity at 0, NaN below 0 and for NaN.
 *
 * x = 2^k (1 + f) with sqrt(1/2) <= 1 + f < sqrt(2); log(1 + f) by s = f / (2 + f) (Remez).
 */
export function log(x: number): number {
  if (!(x >= SMALLEST_NORMAL && x < Infinity)) return logAtTheEdge(x);
  doubleView[0] = x;
  // adding 1 - sqrt(1/2) in the exponent field makes the carry pick the k that centres 1 + f around 1
  const k = ((wordView[1]! + (0x3ff00000 - 0x3fe6a09e)) >> 20) - 0x3ff;
  const f = x * powersOfTwo[1024 - k]! - 1;
  const halfSquare = 0.5 * f * f;
  const s = f / (2 + f);
  return s * (halfSquare + logRemainder(s)) + k * LN2_LOW - halfSquare + f + k * LN2_HIGH;
}

function logAtTheEdge(x: number): number {
  if (x === 0) return -Infinity;
  if (x !== x || x < 0) return NaN;
  if (x === Infinity) return x;
  // subnormal: lift by 2^54, exactly
  doubleView[0] = x * 18014398509481984;
  const lifted = doubleView[0];
  const k = ((wordView[1]! + (0x3ff00000 - 0x3fe6a09e)) >> 20) - 0x3ff;
  const f = lifted * powersOfTwo[1024 - k]! - 1;
  const halfSquare = 0.5 * f * f;
  const s = f / (2 + f);
  const n = k - 54;
  return s * (halfSquare + logRemainder(s)) + n * LN2_LOW - halfSquare + f + n * LN2_HIGH;
}

/** log(1 + x), exact also for tiny x; error below 1 ulp. -Infinity at -1, NaN below. */
export function log1p(x: number): number {
  if (!(x > -1 && x < Infinity)) return x === -1 ? -Infinity : x === Infinity ? x : NaN;
  if (Math.abs(x) < 1.1102230246251565e-16) return x;
  let f = x;
  let k = 0;
  let correction = 0;
  if (x < -0.29289321881345254 || x >= 0.41421356237309503) {
    const u = 1 + x;
    doubleView[0] = u;
    k = ((wordView[1]! + (0x3ff00000 - 0x3fe6a09e)) >> 20) - 0x3ff;
    // what rounding took from 1 + x
    if (k < 54) correction = (k >= 2 ? 1 - (u - x) : x - (u - 1)) / u;
    f = u * powersOfTwo[1024 - k]! - 1;
  }
  const halfSquare = 0.5 * f * f;
  const s = f / (2 + f);
  return s * (halfSquare + logRemainder(s)) + (k * LN2_LOW + correction) - halfSquare + f + k * LN2_HIGH;
}

/** e^x - 1, exact also for tiny x; error below 1 ulp. */
export function expm1(x: number): number {
  if (x !== x || x > 709.782712893384) return x > 0 ? Infinity : NaN;
  if (x < -38.816242111356935) return -1;
  if (Math.abs(x) < 5.551115123125783e-17) return x;
  let k = 0;
  let r = x;
  let correction = 0;
  if (Math.abs(x) > 0.34657359027997264) {
    k = Math.floor(x * INVERSE_LN2 + 0.5);
    const high = x - k * LN2_HIGH;
    const low = k * LN2_LOW;
    r = high - low;
    correction = high - r - low;
  }
  const half = 0.5 * r;
  const hxs = r * half;
  const r1 =
    1 +
    hxs *
      (-3.33333333333331316428e-2 +
        hxs *
          (1.58730158725481460165e-3 +
            hxs * (-7.93650757867487942473e-5 + hxs * (4.00821782732936239552e-6 + hxs * -2.01099218183624371326e-7))));
  const t = 3 - r1 * half;
  const e = hxs * ((r1 - t) / (6 - r * t));
  if (k === 0) return r - (r * e - hxs);
  return scaleExpm1(k, r, r * (e - correction) - correction - hxs);
}

/** 2^k (1 + r - e) - 1, adding in the order that loses least for each size of k. */
function scaleExpm1(k: number, r: number, e: number): number {
  if (k === -1) return 0.5 * (r - e) - 0.5;
  if (k === 1) return r < -0.25 ? -2 * (e - (r + 0.5)) : 1 + 2 * (r - e);
  if (k <= -2 || k > 56) {
    const y = 1 - (e - r);
    return (k === 1024 ? y * 2 * powersOfTwo[2047]! : y * powersOfTwo[k + 1024]!) - 1;
  }
  const tiny = powersOfTwo[1024 - k]!;
  const y = k < 20 ? 1 - tiny - (e - r) : r - (e + tiny) + 1;
  return y * powersOfTwo[k + 1024]!;
}

/** 1 / (1 + e^-x), without overflow on either side. */
export function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + exp(-x));
  const e = exp(x);
  return e / (1 + e);
}

/** Replaces `count` scores from `offset` by their softmax: positive, summing to 1. The largest score is taken off first, so nothing overflows. */
export function softmaxInPlace(values: Float64Array, offset: number, count: number): void {
  const end = offset + count;
  let largest = -Infinity;
  for (let i = offset; i < end; ++i) if (values[i]! > largest) largest = values[i]!;
  let total = 0;
  for (let i = offset; i < end; ++i) {
    const e = exp(values[i]! - largest);
    values[i] = e;
    total += e;
  }
  for (let i = offset; i < end; ++i) values[i] = values[i]! / total;
}

/** sin(x + tail) for |x| <= pi / 4. */
function sinOfReduced(x: number, tail: number): number {
  const z = x * x;
  const r =
    8.33333333332248946124e-3 +
    z *
      (-1.98412698298579493134e-4 +
        z * (2.75573137070700676789e-6 + z * (-2.50507602534068634195e-8 + z * 1.58969099521155010221e-10)));
  const v = z * x;
  return x - (z * (0.5 * tail - v * r) - tail + v * 1.66666666666666324348e-1);
}

/** cos(x + tail) for |x| <= pi / 4. */
function cosOfReduced(x: number, tail: number): number {
  const z = x * x;
  const r =
    z *
    (4.16666666666666019037e-2 +
      z *
        (-1.38888888888741095749e-3 +
          z *
            (2.48015872894767294178e-5 +
              z * (-2.75573143513906633035e-7 + z * (2.0875723212981748279e-9 + z * -1.13596475577881948265e-11)))));
  const half = 0.5 * z;
  const w = 1 - half;
  return w + (1 - w - half + (z * r - x * tail));
}

/** sin(x + quarters * pi / 2) for |x| up to 2^20 pi / 2; pi / 2 in three parts of 33 bits keeps the remainder exact. */
function sinOfQuarters(x: number, quarters: number): number {
  if (!(Math.abs(x) <= 1647099)) return NaN;
  const n = Math.abs(x) <= 0.7853981633974483 ? 0 : Math.floor(x * 6.36619772367581382433e-1 + 0.5);
  const first = x - n * 1.57079632673412561417;
  const second = first - n * 6.0771005063039659766e-11;
  const lostInSecond = first - second - n * 6.0771005063039659766e-11;
  const tailOfPi = n * 2.0222662487111664558e-21 + n * 8.47842766036889956997e-32 - lostInSecond;
  const y = second - tailOfPi;
  const tail = second - y - tailOfPi;
  switch ((n + quarters) & 3) {
    case 0:
      return sinOfReduced(y, tail);
    case 1:
      return cosOfReduced(y, tail);
    case 2:
      return -sinOfReduced(y, tail);
    default:
      return -cosOfReduced(y, tail);
  }
}

/** Sine of x in radians, |x| at most 1,647,099 (2^20 right angles); error below 1 ulp. NaN beyond. */
export function sin(x: number): number {
  return sinOfQuarters(x, 0);
}

/** Cosine of x in radians, |x| at most 1,647,099 (2^20 right angles); error below 1 ulp. NaN beyond. */
export function cos(x: number): number {
  return sinOfQuarters(x, 1);
}

/** Hyperbolic tangent; error below 2 ulp. As in fdlibm s_tanh.c, by expm1. */
export function tanh(x: number): number {
  const size = Math.abs(x);
  if (size > 22) return x > 0 ? 1 : -1;
  if (size < 2 ** -55) return x;
  if (x !== x) return x;
  const t = size >= 1 ? expm1(2 * size) : expm1(-2 * size);
  const value = size >= 1 ? 1 - 2 / (t + 2) : -t / (t + 2);
  return x > 0 ? value : -value;
}
