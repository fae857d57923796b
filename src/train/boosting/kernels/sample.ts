import {
  type Code,
  type KernelFunction,
  again,
  block,
  constant,
  f64,
  f64Constant,
  f64Load,
  f64Store,
  get,
  i32,
  i32Load,
  i32Store,
  leave,
  leaveIf,
  move,
  op,
} from "../../../math/wasm/assembler.ts";
import { put } from "../../../math/wasm/code.ts";
import { placing, sampleState } from "./bounds-finder.ts";

/**
 * Writes those of a column's values to the sample that belong to it and are not missing, as `PlainSample` does, operation by operation. The values of
 * the rows from `given` to before `end` stand at `values`; `state` says how far the sample is (see `sampleState`).
 */
export function sampleKernel(): KernelFunction {
  const [values, given, end, state, kept, passed, size, random, row, value, stretch] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
  ];
  const field = (offset: number, local: number): Code => put(local, get(state), i32Load(offset));
  const store = (offset: number, local: number): Code => [get(state), get(local), i32Store(offset)];
  const part = [get(random), op.i64ExtendU, op.f64FromI64, f64Constant(2 ** -32), op.f64Mul];
  const place = [get(row), get(given), op.f64Sub, op.i32FromF64, constant(3), op.i32Shl];
  const takeNext = [
    [get(passed), get(size), op.i32GeU, leaveIf(1)],
    put(row, get(passed), op.f64FromI32, part, op.f64Add, get(stretch), op.f64Mul),
    [get(row), get(end), op.f64Ge, leaveIf(1)],
    put(value, place, get(values), op.i32Add, f64Load(0)),
    // What is missing is written, too, where the next is written over it.
    [get(kept), get(value), f64Store(0)],
    put(kept, get(value), get(value), op.f64Eq, constant(3), op.i32Shl, get(kept), op.i32Add),
    put(random, get(random), constant(placing.factor), op.i32Mul, constant(placing.increment), op.i32Add),
    [move(passed, 1), leave(0)],
  ];
  return {
    name: "sample",
    parameters: [i32, f64, f64, i32],
    result: null,
    locals: [i32, i32, i32, i32, f64, f64, f64],
    body: [
      [field(sampleState.kept, kept), field(sampleState.passed, passed)],
      [field(sampleState.size, size), field(sampleState.random, random)],
      put(stretch, get(state), f64Load(sampleState.stretch)),
      block(again(takeNext)),
      [store(sampleState.kept, kept), store(sampleState.passed, passed), store(sampleState.random, random)],
    ],
  };
}
