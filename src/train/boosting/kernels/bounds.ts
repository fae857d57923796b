import {
  type KernelFunction,
  assemble,
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
  i64,
  i64Constant,
  i64Load,
  i64Store,
  isBelow,
  loop,
  move,
  op,
  select,
  set,
  tee,
  when,
  whileBelow,
} from "../../../math/wasm/assembler.ts";
import { plus, put, seq } from "../../../math/wasm/code.ts";
import { compileModule, type WasmModule } from "../../../math/wasm/webassembly.ts";
import { type BoundsRoom, digitBits, roomOf } from "./bounds-finder.ts";

const signBit = -(2n ** 63n);

/**
 * Stably moves the keys from `from` to `end` to `to`, ordered by one digit; `counts` is room for a number a digit. Returns 0
 * where all keys share the digit and nothing was moved.
 */
function moveKernel(): KernelFunction {
  const [from, end, to, counts, shift, at, countsEnd, cell, start, key] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const nDigits = 2 ** digitBits;
  const digit = seq(get(key), get(shift), op.i64ShrU, op.i32Wrap, constant(nDigits - 1), op.i32And);
  const readCell = (address: number): number[] =>
    seq(put(key, get(address), i64Load(0)), put(cell, digit, constant(2), op.i32Shl, get(counts), op.i32Add));
  const isShared = seq(get(cell), i32Load(0), get(end), get(from), op.i32Sub, constant(3), op.i32ShrU, op.i32Eq);
  return {
    name: "move",
    parameters: [i32, i32, i32, i32, i64],
    result: i32,
    locals: [i32, i32, i32, i32, i64],
    body: [
      [...get(counts), ...constant(0), ...constant(nDigits * 4), ...op.memoryFill, ...put(at, get(from))],
      loop(
        readCell(at),
        [...get(cell), ...get(cell), ...i32Load(0), ...constant(1), ...op.i32Add, ...i32Store(0)],
        [...move(at, 8), ...isBelow(at, end)],
      ),
      [...isShared, ...when(constant(0), op.giveBack)],
      [...put(at, get(counts)), ...put(countsEnd, plus(counts, nDigits * 4))],
      loop(
        [...put(start, get(to)), ...put(to, get(at), i32Load(0), constant(3), op.i32Shl, get(to), op.i32Add)],
        [...get(at), ...get(start), ...i32Store(0), ...move(at, 4), ...isBelow(at, countsEnd)],
      ),
      loop(
        readCell(from),
        [...get(cell), ...i32Load(0), ...tee(start), ...get(key), ...i64Store(0)],
        [...get(cell), ...plus(start, 8), ...i32Store(0), ...move(from, 8), ...isBelow(from, end)],
      ),
      constant(1),
    ],
  };
}

/**
 * Sorts the doubles from `from` to `end`, one or more, none NaN, by their bits: flipped so that they are in order as unsigned
 * integers, all of a negative number and the sign of the others. `other` is room for as many. Returns where they then stand.
 */
function sortKernel(moveDigit: number): KernelFunction {
  const [from, end, other, counts, at, key] = [0, 1, 2, 3, 4, 5];
  const flipped = (isBack: boolean): number[] => {
    const sign = seq(get(key), i64Constant(63n), op.i64ShrS, isBack ? seq(i64Constant(-1n), op.i64Xor) : []);
    const flip = seq(get(key), sign, i64Constant(signBit), op.i64Or, op.i64Xor);
    const turn = seq(get(at), put(key, get(at), i64Load(0)), flip, i64Store(0), move(at, 8));
    return seq(put(at, get(from)), loop(turn, isBelow(at, end)));
  };
  const swap = seq(put(end, get(end), get(from), op.i32Sub, get(other), op.i32Add), [
    ...get(from),
    ...get(other),
    ...set(from),
    ...set(other),
  ]);
  const shifts = Array.from({ length: Math.ceil(64 / digitBits) }, (_, digit) => BigInt(digit * digitBits));
  const passes = shifts.map((shift) =>
    seq(get(from), get(end), get(other), get(counts), i64Constant(shift), call(moveDigit), when(swap)),
  );
  return {
    name: "sort",
    parameters: [i32, i32, i32, i32],
    result: i32,
    locals: [i32, i64],
    body: [flipped(false), ...passes, flipped(true), get(from)],
  };
}

/** `at` moves behind the numbers, up to `end`, that are equal to the one it is at. */
function passRun(at: number, end: number, value: number): number[] {
  const isEqual = seq(get(at), f64Load(0), get(value), op.f64Eq);
  // What stands at `end` is read, and is not believed.
  return seq(put(value, get(at), f64Load(0)), loop(move(at, 8), isEqual, isBelow(at, end), op.i32And));
}

