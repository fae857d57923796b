import {
  type Code,
  constant,
  f64,
  get,
  i32,
  type KernelFunction,
  i32Store,
  loop,
  op,
  plus,
  v128,
  v128Load,
  v128Store,
  when,
} from "./wasm/assembler.ts";
import { assemble } from "./wasm/module.ts";
import { put } from "./wasm/code.ts";
import { compileModule, createMemory, instantiateModule, openedOnce } from "./wasm/webassembly.ts";

/** Numbers the kernels look at at a time, which stay in the nearest cache. */
export const numbersAtOnce = 4_096;

/** Where things stand in the kernels' memory, by byte; behind the list each is one vector of two lanes, or two of them. */
const places = {
  numbers: 0,
  list: 8 * numbersAtOnce,
  sums: 12 * numbersAtOnce,
  least: 12 * numbersAtOnce + 32,
  largest: 12 * numbersAtOnce + 48,
  nMissing: 12 * numbersAtOnce + 64,
  nOutside: 12 * numbersAtOnce + 80,
  passes: 12 * numbersAtOnce + 96,
} as const;

const [at, end, low, high] = [0, 1, 2, 3];
const forward = (bytes: number): Code => put(at, plus(at, bytes));
const splat = (local: number): Code => [get(local), op.f64x2Splat];

/** `total(at, end, low, high)`: adds four numbers at a time, at least four, to what stands at `sums` and behind. */
function totalKernel(): KernelFunction {
  const [lows, highs, least, largest, nMissing, nOutside] = [4, 5, 6, 7, 8, 9];
  const numbers = [10, 11];
  const sums = [12, 13];
  const kept: readonly (readonly [local: number, place: number])[] = [
    [sums[0]!, places.sums],
    [sums[1]!, places.sums + 16],
    [least, places.least],
    [largest, places.largest],
    [nMissing, places.nMissing],
    [nOutside, places.nOutside],
  ];
  const ofTwo = (i: 0 | 1): Code => {
    const value = get(numbers[i]!);
    const sum = sums[i]!;
    return [
      put(numbers[i]!, get(at), v128Load(16 * i)),
      put(sum, get(sum), value, [value, value, op.f64x2Eq], op.v128And, op.f64x2Add),
      put(least, get(least), value, op.f64x2Pmin),
      put(largest, get(largest), value, op.f64x2Pmax),
      // True is -1.
      put(nMissing, get(nMissing), [value, value, op.f64x2Ne], op.i64x2Sub),
      put(
        nOutside,
        get(nOutside),
        [value, get(lows), op.f64x2Lt, value, get(highs), op.f64x2Gt, op.v128Or],
        op.i64x2Sub,
      ),
    ];
  };
  return {
    name: "total",
    parameters: [i32, i32, f64, f64],
    result: null,
    locals: Array.from({ length: 10 }, () => v128),
    body: [
      put(lows, splat(low)),
      put(highs, splat(high)),
      kept.map(([local, place]) => put(local, constant(place), v128Load(0))),
      loop(ofTwo(0), ofTwo(1), forward(32), [get(at), get(end), op.i32LtU]),
      kept.map(([local, place]) => [constant(place), get(local), v128Store(0)]),
    ],
  };
}

/**
 * `irregular(at, end, low, high)`: lists the places of numbers, two at a time and at least two, that are not from low to high
 * or, unless the first vector at `passes` is all ones, not whole; where its second one is, a missing number is not listed,
 * but counted. Gives how many are listed.
 */
function irregularKernel(): KernelFunction {
  const [value, missing, passed, nMissing, listed, bits] = [4, 5, 6, 7, 8, 9];
  const isWithin = [get(value), splat(low), op.f64x2Ge, get(value), splat(high), op.f64x2Le, op.v128And];
  const isWhole = [get(value), op.f64x2Trunc, get(value), op.f64x2Eq, constant(places.passes), v128Load(0), op.v128Or];
  const place = [get(at), constant(3), op.i32ShrU];
  const forwardBy = (count: Code): Code => put(listed, get(listed), count, constant(4), op.i32Mul, op.i32Add);
  return {
    name: "irregular",
    parameters: [i32, i32, f64, f64],
    result: i32,
    locals: [v128, v128, v128, v128, i32, i32],
    body: [
      put(nMissing, constant(places.nMissing), v128Load(0)),
      put(listed, constant(places.list)),
      loop(
        put(value, get(at), v128Load(0)),
        put(missing, get(value), get(value), op.f64x2Ne),
        put(passed, get(missing), constant(places.passes), v128Load(16), op.v128And),
        put(nMissing, get(nMissing), get(passed), op.i64x2Sub),
        put(bits, isWithin, isWhole, op.v128And, get(passed), op.v128Or, op.i64x2Bitmask, constant(3), op.i32Xor),
        [
          get(bits),
          when(
            // The second one is written over where it does not count.
            [get(listed), place, i32Store(0)],
            forwardBy([get(bits), constant(1), op.i32And]),
            [get(listed), place, constant(1), op.i32Add, i32Store(0)],
            forwardBy([get(bits), constant(1), op.i32ShrU]),
          ),
        ],
        forward(16),
        [get(at), get(end), op.i32LtU],
      ),
      [constant(places.nMissing), get(nMissing), v128Store(0)],
      [get(listed), constant(places.list), op.i32Sub, constant(2), op.i32ShrU],
    ],
  };
}

/** The kernels and their memory. */
export interface NumberKernels {
  /** `numbersAtOnce` of them, for the caller to write. */
  readonly numbers: Float64Array;
  /** Places of numbers that `irregular` found. */
  readonly list: Int32Array;
  /** Four, by position. */
  readonly sums: Float64Array;
  /** Two, by position, as the largest. */
  readonly least: Float64Array;
  readonly largest: Float64Array;
  readonly nMissing: BigInt64Array;
  readonly nOutside: BigInt64Array;
  /** Two of each: ones where a number need not be whole, and where one may be missing. */
  readonly passes: BigInt64Array;
  total(at: number, end: number, low: number, high: number): void;
  irregular(at: number, end: number, low: number, high: number): number;
}

/** Compiled once a thread; null where there are no vector instructions. */
export const numberKernels: () => NumberKernels | null = openedOnce(open);

function open(): NumberKernels {
  const memory = createMemory(1, false);
  const { buffer } = memory;
  const { total, irregular } = instantiateModule(
    compileModule(assemble([totalKernel(), irregularKernel()], { pages: 1, shared: false })),
    memory,
  );
  return {
    numbers: new Float64Array(buffer, places.numbers, numbersAtOnce),
    list: new Int32Array(buffer, places.list, numbersAtOnce),
    sums: new Float64Array(buffer, places.sums, 4),
    least: new Float64Array(buffer, places.least, 2),
    largest: new Float64Array(buffer, places.largest, 2),
    nMissing: new BigInt64Array(buffer, places.nMissing, 2),
    nOutside: new BigInt64Array(buffer, places.nOutside, 2),
    passes: new BigInt64Array(buffer, places.passes, 4),
    total: total!,
    irregular: irregular!,
  };
}
