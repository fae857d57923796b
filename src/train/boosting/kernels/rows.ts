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
  plus,
  set,
  tee,
  v128,
  v128Constant,
  v128Load,
  v128Load8Lane,
  v128Store,
  whileBelow,
} from "../../../math/wasm/assembler.ts";
import type { KernelShape } from "./shape.ts";

/** Rows parted at a time: as many as a vector holds. */
const partedAtOnce = 4;

/** Bytes of the table that `writeSides` writes: for each 4 bits the bytes of the rows that go left, and then of those that go right. */
export const sidesBytes: number = 2 * 2 ** partedAtOnce * 16;

/** Writes the table that `partitionKernel` reads: how a swizzle brings the rows of one side to the front. */
export function writeSides(bytes: Uint8Array, at: number): void {
  for (let side = 0; side < 2; ++side) {
    for (let mask = 0; mask < 2 ** partedAtOnce; ++mask) {
      let to = at + (side * 2 ** partedAtOnce + mask) * 16;
      for (let row = 0; row < partedAtOnce; ++row) {
        if (((mask >> row) & 1) === side) continue;
        for (let byte = 0; byte < 4; ++byte) bytes[to++] = 4 * row + byte;
      }
    }
  }
}

/**
 * Without a branch: four rows are stored at both open ends, the left one at `target` and the right one in `scratch`, those that belong
 * there in front, and each end moves by as many as these are. What is stored behind them is overwritten by later rows. A cell of the column takes `bytes`.
 * The last rows, fewer than four, come one by one: each is stored at both ends, and one end moves.
 */
export function partitionKernel(bytes: 1 | 2): KernelFunction {
  const [at, end, target, column, route, scratch, sides] = [0, 1, 2, 3, 4, 5, 6];
  const [left, right, bulkEnd, one, mask, rows, moved] = [7, 8, 9, 10, 11, 12, 13];
  /** Where the route of a row's bin stands. */
  const routeOf = (row: Code): Code => {
    const offset = bytes === 2 ? [row, constant(1), op.i32Shl] : row;
    return [offset, get(column), op.i32Add, (bytes === 2 ? i32Load16 : i32Load8)(0), get(route), op.i32Add];
  };
  const all = Array.from({ length: partedAtOnce }, (_, k) => k);
  const look = all.map((k) => [routeOf([get(at), i32Load(4 * k)]), get(moved), v128Load8Lane(4 * k), set(moved)]);
  const isLeft = [get(moved), constant(29), op.i32x4Shl, op.i32x4Bitmask];
  const sideOf = (side: 0 | 1): Code => [
    [get(rows), get(mask), get(sides), op.i32Add, v128Load((side * sidesBytes) / 2)],
    [op.i8x16Swizzle, v128Store(0)],
  ];
  const partFour = [
    [v128Constant(0n, 0n), set(moved), look],
    [get(at), v128Load(0), set(rows)],
    [isLeft, constant(4), op.i32Shl, set(mask)],
    [get(left), sideOf(0), get(right), sideOf(1)],
    [get(mask), op.i32Popcnt, constant(2), op.i32Shl, set(one)],
    [get(left), get(one), op.i32Add, set(left)],
    [plus(right, 4 * partedAtOnce), get(one), op.i32Sub, set(right)],
  ];
  const partOne = [
    [get(at), i32Load(0), set(one)],
    [routeOf(get(one)), i32Load8(0), set(mask)],
    [get(left), get(one), i32Store(0), get(right), get(one), i32Store(0)],
    [get(left), get(mask), op.i32Add, set(left)],
    [plus(right, 4), get(mask), op.i32Sub, set(right)],
  ];
  const bulk = [get(end), get(at), op.i32Sub, constant(-4 * partedAtOnce), op.i32And];
  return {
    name: "partition",
    parameters: [i32, i32, i32, i32, i32, i32, i32],
    result: i32,
    locals: [i32, i32, i32, i32, i32, v128, v128],
    body: [
      [get(target), set(left), get(scratch), set(right)],
      [get(at), bulk, op.i32Add, set(bulkEnd)],
      whileBelow(at, bulkEnd, partFour, move(at, 4 * partedAtOnce)),
      whileBelow(at, end, partOne, move(at, 4)),
      [get(left), get(scratch), get(right), get(scratch), op.i32Sub, op.memoryCopy],
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
