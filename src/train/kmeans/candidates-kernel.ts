import {
  type Code,
  type KernelFunction,
  f64Constant,
  get,
  i32,
  loop,
  move,
  op,
  plus,
  set,
  tee,
  v128,
  v128Load,
  v128Load64Splat,
  v128Store,
} from "../../math/wasm/assembler.ts";
import { addProducts } from "../../math/wasm/code.ts";

const [cell0, end, centres, out, norms, nearest] = [0, 1, 2, 3, 4, 5];
const [cell1, cellEnd, at] = [6, 7, 8];
const [x0, x1, pair] = [9, 10, 11];
const firstSum = 12;

/**
 * Of rows that follow each other in memory, from one address to before another, the squared distances from four points that
 * stand as a block of centres does, or where that is less, what stands at `nearest`: four numbers a row. Two rows at a time, so
 * that one more is read and written where they are odd; the lanes of a sum are two neighbouring points, so that its
 * additions come in the order of `fourScores`.
 */
export function fourKernel(nDense: number): KernelFunction {
  const rowBytes = nDense * 8;
  const sum = (row: 0 | 1, half: 0 | 1): number => firstSum + 2 * row + half;
  const addProduct = (row: 0 | 1, half: 0 | 1): Code => addProducts(sum(row, half), row === 0 ? x0 : x1, pair);
  const halves = [0, 1] as const;
  const store = (row: 0 | 1, half: 0 | 1): Code => [
    [get(out), get(nearest), v128Load64Splat(8 * row), get(norms), v128Load64Splat(8 * row)],
    [get(sum(row, half)), get(sum(row, half)), op.f64x2Add, op.f64x2Sub],
    [f64Constant(0), op.f64x2Splat, op.f64x2Pmax, op.f64x2Pmin],
    v128Store(32 * row + 16 * half),
  ];
  return {
    name: "four",
    parameters: [i32, i32, i32, i32, i32, i32],
    result: null,
    locals: [i32, i32, i32, v128, v128, v128, v128, v128, v128, v128],
    body: [
      loop(
        ...halves.map((half) => [get(centres), v128Load(16 * half), tee(sum(0, half)), set(sum(1, half))]),
        [get(centres), set(at)],
        [plus(cell0, rowBytes), tee(cellEnd), set(cell1)],
        loop(
          move(at, 32),
          [get(cell0), v128Load64Splat(0), set(x0), get(cell1), v128Load64Splat(0), set(x1)],
          ...halves.map((half) => [get(at), v128Load(16 * half), set(pair), addProduct(0, half), addProduct(1, half)]),
          move(cell1, 8),
          [plus(cell0, 8), tee(cell0), get(cellEnd), op.i32Ne],
        ),
        ...halves.flatMap((row) => halves.map((half) => store(row, half))),
        [move(out, 64), move(norms, 16), move(nearest, 16)],
        [get(cell1), tee(cell0), get(end), op.i32LtU],
      ),
    ],
  };
}
