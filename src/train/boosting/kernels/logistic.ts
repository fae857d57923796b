import { roundingMagic } from "../rounding.ts";
import { tableLast, tableReach, tableSteps } from "../sigmoid-table.ts";
import {
  type KernelFunction,
  constant,
  f64,
  f64Constant,
  f64Load,
  f64x2ExtractLane,
  get,
  i32,
  i32Load,
  i32Store,
  loop,
  op,
  set,
  tee,
} from "../../../math/wasm/assembler.ts";
import type { KernelShape } from "./shape.ts";

/** From one row to the next the dither moves by the golden ratio of its range: it fills the range evenly (Weyl 1916). */
export const ditherStep = 0x9e3779b9;

/** Rounds the double on the stack to the nearest integer, ties to even: one addition, where `floor` and a cast take ten. */
const toInteger = [...f64Constant(roundingMagic), ...op.f64Add, ...op.i64ReinterpretF64, ...op.i32Wrap];
/** Cuts the double on the stack to a range; the scalar `min` and `max` spend more on missing values than this does on all. */
const cut = (low: number, high: number): number[] => {
  const raised = [...op.f64x2Splat, ...f64Constant(low), ...op.f64x2Splat, ...op.f64x2Pmax];
  return [...raised, ...f64Constant(high), ...op.f64x2Splat, ...op.f64x2Pmin, ...f64x2ExtractLane(0)];
};

/**
 * Gradient and hessian of the rows whose scores stand from `scores` to `scoresEnd` (doubles), labels (int32) and records
 * beside them, for rows of weight 1. In full records: `writeLogistic`, operation by operation. In packed ones both are
 * whole numbers of few bits; `dither`, different from row to row, decides which way each is rounded, so that sums are
 * right on average even where every gradient is smaller than one unit.
 */
export function logisticKernel(shape: KernelShape): KernelFunction {
  const [scores, scoresEnd, labels, records, table, gradientScale, hessianScale, dither] = [0, 1, 2, 3, 4, 5, 6, 7];
  const [position, p, low, shift, entry, cell] = [8, 9, 10, 11, 12, 13];
  const rounded = (value: readonly number[], scale: number, isSecond: boolean): number[] => {
    const scaled = [...value, ...get(scale), ...op.f64Mul];
    const moved = [...get(shift), ...(isSecond ? op.f64Sub : op.f64Add)];
    return [...scaled, ...(shape.isPacked ? moved : []), ...toInteger];
  };
  const step = (local: number, by: number): number[] => [...get(local), ...constant(by), ...op.i32Add];
  const error = [...get(p), ...get(labels), ...i32Load(0), ...op.f64FromI32, ...op.f64Sub];
  const variance = [...get(p), ...f64Constant(1), ...get(p), ...op.f64Sub, ...op.f64Mul];
  const gradient = rounded(error, gradientScale, false);
  const hessian = rounded(variance, hessianScale, true);
  const store = shape.isPacked
    ? [...get(records), ...gradient, ...constant(16), ...op.i32Shl, ...hessian, ...op.i32Or, ...i32Store(0)]
    : [...get(records), ...gradient, ...i32Store(0), ...get(records), ...hessian, ...i32Store(4)];
  return {
    name: "writeLogistic",
    parameters: [i32, i32, i32, i32, i32, f64, f64, i32],
    result: null,
    locals: [f64, f64, f64, f64, i32, i32],
    body: [
      loop(
        [...get(dither), ...op.f64FromI32, ...f64Constant(2 ** -32), ...op.f64Mul, ...set(shift)],
        [...get(scores), ...f64Load(0), ...f64Constant(tableReach), ...op.f64Add],
        [...f64Constant(tableSteps), ...op.f64Mul, ...cut(0, tableLast), ...tee(position)],
        [...f64Constant(0.5), ...op.f64Sub, ...toInteger, ...tee(entry)],
        [...constant(3), ...op.i32Shl, ...get(table), ...op.i32Add, ...tee(cell)],
        [...f64Load(0), ...tee(low), ...get(position), ...get(entry), ...op.f64FromI32, ...op.f64Sub],
        [...get(cell), ...f64Load(8), ...get(low), ...op.f64Sub, ...op.f64Mul, ...op.f64Add, ...set(p)],
        store,
        [...step(records, shape.stride), ...set(records), ...step(labels, 4), ...set(labels)],
        [...step(dither, ditherStep), ...set(dither)],
        [...step(scores, 8), ...tee(scores), ...get(scoresEnd), ...op.i32LtU],
      ),
    ],
  };
}
