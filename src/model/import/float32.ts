const double = new Float64Array(1);
const bits = new BigInt64Array(double.buffer);
const single = new Float32Array(1);
const singleBits = new Int32Array(single.buffer);

/**
 * The largest double that rounds to a float32 below `bound`, a finite float32: who compares float32 values with
 * `x < bound` sends the same doubles left as we do with `x <= limitBelow(bound)`.
 */
export function limitBelow(bound: number): number {
  // Doubles up to the middle of two neighbours round to the lower one; the middle itself to the even one.
  const middle = (floatBeside(bound, -1) + bound) / 2;
  return Math.fround(middle) < bound ? middle : doubleBelow(middle);
}

/** As `limitBelow`, for who compares float32 values with `x <= bound`, any finite double. */
export function limitUpTo(bound: number): number {
  const nearest = Math.fround(bound);
  return limitBelow(nearest > bound ? nearest : floatBeside(nearest, 1));
}

/** The float32 beside a finite one, above (1) or below (-1) it; what lies beyond the largest is taken for 2^128. */
function floatBeside(value: number, direction: 1 | -1): number {
  if (value === 0) return direction * 2 ** -149;
  single[0] = value;
  singleBits[0]! += value > 0 === direction > 0 ? 1 : -1;
  return Number.isFinite(single[0]) ? single[0] : direction * 2 ** 128;
}

/** The double below a finite one. */
function doubleBelow(value: number): number {
  if (value === 0) return -(2 ** -1074);
  double[0] = value;
  bits[0]! += value > 0 ? -1n : 1n;
  return double[0];
}
