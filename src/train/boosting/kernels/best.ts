import {
  type Code,
  type KernelFunction,
  call,
  constant,
  f64,
  f64Constant,
  f64Load,
  f64Store,
  get,
  i32,
  i32Load,
  i32Store,
  i32Store8,
  i64,
  i64Constant,
  i64Load,
  i64Store,
  loop,
  move,
  op,
  select,
  when,
} from "../../../math/wasm/assembler.ts";
import { put } from "../../../math/wasm/code.ts";
import { addresses } from "./growth-code.ts";
import { foundSplit, missingLeftBit, scanEntry, scanState } from "./scan-state.ts";
import type { KernelShape } from "./shape.ts";

const noRows = i64Constant(2n ** 63n - 1n);

/** Puts the best cut of the second lane in the first, which searched other features of the same leaf, where it is better; ties go to the lower feature. */
function joinLanes(state: number): Code {
  const of = (lane: 0 | 1, field: number, load: (offset: number) => Code): Code => [get(state), load(field + 8 * lane)];
  const compared = (field: number, load: (offset: number) => Code): Code => [of(1, field, load), of(0, field, load)];
  const isBetter = [compared(scanState.bestScore, f64Load), op.f64Gt];
  const isEqual = [compared(scanState.bestScore, f64Load), op.f64Eq];
  const isLower = [compared(scanState.bestEntry, i32Load), op.i32LtU];
  const { bestScore, bestPosition, bestGradient, bestHessianCount, bestEntry } = scanState;
  const all = [bestScore, bestPosition, bestGradient, bestHessianCount, bestEntry];
  const take = all.map((field) => [get(state), of(1, field, i64Load), i64Store(field)]);
  return [isBetter, isEqual, isLower, op.i32And, op.i32Or, when(take)];
}

/**
 * Opens the state block for two leaves, each with its sums of gradients, of hessians and of rows, and tries the cuts of the
 * listed features by kernel `scanFeatures`. A leaf without twice `minRows` is not searched. The arithmetic is that of `openState`.
 * Where `ahead` is not 0, both are the same leaf, whose best cut is then that of the first lane.
 */
export function searchPairKernel({ countShift }: Pick<KernelShape, "countShift">): KernelFunction {
  const [list, listEnd, first, second, state, ahead, minRows] = [0, 1, 2, 3, 4, 5, 6];
  const [gradient, score] = [13, 14];
  const counted = (rows: Code): Code => [rows, op.i64FromF64, i64Constant(BigInt(countShift)), op.i64Shl];
  const openLane = (lane: 0 | 1): Code => {
    const [g, h, n] = [7 + 3 * lane, 8 + 3 * lane, 9 + 3 * lane];
    const store = (field: number, value: Code, by: (offset: number) => Code): Code => [
      get(state),
      value,
      by(field + 8 * lane),
    ];
    const given = (field: number): Code => [get(state), f64Load(field + 8 * lane)];
    const divisor = [get(h), given(scanState.l2), op.f64Add];
    const isPossible = [get(n), get(minRows), get(minRows), op.f64Add, op.f64Ge];
    const least = [get(score), f64Constant(1 + 1e-12), op.f64Mul];
    const fewest = [counted(get(minRows)), i64Constant(1n), op.i64Sub];
    const most = counted([get(n), get(minRows), op.f64Sub, f64Constant(1), op.f64Add]);
    return [
      put(gradient, get(g), op.f64Abs, given(scanState.l1), op.f64Sub, f64Constant(0), op.f64Max),
      put(score, get(gradient), get(gradient), op.f64Mul, divisor, op.f64Div),
      put(score, get(score), f64Constant(0), divisor, f64Constant(0), op.f64Gt, select),
      // Nothing beats that of a leaf that is not searched: none of its cuts is looked at twice.
      store(scanState.bestScore, [least, f64Constant(Infinity), isPossible, select], f64Store),
      store(scanState.bestPosition, i64Constant(-1n), i64Store),
      store(scanState.totalGradient, get(g), f64Store),
      store(scanState.totalHessian, get(h), f64Store),
      store(scanState.fewestRows, [fewest, noRows, isPossible, select], i64Store),
      store(scanState.mostRows, [most, i64Constant(0n), isPossible, select], i64Store),
    ];
  };
  return {
    name: "searchPair",
    parameters: [...addresses(6), f64, f64, f64, f64, f64, f64, f64],
    result: null,
    locals: [f64, f64],
    body: [
      openLane(0),
      openLane(1),
      [get(list), get(listEnd), get(first), get(second), get(state), get(ahead), call("scanFeatures")],
      [get(ahead), when(joinLanes(state))],
    ],
  };
}

