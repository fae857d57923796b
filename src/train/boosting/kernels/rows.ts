import {
  type Code,
  type KernelFunction,
  constant,
  f64,
  f64Load,
  f64Store,
  get,
  i32,
  i32Load,
  i32Load16,
  i32Load8,
  i32Store,
  move,
  op,
  set,
  tee,
  whileBelow,
} from "../../../math/wasm/assembler.ts";
import type { KernelShape } from "./shape.ts";

/** Rows split at a time: their reads of the column, which miss the cache, go on side by side. */
const unrolled = 4;

/**
 * Without a branch: the row is stored at both open ends, the left one at `target` and the right one in `scratch`, and one end
 * moves. A cell of the column takes `bytes`. What is stored at the end that did not move is overwritten by a later row, at the last by the one that belongs there.
 */
export function partitionKernel(bytes: 1 | 2): KernelFunction {
  const [at, end, target, column, route, scratch] = [0, 1, 2, 3, 4, 5];
  // `gap`: bytes of the rows that went right so far. A local a row for `row` and `moved`.
  const [left, gap, bulkEnd, row, moved] = [6, 7, 8, 9, 9 + unrolled];
  const load = (k: number): Code => [get(at), i32Load(4 * k), set(row + k)];
  const look = (k: number): Code => {
    const offset = bytes === 2 ? [get(row + k), constant(1), op.i32Shl] : get(row + k);
    const bin = [offset, get(column), op.i32Add, (bytes === 2 ? i32Load16 : i32Load8)(0)];
    return [bin, get(route), op.i32Add, i32Load8(0), set(moved + k)];
  };
  const place = (k: number): Code => [
    [get(left), get(row + k), i32Store(0)],
    [get(scratch), get(gap), op.i32Add, get(row + k), i32Store(0)],
    [get(left), get(moved + k), op.i32Add, set(left)],
    [get(gap), constant(4), op.i32Add, get(moved + k), op.i32Sub, set(gap)],
  ];
  const turn = (rows: number, until: number): Code => {
    const all = Array.from({ length: rows }, (_, k) => k);
    const body = [all.map(load), all.map(look), all.map(place)];
    return whileBelow(at, until, ...body, move(at, 4 * rows));
  };
  const bulk = [get(end), get(at), op.i32Sub, constant(-4 * unrolled), op.i32And];
  return {
    name: "partition",
    parameters: [i32, i32, i32, i32, i32, i32],
    result: i32,
    locals: Array.from({ length: 3 + 2 * unrolled }, () => i32),
    body: [
      [get(target), set(left)],
      [get(at), bulk, op.i32Add, set(bulkEnd)],
      turn(unrolled, bulkEnd),
      turn(1, end),
      [get(left), get(scratch), get(gap), op.memoryCopy],
      [get(left), get(target), op.i32Sub, constant(2), op.i32ShrU],
    ],
  };
}

export function addScoreKernel(shape: KernelShape): KernelFunction {
  const [begin, end, scores, value, cell] = [0, 1, 2, 3, 4];
  return {
    name: "addScore",
    parameters: [i32, i32, i32, f64],
    result: null,
    locals: [i32],
    body: [
      whileBelow(
        begin,
        end,
        [get(begin), i32Load(0), constant(shape.outputs * 8), op.i32Mul, get(scores), op.i32Add],
        [tee(cell), get(cell), f64Load(0), get(value), op.f64Add, f64Store(0)],
        move(begin, 4),
      ),
    ],
  };
}

/** A typed array's `fill` writes shared memory in single bytes, at a tenth of the speed. */
export const clearKernel: KernelFunction = {
  name: "clear",
  parameters: [i32, i32],
  result: null,
  locals: [],
  body: [[get(0), constant(0), get(1), get(0), op.i32Sub, op.memoryFill]],
};
