import {
  type Code,
  type KernelFunction,
  call,
  constant,
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
  plus,
  select,
  set,
  tee,
  when,
  whileBelow,
} from "../../../math/wasm/assembler.ts";
import { put } from "../../../math/wasm/code.ts";
import { digitBits, sortedDigits } from "./bounds-finder.ts";

const signBit = -(2n ** 63n);

/** Bytes of the table of one digit, a number a value it may have. */
const tableBytes = 2 ** digitBits * 4;

/** The key's place in the table of digit number `digit` from the bit on that a local says. */
function placeOf(key: number, shift: number, digit: number, counts: number): Code {
  const bits = [get(key), get(shift), op.i64ShrU, i64Constant(BigInt(digit * digitBits)), op.i64ShrU, op.i32Wrap];
  const place = [bits, constant(2 ** digitBits - 1), op.i32And, constant(2), op.i32Shl];
  return [place, get(counts), op.i32Add];
}

/** Counts the keys from `from` to `end` by the values of three digits, the first of them from bit `shift` on. */
function countKernel(): KernelFunction {
  const [from, end, counts, shift, key, cell] = [0, 1, 2, 3, 4, 5];
  const count = (digit: number): Code => [
    put(cell, placeOf(key, shift, digit, counts)),
    get(cell),
    [[get(cell), i32Load(digit * tableBytes), constant(1), op.i32Add], i32Store(digit * tableBytes)],
  ];
  return {
    name: "count",
    parameters: [i32, i32, i32, i64],
    result: null,
    locals: [i64, i32],
    body: [
      [get(counts), constant(0), constant(sortedDigits * tableBytes), op.memoryFill],
      loop(put(key, get(from), i64Load(0)), count(0), count(1), count(2), move(from, 8), isBelow(from, end)),
    ],
  };
}

/** Stably moves the keys from `from` to `end` to `to`, ordered by the digit from bit `shift` on, which `counts` has counted. */
function moveKernel(): KernelFunction {
  const [from, end, to, counts, shift, at, countsEnd, cell, start, key] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  return {
    name: "move",
    parameters: [i32, i32, i32, i32, i64],
    result: null,
    locals: [i32, i32, i32, i32, i64],
    body: [
      [put(at, get(counts)), put(countsEnd, plus(counts, tableBytes))],
      loop(
        [put(start, get(to)), put(to, get(at), i32Load(0), constant(3), op.i32Shl, get(to), op.i32Add)],
        [get(at), get(start), i32Store(0), move(at, 4), isBelow(at, countsEnd)],
      ),
      loop(
        [put(key, get(from), i64Load(0)), put(cell, placeOf(key, shift, 0, counts))],
        [get(cell), i32Load(0), tee(start), get(key), i64Store(0)],
        [get(cell), plus(start, 8), i32Store(0), move(from, 8), isBelow(from, end)],
      ),
    ],
  };
}

/** Orders the keys by three digits, the first of them from bit `shift` on, and leaves them at `other`. */
function orderKernel([count, moveDigit]: readonly [number, number]): KernelFunction {
  const [from, end, other, counts, shift, otherEnd] = [0, 1, 2, 3, 4, 5];
  const pass = (digit: number): Code => {
    const [keys, keysEnd, to] = digit % 2 === 0 ? [from, end, other] : [other, otherEnd, from];
    const table = plus(counts, digit * tableBytes);
    const bit = [get(shift), i64Constant(BigInt(digit * digitBits)), op.i64Add];
    return [get(keys), get(keysEnd), get(to), table, bit, call(moveDigit)];
  };
  return {
    name: "order",
    parameters: [i32, i32, i32, i32, i64],
    result: null,
    locals: [i32],
    body: [
      put(otherEnd, get(end), get(from), op.i32Sub, get(other), op.i32Add),
      [get(from), get(end), get(counts), get(shift), call(count)],
      Array.from({ length: sortedDigits }, (_, digit) => pass(digit)),
    ],
  };
}

/**
 * Sorts keys that are nearly sorted, by insertion. Returns 0 where it gave up, having moved keys by two places each on average: they
 * are then the same keys, in some order.
 */