/**
 * Writes the best of the splits that all threads found for a leaf to `out` (see `foundSplit`); `states` is its lane in the first
 * thread's state block, `leaf` its histogram, `count` its rows. Ties go to the first thread, which has the lowest features. Returns
 * 0 where none was found. As `takeNumberSplit`.
 */
export function takeSplitKernel({ countShift, binRoom, threads }: KernelShape): KernelFunction {
  const [states, leaf, count, out] = [0, 1, 2, 3];
  const [end, chosen, score, entry, position, bin, missing, rows, own] = [4, 5, 6, 7, 8, 9, 10, 11, 12];
  const best = (field: number): Code => [get(chosen), i32Load(field)];
  const field = (offset: number): Code => [get(entry), i32Load(offset)];
  const store = (offset: number, value: Code, by: (offset: number) => Code): Code => [get(out), value, by(offset)];
  const isFound = [get(states), i64Load(scanState.bestPosition), i64Constant(0n), op.i64GeS];
  const isBetter = [get(states), f64Load(scanState.bestScore), get(score), op.f64Gt];
  const choose = [put(score, get(states), f64Load(scanState.bestScore)), put(chosen, get(states))];
  const ownRows = [get(rows), i64Constant(BigInt(countShift)), op.i64ShrU, op.f64FromI64];
  const ownHessian = [get(rows), i64Constant((1n << BigInt(countShift)) - 1n), op.i64And, op.f64FromI64];
  const missingCell = [get(leaf), field(scanEntry.offset), op.i32Add, field(scanEntry.nValues), constant(4), op.i32Shl];
  const hasNoMissing = [missingCell, op.i32Add, i64Load(8), i64Constant(BigInt(countShift)), op.i64ShrU, op.i64Eqz];
  const saysLeft = [get(position), constant(missingLeftBit), op.i32GeU];
  const areMore = [get(own), get(own), op.f64Add, get(count), op.f64Ge];
  const fill = (to: Code, value: number, bytes: Code): Code => [to, constant(value), bytes, op.memoryFill];
  const routes = [get(out), constant(foundSplit.routes), op.i32Add];
  return {
    name: "takeSplit",
    parameters: [i32, i32, f64, i32],
    result: i32,
    locals: [i32, i32, f64, i32, i32, i32, i32, i64, f64],
    body: [
      put(score, f64Constant(-1)),
      put(end, get(states), constant(threads * scanState.bytes), op.i32Add),
      loop(
        [isFound, isBetter, op.i32And, when(choose)],
        [move(states, scanState.bytes), get(states), get(end), op.i32LtU],
      ),
      [get(chosen), op.i32Eqz, when(constant(0), op.giveBack)],
      [put(entry, best(scanState.bestEntry)), put(position, best(scanState.bestPosition))],
      put(
        bin,
        get(position),
        constant(missingLeftBit - 1),
        op.i32And,
        field(scanEntry.offset),
        constant(4),
        op.i32ShrU,
        op.i32Sub,
      ),
      put(rows, get(chosen), i64Load(scanState.bestHessianCount)),
      put(own, ownRows),
      put(missing, areMore, saysLeft, hasNoMissing, select),
      store(foundSplit.score, get(score), f64Store),
      store(foundSplit.gradient, [get(chosen), i64Load(scanState.bestGradient), op.f64FromI64], f64Store),
      store(foundSplit.hessian, ownHessian, f64Store),
      store(foundSplit.count, get(own), f64Store),
      store(foundSplit.feature, field(scanEntry.feature), i32Store),
      store(foundSplit.bin, get(bin), i32Store),
      store(foundSplit.missingLeft, get(missing), i32Store),
      fill(routes, 0, constant(binRoom)),
      fill(routes, 4, [get(bin), constant(1), op.i32Add]),
      [routes, field(scanEntry.nValues), op.i32Add, get(missing), constant(2), op.i32Shl, i32Store8(0)],
      constant(1),
    ],
  };
}
