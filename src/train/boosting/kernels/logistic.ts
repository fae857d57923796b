import { ditherStep, roundingMagic } from "../rounding.ts";
import { tableLast, tableReach, tableSteps } from "../sigmoid-table.ts";
import {
  type Code,
  firstLanes,
  secondLanes,
  type KernelFunction,
  constant,
  f64,
  f64Constant,
  get,
  i32,
  i32Store,
  i32x4ExtractLane,
  isBelow,
  move,
  op,
  set,
  tee,
  v128,
  v128Constant,
  v128Load,
  v128Load64Zero,
  when,
  whileBelow,
} from "../../../math/wasm/assembler.ts";
import type { KernelShape } from "./shape.ts";

const both = (value: number): Code => [f64Constant(value), op.f64x2Splat];
/** The lower two of four words are one. */
const bothWords = (value: number): Code => v128Constant(BigInt.asIntN(64, BigInt(value) * 0x1_0000_0001n), 0n);
/** Rounds two doubles to the nearest integers, ties to even, as `nearestInteger` does: the lower bits of each sum are one. */
const toIntegers = [both(roundingMagic), op.f64x2Add];

/**
 * Gradient and hessian of the rows whose scores stand from `scores` to `scoresEnd` (doubles), labels (int32) and records
 * beside them, for rows of weight 1. In full records: `writeLogistic`, operation by operation. In packed ones both are
 * whole numbers of few bits; `dither`, different from row to row, decides which way each is rounded, so that sums are
 * right on average even where every gradient is smaller than one unit. It is that of the first of the rows; where rows are not in their first order,
 * that of row 0, and the number of each stands `originsAhead` bytes behind its label.
 */
export function logisticKernel(shape: KernelShape, originsAhead: number | null = null): KernelFunction {
  const [scores, scoresEnd, labels, records, table, gradientScale, hessianScale, dither] = [0, 1, 2, 3, 4, 5, 6, 7];
  const [pairsEnd, given, expected, position, entry, first, second, low] = [8, 9, 10, 11, 12, 13, 14, 15];
  const [p, dithers, g, h] = [16, 17, 18, 19];
  const rounded = (value: Code, scale: number, isSecond: boolean): Code => {
    const scaled = [value, get(scale), op.f64x2Splat, op.f64x2Mul];
    const shift = [get(dithers), op.f64x2FromI32x4, both(2 ** -32), op.f64x2Mul];
    const moved = [shift, isSecond ? op.f64x2Sub : op.f64x2Add];
    return [scaled, shape.isPacked ? moved : [], toIntegers];
  };
  /** The sigmoid at a lane's entry and at the next one. */
  const look = (lane: number): Code => {
    const offset = [get(entry), i32x4ExtractLane(2 * lane), constant(3), op.i32Shl];
    return [offset, get(table), op.i32Add, v128Load(0)];
  };
  const error = [get(p), get(expected), op.f64x2Sub];
  const variance = [get(p), both(1), get(p), op.f64x2Sub, op.f64x2Mul];
  /** Words to write, `g` and (full records) `h`, of the rows whose scores are in `given` and labels in `expected`. */
  const work = [
    [get(given), both(tableReach), op.f64x2Add, both(tableSteps), op.f64x2Mul],
    [both(0), op.f64x2Pmax, both(tableLast), op.f64x2Pmin, tee(position)],
    [both(0.5), op.f64x2Sub, toIntegers, set(entry)],
    [look(0), set(first), look(1), set(second)],
    [get(first), get(second), firstLanes, tee(low)],
    [get(position), get(entry), both(roundingMagic), op.f64x2Sub, op.f64x2Sub],
    [get(first), get(second), secondLanes, get(low), op.f64x2Sub],
    [op.f64x2Mul, op.f64x2Add, set(p)],
    [rounded(error, gradientScale, false), set(g), rounded(variance, hessianScale, true), set(h)],
    shape.isPacked ? [get(g), constant(16), op.i64x2Shl, get(h), op.v128Or, set(g)] : [],
  ];
  const store = (lane: number): Code => {
    const word = (from: number, at: number): Code => {
      const value = [get(from), i32x4ExtractLane(2 * lane)];
      return [get(records), value, i32Store(lane * shape.stride + at)];
    };
    return shape.isPacked ? word(g, 0) : [word(g, 0), word(h, 4)];
  };
  const labelsOf = [get(labels), v128Load64Zero(0), op.f64x2FromI32x4, set(expected)];
  const ditherOfSecond = BigInt.asIntN(64, BigInt(ditherStep) << 32n);
  const ditherOfPair = (2 * ditherStep) % 2 ** 32;
  const isInOrder = originsAhead === null;
  const origins = [get(labels), v128Load64Zero(originsAhead ?? 0), bothWords(ditherStep), op.i32x4Mul];
  const dithersOf = isInOrder ? [] : [origins, get(dither), op.i32x4Splat, op.i32x4Add, set(dithers)];
  return {
    name: "writeLogistic",
    parameters: [i32, i32, i32, i32, i32, f64, f64, i32],
    result: null,
    locals: [i32, ...Array.from({ length: 11 }, () => v128)],
    body: [
      isInOrder ? [get(dither), op.i32x4Splat, v128Constant(ditherOfSecond, 0n), op.i32x4Add, set(dithers)] : [],
      [get(scoresEnd), get(scores), op.i32Sub, constant(-16), op.i32And],
      [get(scores), op.i32Add, set(pairsEnd)],
      whileBelow(
        scores,
        pairsEnd,
        [get(scores), v128Load(0), set(given), labelsOf, dithersOf, work, store(0), store(1)],
        [move(records, 2 * shape.stride), move(labels, 8)],
        isInOrder ? [get(dithers), bothWords(ditherOfPair), op.i32x4Add, set(dithers)] : [],
        move(scores, 16),
      ),
      // The last of an odd number: what the second lane works out of the label behind it goes nowhere.
      isBelow(scores, scoresEnd),
      when([get(scores), v128Load64Zero(0), set(given), labelsOf, dithersOf, work, store(0)]),
    ],
  };
}