/** Stores what `between` of bins.ts says of the number before `at` and the one at it, where `out` is, and moves `out`. */
function storeBetween(at: number, out: number, low: number, high: number, middle: number): number[] {
  const half = seq(get(high), get(low), op.f64Sub, f64Constant(0.5), op.f64Mul);
  const isInside = seq(get(middle), get(low), op.f64Ge, get(middle), get(high), op.f64Lt, op.i32And);
  return seq(
    put(low, get(at), constant(8), op.i32Sub, f64Load(0)),
    put(high, get(at), f64Load(0)),
    put(middle, get(low), half, op.f64Add),
    [...get(out), ...get(middle), ...get(low), ...isInside, ...select, ...f64Store(0), ...move(out, 8)],
  );
}

/** As `distinctBounds`: stores bounds between all distinct of the sorted numbers and returns where they end, or 0 for too many. */
function distinctKernel(): KernelFunction {
  const [from, end, mostEnd, out, value, low, high, middle] = [0, 1, 2, 3, 4, 5, 6, 7];
  return {
    name: "distinct",
    parameters: [i32, i32, i32, i32],
    result: i32,
    locals: [f64, f64, f64, f64],
    body: [
      passRun(from, end, value),
      whileBelow(
        from,
        end,
        [...get(out), ...get(mostEnd), ...op.i32GeU, ...when(constant(0), op.giveBack)],
        [...storeBetween(from, out, low, high, middle), ...passRun(from, end, value)],
      ),
      get(out),
    ],
  };
}

/** As `equalCountBounds`: stores bounds of bins of equal counts, up to `mostEnd`, and returns where they end. */
function equalKernel(): KernelFunction {
  const [start, end, mostEnd, out, at, next, value, low, high, middle, share] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  const count = (to: number, from: number): number[] =>
    seq(get(to), get(from), op.i32Sub, constant(3), op.i32ShrU, op.f64FromI32);
  // The bins left are one more than the bounds left.
  const binsLeft = seq(
    get(mostEnd),
    get(out),
    op.i32Sub,
    constant(3),
    op.i32ShrU,
    constant(1),
    op.i32Add,
    op.f64FromI32,
  );
  const newShare = put(share, count(end, start), binsLeft, op.f64Div);
  const isFull = seq(count(at, start), get(share), op.f64Ge);
  const isNearlyFull = seq(count(at, start), get(share), f64Constant(0.5), op.f64Mul, op.f64Ge);
  const isBeforeSpike = seq(count(next, at), get(share), op.f64Ge);
  return {
    name: "equal",
    parameters: [i32, i32, i32, i32],
    result: i32,
    locals: [i32, i32, f64, f64, f64, f64, f64],
    body: [
      [...put(at, get(start)), ...passRun(at, end, value), ...newShare],
      whileBelow(
        at,
        end,
        [...get(out), ...get(mostEnd), ...op.i32GeU, ...when(get(out), op.giveBack)],
        [...put(next, get(at)), ...passRun(next, end, value)],
        [...isFull, ...isBeforeSpike, ...isNearlyFull, ...op.i32And, ...op.i32Or],
        when(storeBetween(at, out, low, high, middle), put(start, get(at)), newShare),
        put(at, get(next)),
      ),
      get(out),
    ],
  };
}

/** Sorts and cuts: what `BoundsFinder` calls. */
function findKernel([sort, distinct, equal]: readonly [number, number, number]): KernelFunction {
  const [from, end, other, counts, out, mostEnd, bytes, found] = [0, 1, 2, 3, 4, 5, 6, 7];
  const cut = (kernel: number): number[] => seq(get(from), get(end), get(mostEnd), get(out), call(kernel));
  return {
    name: "findBounds",
    parameters: [i32, i32, i32, i32, i32, i32],
    result: i32,
    locals: [i32, i32],
    body: [
      put(bytes, get(end), get(from), op.i32Sub),
      put(from, get(from), get(end), get(other), get(counts), call(sort)),
      put(end, get(from), get(bytes), op.i32Add),
      [...cut(distinct), ...tee(found), ...op.i32Eqz, ...when(put(found, cut(equal)))],
      get(found),
    ],
  };
}

/** The module that finds the bounds of columns in such a room. */
export function compileBounds(room: BoundsRoom): WasmModule {
  const functions = [moveKernel(), sortKernel(0), distinctKernel(), equalKernel(), findKernel([1, 2, 3])];
  return compileModule(assemble(functions, { pages: roomOf(room).pages, shared: false }));
}
