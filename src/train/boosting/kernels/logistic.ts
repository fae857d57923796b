import { tableLast, tableReach, tableSteps } from "../sigmoid-table.ts";
import {
  type KernelFunction,
  constant,
  f64,
  f64Constant,
  f64Load,
  get,
  i32,
  i32Load,
  i32Store,
  loop,
  op,
  set,
  tee,
} from "./assembler.ts";

/**
 * `writeLogistic` without weights, operation by operation: gradient and hessian of the rows whose scores stand from
 * `scores` to `scoresEnd` (doubles), labels (int32) and records beside them.
 */
export function logisticKernel(stride: number): KernelFunction {
  const [scores, scoresEnd, labels, records, table, gradientScale, hessianScale] = [0, 1, 2, 3, 4, 5, 6];
  const [position, p, low, entry, cell] = [7, 8, 9, 10, 11];
  const rounded = (value: readonly number[], scale: number): number[] => {
    const scaled = [...value, ...get(scale), ...op.f64Mul];
    return [...scaled, ...f64Constant(0.5), ...op.f64Add, ...op.f64Floor, ...op.i32FromF64];
  };
  const step = (local: number, by: number): number[] => [...get(local), ...constant(by), ...op.i32Add];
  const error = [...get(p), ...get(labels), ...i32Load(0), ...op.f64FromI32, ...op.f64Sub];
  const variance = [...get(p), ...f64Constant(1), ...get(p), ...op.f64Sub, ...op.f64Mul];
  return {
    name: "writeLogistic",
    parameters: [i32, i32, i32, i32, i32, f64, f64],
    result: null,
    locals: [f64, f64, f64, i32, i32],
    body: [
      loop(
        [
          ...get(scores),
          ...f64Load(0),
          ...f64Constant(tableReach),
          ...op.f64Add,
          ...f64Constant(tableSteps),
          ...op.f64Mul,
        ],
        [...f64Constant(0), ...op.f64Max, ...f64Constant(tableLast), ...op.f64Min, ...tee(position)],
        [...op.i32FromF64, ...tee(entry), ...constant(3), ...op.i32Shl, ...get(table), ...op.i32Add, ...tee(cell)],
        [...f64Load(0), ...tee(low), ...get(position), ...get(entry), ...op.f64FromI32, ...op.f64Sub],
        [...get(cell), ...f64Load(8), ...get(low), ...op.f64Sub, ...op.f64Mul, ...op.f64Add, ...set(p)],
        [...get(records), ...rounded(error, gradientScale), ...i32Store(0)],
        [...get(records), ...rounded(variance, hessianScale), ...i32Store(4)],
        [...step(records, stride), ...set(records), ...step(labels, 4), ...set(labels)],
        [...step(scores, 8), ...tee(scores), ...get(scoresEnd), ...op.i32LtU],
      ),
    ],
  };
}
