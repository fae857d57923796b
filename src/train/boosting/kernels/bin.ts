import {
  type Code,
  type KernelFunction,
  constant,
  f64,
  f64Constant,
  f64Load,
  f64x2ExtractLane,
  get,
  i32,
  i32Load8,
  i32Store16,
  i32Store8,
  i32x4ExtractLane,
  move,
  op,
  select,
  set,
  v128,
  v128Load,
  whileBelow,
} from "../../../math/wasm/assembler.ts";
import { put } from "../../../math/wasm/code.ts";
import { cellCount, mostInCell, wholePart } from "../../../model/quick/records.ts";
import { type KernelShape, boundsRoom, cellBytes } from "./shape.ts";

/**
 * The bins of the values (doubles) from `values` to `valuesEnd`: how many of the bounds at `bounds` are below a value, or
 * `missing` for NaN. Bounds are ascending, and Infinity behind the last up to `boundsRoom`. Bins go one after the other to `column`.
 * Gives whether a value was infinite.
 *
 * `place` moves past half of the bounds that are left wherever the last of these is below the value: no branch, so that the
 * searches of several rows go on side by side.
 */
export function binKernel(shape: Pick<KernelShape, "binRoom">): KernelFunction {
  const bytes = cellBytes(shape);
  const store = (bytes === 2 ? i32Store16 : i32Store8)(0);
  const [values, valuesEnd, bounds, missing, column, value, place, infinite] = [0, 1, 2, 3, 4, 5, 6, 7];
  const halvings = [];
  for (let step = boundsRoom / 2; step >= 1; step /= 2) {
    const isBelow = [get(place), f64Load((step - 1) * 8), get(value), op.f64Lt];
    const passed = [isBelow, constant(Math.log2(step * 8)), op.i32Shl];
    halvings.push([get(place), passed, op.i32Add, set(place)]);
  }
  const found = [get(place), get(bounds), op.i32Sub, constant(3), op.i32ShrU];
  const isInfinite = [get(value), op.f64Abs, f64Constant(Infinity), op.f64Eq];
  return {
    name: "writeBins",
    parameters: [i32, i32, i32, i32, i32],
    result: i32,
    locals: [f64, i32, i32],
    body: [
      whileBelow(
        values,
        valuesEnd,
        [get(values), f64Load(0), set(value), get(bounds), set(place)],
        ...halvings,
        [get(column), found, get(missing), get(value), get(value), op.f64Eq, select, store],
        put(infinite, get(infinite), isInfinite, op.i32Or),
        [move(values, 8), move(column, bytes)],
      ),
      get(infinite),
    ],
  };
}

/**
 * The same of an even number of values, two at a time, where the bounds are spread well enough (see `cellsOf`): a line takes a value to
 * its cell, and of the bounds those in the cell alone are compared.
 */
export function cellBinKernel(shape: Pick<KernelShape, "binRoom">): KernelFunction {
  const bytes = cellBytes(shape);
  const store = bytes === 2 ? i32Store16 : i32Store8;
  const [values, valuesEnd, bounds, missing, column, cells, scale, offset] = [0, 1, 2, 3, 4, 5, 6, 7];
  const [pair, cell, place, value, infinite] = [8, 9, 10, 11, 12];
  const both = (value: number): Code => [f64Constant(value), op.f64x2Splat];
  const line = [get(pair), get(scale), op.f64x2Splat, op.f64x2Mul, get(offset), op.f64x2Splat, op.f64x2Add];
  // Of NaN this is the last cell.
  const held = [both(0), both(cellCount - 1), line, op.f64x2Pmin, op.f64x2Pmax];
  const areInfinite = [get(pair), op.f64x2Abs, both(Infinity), op.f64x2Eq];
  const isBelow = [get(place), f64Load(0), get(value), op.f64Lt];
  const pass = put(place, get(place), isBelow, constant(3), op.i32Shl, op.i32Add);
  const found = [get(place), get(bounds), op.i32Sub, constant(3), op.i32ShrU];
  const one = (lane: 0 | 1): Code => {
    const first = [get(cells), get(cell), i32x4ExtractLane(2 * lane), op.i32Add, i32Load8(0)];
    return [
      put(value, get(pair), f64x2ExtractLane(lane)),
      put(place, first, constant(3), op.i32Shl, get(bounds), op.i32Add),
      Array.from({ length: mostInCell }, () => pass),
      [get(column), found, get(missing), get(value), get(value), op.f64Eq, select, store(lane * bytes)],
    ];
  };
  return {
    name: "writeBinsByCell",
    parameters: [i32, i32, i32, i32, i32, i32, f64, f64],
    result: i32,
    locals: [v128, v128, i32, f64, v128],
    body: [
      whileBelow(
        values,
        valuesEnd,
        [put(pair, get(values), v128Load(0)), put(cell, held, both(wholePart), op.f64x2Add), one(0), one(1)],
        put(infinite, get(infinite), areInfinite, op.v128Or),
        [move(values, 16), move(column, 2 * bytes)],
      ),
      [get(infinite), op.v128AnyTrue],
    ],
  };
}
