import {
  type Code,
  type KernelFunction,
  again,
  block,
  constant,
  f64,
  f64Store,
  get,
  i32,
  i32AtomicAdd,
  leave,
  leaveIf,
  loop,
  op,
  plus,
  select,
  tee,
  when,
} from "../../../math/wasm/assembler.ts";
import { put } from "../../../math/wasm/code.ts";
import { ditherStep } from "../rounding.ts";
import { turnRows } from "../shard.ts";
import { leftBytes, leftRows } from "../turns.ts";
import { type GrowthPlan, addresses, ask, sum, times, word } from "./growth-code.ts";
import { growthState } from "./growth-state.ts";
import { histogramBytes, packed } from "./shape.ts";

/**
 * As `Histograms.sumAll` into the first histogram, of logistic loss and rows that weigh 1: takes turns of rows until none is left, and
 * writes their gradients as `Kernels.writeLogistic` does, with the dither of row 0 given, just before it sums them.
 */
export function sumTurnsKernel({ shape, layout, nRows }: GrowthPlan): KernelFunction {
  const [state, gradientScale, hessianScale, dither, owner, others, from, to, held, summed] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
  ];
  const [wide, narrow] = [10, 11];
  const { threads, stride, isPacked } = shape;
  const target = isPacked ? narrow : wide;
  const rowOf = (row: number, base: number, bytes: number): Code => sum(constant(base), times(get(row), bytes));
  const scores = [rowOf(from, layout.scores, 8), rowOf(to, layout.scores, 8), rowOf(from, layout.targets, 4)];
  const ditherOfFirst = layout.origins < 0 ? sum(get(dither), times(get(from), ditherStep)) : get(dither);
  const scales = [get(gradientScale), get(hessianScale), ditherOfFirst];
  const rows = [get(to), get(from), op.i32Sub];
  const flush = [ask("flushRuns", get(state), get(wide), get(narrow)), put(held, constant(0))];
  const flushBefore = [get(held), rows, op.i32Add, constant(packed.rows), op.i32GtU, when(flush)];
  const ownerNumber = [get(owner), constant(layout.left), op.i32Sub, constant(Math.log2(leftBytes)), op.i32ShrU];
  const turn = [get(owner), constant(1), i32AtomicAdd(leftRows.turns)];
  const sumTurn = [
    put(from, times(sum(times(turn, threads), ownerNumber), turnRows)),
    [get(from), constant(nRows), op.i32GeU, leaveIf(1)],
    put(to, constant(nRows), plus(from, turnRows), [constant(nRows), plus(from, turnRows), op.i32LtU], select),
    ask("writeLogistic", scores, rowOf(from, layout.rows, stride), constant(layout.sigmoid), scales),
    isPacked ? flushBefore : [],
    ask("sumRows", rowOf(from, layout.rows, stride), rowOf(to, layout.rows, stride), get(target)),
    [put(held, get(held), rows, op.i32Add), put(summed, get(summed), rows, op.i32Add), leave(0)],
  ];
  const last = constant(layout.left + (threads - 1) * leftBytes);
  const next = [constant(layout.left), plus(owner, leftBytes), [get(owner), last, op.i32Eq], select];
  const isWide = [get(summed), constant(packed.rows), op.i32GtU];
  const bytes = histogramBytes(shape);
  return {
    name: "sumTurns",
    parameters: [i32, f64, f64, i32],
    result: null,
    locals: addresses(8),
    body: [
      put(wide, threads === 1 ? constant(layout.histograms) : word(state, growthState.wide)),
      put(narrow, word(state, growthState.packed)),
      isPacked && nRows > packed.rows ? ask("clearRuns", get(state), get(wide)) : [],
      ask("clear", get(target), plus(target, isPacked ? bytes / 2 : bytes)),
      [put(owner, word(state, growthState.left)), put(others, constant(threads))],
      loop(block(again(sumTurn)), put(owner, next), [get(others), constant(1), op.i32Sub, tee(others)]),
      [word(state, growthState.summed), get(summed), op.f64FromI32, f64Store(0)],
      isPacked ? [isWide, when(flush)] : [],
    ],
  };
}
