import {
  type Code,
  type KernelFunction,
  constant,
  f64,
  f64Constant,
  f64Load,
  get,
  i32,
  i32Load8,
  i32Store16,
  i32Store8,
  i32x4ExtractLane,
  f64x2ExtractLane,
  isBelow,
  loop,
  move,
  op,
  select,
  set,
  v128,
  v128Load,
} from "../../math/wasm/assembler.ts";
import { leastRank, cellCount, mostInCell, wholePart } from "./records.ts";

/** The rank of a missing value in the plane where it goes right; `leastRank` where it goes left. */
const missingRank = 127;

/** Stores a rank twice, for missing values to be the highest or the lowest. */
function storeRank(high: number, low: number, rank: number, isMissing: Code): Code {
  const signed = [get(rank), constant(leastRank), op.i32Add];
  return [
    [get(high), constant(missingRank), signed, isMissing, select, i32Store8(0)],
    [get(low), constant(leastRank), signed, isMissing, select, i32Store8(0)],
  ];
}

/** Ranks of values among the bounds of their column, by halving. */
export const rankKernel: KernelFunction = (() => {
  const [values, valuesEnd, bounds, high, low] = [0, 1, 2, 3, 4];
  const [x, rank] = [5, 6];
  const halving = (step: number): Code => {
    const at = [get(bounds), get(rank), constant(3), op.i32Shl, op.i32Add];
    const isSmaller = [at, f64Load((step - 1) * 8), get(x), op.f64Lt];
    return [get(rank), isSmaller, constant(Math.log2(step)), op.i32Shl, op.i32Add, set(rank)];
  };
  const isMissing = [get(x), get(x), op.f64Ne];
  return {
    name: "rank",
    parameters: [i32, i32, i32, i32, i32],
    result: null,
    locals: [f64, i32],
    body: [
      loop(
        [get(values), f64Load(0), set(x), constant(0), set(rank)],
        ...[128, 64, 32, 16, 8, 4, 2, 1].map(halving),
        storeRank(high, low, rank, isMissing),
        [move(high, 1), move(low, 1), move(values, 8), isBelow(values, valuesEnd)],
      ),
    ],
  };
})();

/**
 * The same, two values at a time, where the bounds are spread well enough: a line takes a value to its cell, and the bounds
 * of that cell alone are compared. No line takes the larger of two numbers to an earlier cell, however it is rounded. Reads
 * and writes one more than asked for where their number is odd.
 */
export const cellRankKernel: KernelFunction = (() => {
  const [values, valuesEnd, bounds, high, low, cells, scale, offset] = [0, 1, 2, 3, 4, 5, 6, 7];
  const [pair, cell, rank, x] = [8, 9, 10, 11];
  const both = (value: number): Code => [f64Constant(value), op.f64x2Splat];
  const line = [get(pair), get(scale), op.f64x2Splat, op.f64x2Mul];
  const onLine = [line, get(offset), op.f64x2Splat, op.f64x2Add];
  // Of NaN this is the last cell.
  const held = [both(0), both(cellCount - 1), onLine, op.f64x2Pmin, op.f64x2Pmax];
  const compare = [
    [get(bounds), get(rank), constant(3), op.i32Shl, op.i32Add, f64Load(0)],
    [get(x), op.f64Lt, get(rank), op.i32Add, set(rank)],
  ];
  const isMissing = [get(x), get(x), op.f64Ne];
  const one = (lane: 0 | 1): Code => [
    [get(pair), f64x2ExtractLane(lane), set(x)],
    [get(cells), get(cell), i32x4ExtractLane(2 * lane), op.i32Add, i32Load8(0), set(rank)],
    Array.from({ length: mostInCell }, () => compare),
    storeRank(high, low, rank, isMissing),
    [move(high, 1), move(low, 1)],
  ];
  return {
    name: "rankByCell",
    parameters: [i32, i32, i32, i32, i32, i32, f64, f64],
    result: null,
    locals: [v128, v128, i32, f64],
    body: [
      loop([get(values), v128Load(0), set(pair)], [held, both(wholePart), op.f64x2Add, set(cell)], one(0), one(1), [
        move(values, 16),
        isBelow(values, valuesEnd),
      ]),
    ],
  };
})();

/** Level codes as 16-bit integers; `missing` for those that are not a number. */
export const codesKernel: KernelFunction = (() => {
  const [values, valuesEnd, missing, codes, x] = [0, 1, 2, 3, 4];
  const whole = [get(x), f64Constant(0), op.f64Max, op.i32FromF64];
  const isMissing = [get(x), get(x), op.f64Ne];
  return {
    name: "codes",
    parameters: [i32, i32, i32, i32],
    result: null,
    locals: [f64],
    body: [
      loop(
        [get(values), f64Load(0), set(x)],
        [get(codes), get(missing), whole, isMissing, select, i32Store16(0)],
        [move(codes, 2), move(values, 8), isBelow(values, valuesEnd)],
      ),
    ],
  };
})();
