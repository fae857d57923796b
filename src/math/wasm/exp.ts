import { expConstants } from "../elementary.ts";
import { type Code, constant, f64Constant, get, op } from "./assembler.ts";
import { put } from "./code.ts";

const both = (value: number): Code => [f64Constant(value), op.f64x2Splat];
/** A whole number below 2^51 in size, added to it, stands 1023 larger in the lowest bits: the exponent of its power of two. */
const exponentMagic = 1.5 * 2 ** 52 + 1023;

/**
 * Leaves e to the power of the lanes of `x`, each above -708 and below 709, on the stack: `exp` of elementary.ts, operation by
 * operation. All five are vector locals, and are written over.
 */
export function expOfLanes(x: number, [k, low, r, c]: readonly [number, number, number, number]): Code {
  const { ln2High, ln2Low, inverseLn2, terms } = expConstants;
  const square = [get(r), get(r), op.f64x2Mul];
  const series = terms.reduceRight<Code>(
    (rest, term) => (rest.length === 0 ? both(term) : [both(term), square, rest, op.f64x2Mul, op.f64x2Add]),
    [],
  );
  const high = x;
  return [
    put(k, get(x), both(inverseLn2), op.f64x2Mul, both(0.5), op.f64x2Add, op.f64x2Floor),
    put(high, get(x), get(k), both(ln2High), op.f64x2Mul, op.f64x2Sub),
    put(low, get(k), both(ln2Low), op.f64x2Mul),
    put(r, get(high), get(low), op.f64x2Sub),
    put(c, get(r), square, series, op.f64x2Mul, op.f64x2Sub),
    put(c, get(r), get(c), op.f64x2Mul, both(2), get(c), op.f64x2Sub, op.f64x2Div),
    [both(1), get(low), get(c), op.f64x2Sub, get(high), op.f64x2Sub, op.f64x2Sub],
    [get(k), both(exponentMagic), op.f64x2Add, constant(52), op.i64x2Shl, op.f64x2Mul],
  ];
}
