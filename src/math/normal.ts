import { exp, log } from "./elementary.ts";

const ROOT_TWO_PI = 2.5066282746310002;
/** From here out the continued fraction of the tail converges faster than the series at the centre loses digits. */
const TAIL_FROM = 2.5;

/**
 * Distribution function of the standard normal: the chance of a value below x. Relative error about 1e-13, also in
 * the lower tail. Method: power series (Marsaglia 2004) in the middle, Laplace's continued fraction in the tails.
 */
export function normalCdf(x: number): number {
  if (x !== x) return NaN;
  if (Math.abs(x) < TAIL_FROM) return 0.5 + density(x) * oddSeries(x);
  if (Math.abs(x) > 39) return x < 0 ? 0 : 1;
  const tail = density(x) * tailFraction(Math.abs(x));
  return x < 0 ? tail : 1 - tail;
}

function density(x: number): number {
  return exp(-0.5 * x * x) / ROOT_TWO_PI;
}

/** x + x^3 / 3 + x^5 / (3 * 5) + ... */
function oddSeries(x: number): number {
  let term = x;
  let total = x;
  for (let i = 3; Math.abs(term) > 1e-17 * Math.abs(total); i += 2) {
    term *= (x * x) / i;
    total += term;
  }
  return total;
}

/** 1 / (x + 1 / (x + 2 / (x + 3 / ...))), cut where more terms change nothing for x >= TAIL_FROM. */
function tailFraction(x: number): number {
  let fraction = x;
  for (let i = 120; i > 0; --i) fraction = x + i / fraction;
  return 1 / fraction;
}

/** Horner's rule, highest power first. */
function polynomial(coefficients: readonly number[], x: number): number {
  let value = 0;
  for (const coefficient of coefficients) value = value * x + coefficient;
  return value;
}

// The coefficients of algorithm AS 241 (PPND16), as published: numerator and denominator for |p - 1/2| <= 0.425,
// for the tails down to e^-25, and beyond.
const middleOver = [
  2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946, 1971.5909503065513,
  133.14166789178438, 3.3871328727963665,
] as const;
const middleUnder = [
  5226.495278852854, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751, 687.1870074920579,
  42.31333070160091, 1,
] as const;
const tailOver = [
  0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684, 3.6478483247632045,
  5.769497221460691, 4.630337846156546, 1.4234371107496835,
] as const;
const tailUnder = [
  1.0507500716444169e-9, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008, 0.6897673349851,
  1.6763848301838038, 2.053191626637759, 1,
] as const;
const farOver = [
  2.0103343992922881e-7, 0.000027115555687434876, 0.0012426609473880784, 0.026532189526576124, 0.29656057182850487,
  1.7848265399172913, 5.463784911164114, 6.657904643501103,
] as const;
const farUnder = [
  2.0442631033899397e-15, 1.421511758316446e-7, 0.000018463183175100548, 0.0007868691311456133, 0.014875361290850615,
  0.1369298809227358, 0.599832206555888, 1,
] as const;

/**
 * The value that a standard normal variable stays below with chance p; -Infinity at 0, Infinity at 1, NaN outside.
 * Relative error about 1e-15. Method: Wichura 1988, algorithm AS 241.
 */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) return NaN;
  if (p === 0 || p === 1) return p === 0 ? -Infinity : Infinity;
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (q * polynomial(middleOver, r)) / polynomial(middleUnder, r);
  }
  const r = Math.sqrt(-log(q < 0 ? p : 1 - p));
  const x =
    r <= 5
      ? polynomial(tailOver, r - 1.6) / polynomial(tailUnder, r - 1.6)
      : polynomial(farOver, r - 5) / polynomial(farUnder, r - 5);
  return q < 0 ? -x : x;
}
