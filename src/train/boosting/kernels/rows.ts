import {
  type KernelFunction,
  constant,
  f64,
  f64Load,
  f64Store,
  get,
  i32,
  i32Load,
  i32Load8,
  i32Store,
  loop,
  op,
  set,
  tee,
} from "../../../math/wasm/assembler.ts";
import type { KernelShape } from "./shape.ts";

/**
 * Without a branch: the row is stored at both open ends and one end moves. The end that did not move is overwritten by
 * a later row, at the last by the one that belongs there.
 */
export function partitionKernel(): KernelFunction {
  const [begin, end, column, route, out] = [0, 1, 2, 3, 4];
  const [left, right, row, moved] = [5, 6, 7, 8];
  const binOfRow = [...get(row), ...get(column), ...op.i32Add, ...i32Load8(0)];
  return {
    name: "partition",
    parameters: [i32, i32, i32, i32, i32],
    result: i32,
    locals: [i32, i32, i32, i32],
    body: [
      [...get(out), ...tee(left), ...get(end), ...op.i32Add, ...get(begin), ...op.i32Sub],
      [...constant(4), ...op.i32Sub, ...set(right)],
      loop(
        [...get(left), ...get(begin), ...i32Load(0), ...tee(row), ...i32Store(0)],
        [...get(right), ...get(row), ...i32Store(0)],
        [...binOfRow, ...get(route), ...op.i32Add, ...i32Load8(0), ...tee(moved)],
        [...get(left), ...op.i32Add, ...set(left)],
        [...get(right), ...get(moved), ...op.i32Add, ...constant(4), ...op.i32Sub, ...set(right)],
        [...get(begin), ...constant(4), ...op.i32Add, ...tee(begin), ...get(end), ...op.i32LtU],
      ),
      [...get(left), ...get(out), ...op.i32Sub, ...constant(2), ...op.i32ShrU],
    ],
  };
}

export const copyReversedKernel: KernelFunction = {
  name: "copyReversed",
  parameters: [i32, i32, i32],
  result: null,
  locals: [],
  body: [
    loop(
      [...get(2), ...constant(4), ...op.i32Sub, ...set(2)],
      [...get(0), ...get(2), ...i32Load(0), ...i32Store(0)],
      [...get(0), ...constant(4), ...op.i32Add, ...tee(0), ...get(1), ...op.i32LtU],
    ),
  ],
};

export function addScoreKernel(shape: KernelShape): KernelFunction {
  const [begin, end, scores, value, cell] = [0, 1, 2, 3, 4];
  return {
    name: "addScore",
    parameters: [i32, i32, i32, f64],
    result: null,
    locals: [i32],
    body: [
      loop(
        [...get(begin), ...i32Load(0), ...constant(shape.outputs * 8), ...op.i32Mul, ...get(scores), ...op.i32Add],
        [...tee(cell), ...get(cell), ...f64Load(0), ...get(value), ...op.f64Add, ...f64Store(0)],
        [...get(begin), ...constant(4), ...op.i32Add, ...tee(begin), ...get(end), ...op.i32LtU],
      ),
    ],
  };
}