function settleKernel(): KernelFunction {
  const [from, end, at, place, moves, key] = [0, 1, 2, 3, 4, 5];
  const before = (address: number): Code => [get(address), constant(8), op.i32Sub, i64Load(0)];
  // What stands before `from` is read, and is not believed.
  const isAfter = [get(place), get(from), op.i32GtU, before(place), get(key), op.i64GtU, op.i32And];
  const movesUp = [get(place), before(place), i64Store(0), move(place, -8), move(moves, 1)];
  const insert = [
    put(place, get(at)),
    loop(movesUp, isAfter),
    [get(place), get(key), i64Store(0)],
    [get(moves), get(end), get(from), op.i32Sub, constant(2), op.i32ShrU, op.i32GtU],
    when(constant(0), op.giveBack),
  ];
  return {
    name: "settle",
    parameters: [i32, i32],
    result: i32,
    locals: [i32, i32, i32, i64],
    body: [
      put(at, plus(from, 8)),
      whileBelow(at, end, [put(key, get(at), i64Load(0)), before(at), get(key), op.i64GtU, when(insert)], move(at, 8)),
      constant(1),
    ],
  };
}

/**
 * Flips the bits of the doubles from `from` to `end` so that they are in order as unsigned integers, all of a negative number and
 * the sign of the others; or (`isBack`) those back. Returns the bits in which they differ.
 */
function flipKernel(isBack: boolean): KernelFunction {
  const [from, end, key, all, some] = [0, 1, 2, 3, 4];
  const sign = [get(key), i64Constant(63n), op.i64ShrS, isBack ? [i64Constant(-1n), op.i64Xor] : []];
  const flipped = [get(key), sign, i64Constant(signBit), op.i64Or, op.i64Xor];
  return {
    name: isBack ? "flipBack" : "flip",
    parameters: [i32, i32],
    result: i64,
    locals: [i64, i64, i64],
    body: [
      put(all, i64Constant(-1n)),
      loop(
        [put(key, get(from), i64Load(0)), put(key, flipped), get(from), get(key), i64Store(0)],
        [put(all, get(all), get(key), op.i64And), put(some, get(some), get(key), op.i64Or)],
        [move(from, 8), isBelow(from, end)],
      ),
      [get(all), get(some), op.i64Xor],
    ],
  };
}

/**
 * Sorts the doubles from `from` to `end`, one or more, none NaN, by their bits. `other` is room for as many. Returns where they
 * then stand.
 *
 * Three digits from the highest bit on in which any two differ tell nearly all numbers of a column apart, and insertion settles
 * the rest; where it gives up (there are many that differ far below the first bit) they are ordered by all six.
 */
function sortKernel([flip, flipBack, order, settle]: readonly [number, number, number, number]): KernelFunction {
  const [from, end, other, counts, otherEnd, differing, shift] = [0, 1, 2, 3, 4, 5, 6];
  const orderFrom = (keys: number, keysEnd: number, to: number, bit: Code): Code => [
    get(keys),
    get(keysEnd),
    get(to),
    get(counts),
    bit,
    call(order),
  ];
  const width = BigInt(sortedDigits * digitBits);
  const above = [i64Constant(64n - width), get(differing), op.i64Clz, op.i64Sub];
  const isSettled = [get(other), get(otherEnd), call(settle)];
  const orderByAll = [
    orderFrom(other, otherEnd, from, i64Constant(0n)),
    orderFrom(from, end, other, i64Constant(width)),
  ];
  const flipAllBack = [get(from), get(end), call(flipBack), set(differing)];
  return {
    name: "sort",
    parameters: [i32, i32, i32, i32],
    result: i32,
    locals: [i32, i64, i64],
    body: [
      put(differing, get(from), get(end), call(flip)),
      [get(differing), op.i64Eqz, when(flipAllBack, get(from), op.giveBack)],
      put(otherEnd, get(end), get(from), op.i32Sub, get(other), op.i32Add),
      put(shift, above, i64Constant(0n), above, i64Constant(0n), op.i64GeS, select),
      orderFrom(from, end, other, get(shift)),
      [get(shift), op.i64Eqz, op.i32Eqz, when(isSettled, op.i32Eqz, when(orderByAll))],
      [get(other), get(otherEnd), call(flipBack), set(differing)],
      get(other),
    ],
  };
}

/** The kernels that sort, the last of which is the one to call. They call each other by number, so they are the first of their module. */
export function sortKernels(): KernelFunction[] {
  const parts = [countKernel(), moveKernel(), orderKernel([0, 1]), settleKernel(), flipKernel(false), flipKernel(true)];
  return [...parts, sortKernel([4, 5, 2, 3])];
}
