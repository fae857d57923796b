import {
  type Code,
  type KernelFunction,
  constant,
  f64,
  f64Constant,
  f64Load,
  f64Store,
  f64x2ExtractLane,
  firstLanes,
  get,
  i32,
  i32x4ExtractLane,
  isBelow,
  loop,
  move,
  op,
  plus,
  secondLanes,
  select,
  set,
  tee,
  v128,
  v128Constant,
  v128Load,
  v128Load64Splat,
  v128Store,
} from "../../../math/wasm/assembler.ts";
import { assemble } from "../../../math/wasm/module.ts";
import { compileModule, createMemory, instantiateModule, pageBytes } from "../../../math/wasm/webassembly.ts";
import { roundingMagic } from "../rounding.ts";
import { sigmoidTable, tableLast, tableLength, tableReach, tableSteps } from "../sigmoid-table.ts";

/** The rows of one group in the memory of a kernel. */
export interface PairKernel {
  readonly scores: Float64Array;
  readonly gains: Float64Array;
  readonly gradients: Float64Array;
  readonly hessians: Float64Array;
  readonly discounts: Float64Array;
  /** What `addPairs` does, with the same bits; `least` is what differences of scores are divided by with them. */
  add(size: number, last: number, inverseIdeal: number, least: number): number;
}

/** Byte addresses of what one group has, one place more than rows each. */
function placesOf(largest: number): Readonly<Record<keyof Omit<PairKernel, "add"> | "table" | "end", number>> {
  const bytes = Math.ceil(((largest + 1) * 8) / 64) * 64;
  return {
    scores: 0,
    gains: bytes,
    gradients: 2 * bytes,
    hessians: 3 * bytes,
    discounts: 4 * bytes,
    table: 5 * bytes,
    end: 5 * bytes + tableLength * 8,
  };
}

/** Null where there are no vector instructions here. */
export function createPairKernel(largest: number): PairKernel | null {
  const place = placesOf(largest);
  const pages = Math.ceil(place.end / pageBytes);
  try {
    const module = compileModule(assemble([pairsKernel(place)], { pages, shared: false }));
    const memory = createMemory(pages, false);
    const { pairs } = instantiateModule(module, memory);
    const numbers = (at: number, length = largest): Float64Array => new Float64Array(memory.buffer, at, length);
    numbers(place.table, tableLength).set(sigmoidTable());
    return {
      scores: numbers(place.scores),
      gains: numbers(place.gains),
      gradients: numbers(place.gradients),
      hessians: numbers(place.hessians),
      discounts: numbers(place.discounts),
      add: (size, last, inverseIdeal, least) => pairs!(last * 8, size * 8, inverseIdeal, least),
    };
  } catch {
    return null;
  }
}

const [rowsEnd, groupEnd, inverseIdeal, least] = [0, 1, 2, 3];
const [i, j, gradient, hessian, sum] = [4, 5, 6, 7, 8];
const [score, own, discount, isRight, difference, lost, position, entry, lambda] = [9, 10, 11, 12, 13, 14, 15, 16, 17];
const [firstPair, otherPair, wrong] = [18, 19, 20];

const both = (value: number): Code => [f64Constant(value), op.f64x2Splat];
const signs = v128Constant(-(1n << 63n), -(1n << 63n));
/** Lanes of a vector with their sign turned where the better placed row is the more relevant one. */
const turned = (value: number): Code => [get(value), get(isRight), signs, op.v128And, op.v128Xor];
/** Adds both lanes to a number, one after the other. */
const addLanes = (to: number, value: number): Code => [
  [get(to), get(value), f64x2ExtractLane(0), op.f64Add],
  [get(value), f64x2ExtractLane(1), op.f64Add, set(to)],
];

/**
 * Pairs of rows of different relevance, two at a time: the first of both with the next two. Pairs of equal relevance add zeros.
 * Where the last row is alone, a place behind it is read, and what comes of it is masked.
 */
function pairsKernel(place: ReturnType<typeof placesOf>): KernelFunction {
  const load = (at: number): Code => [get(j), v128Load(at)];
  const ofRow = (at: number): Code => [get(i), v128Load64Splat(at)];
  const entryAt = (lane: number): Code => [
    get(entry),
    i32x4ExtractLane(2 * lane),
    constant(3),
    op.i32Shl,
    v128Load(place.table),
  ];
  const pair = [
    [get(own), load(place.gains), op.f64x2Sub, tee(lost), both(0), op.f64x2Gt, set(isRight)],
    [get(score), load(place.scores), op.f64x2Sub, set(difference)],
    // What is lost of NDCG where both change places.
    [get(lost), op.f64x2Abs, get(discount), load(place.discounts), op.f64x2Sub, op.f64x2Mul],
    [get(inverseIdeal), op.f64x2Splat, op.f64x2Mul],
    [get(least), op.f64x2Splat, get(difference), op.f64x2Add, op.f64x2Div],
    [v128Constant(-1n, -1n), v128Constant(-1n, 0n)],
    [plus(j, 8), get(groupEnd), op.i32LtU, select],
    [op.v128And, set(lost)],
    // The sigmoid of minus the difference, or of it.
    [turned(difference), both(tableReach), op.f64x2Add, both(tableSteps), op.f64x2Mul],
    [both(0), op.f64x2Pmax, both(tableLast), op.f64x2Pmin, tee(position)],
    [both(0.5), op.f64x2Sub, both(roundingMagic), op.f64x2Add, set(entry)],
    [entryAt(0), set(firstPair), entryAt(1), set(otherPair)],
    [get(firstPair), get(otherPair), firstLanes],
    [get(position), get(entry), both(roundingMagic), op.f64x2Sub, op.f64x2Sub],
    [get(firstPair), get(otherPair), secondLanes],
    [get(firstPair), get(otherPair), firstLanes, op.f64x2Sub, op.f64x2Mul, op.f64x2Add],
    [tee(wrong), get(lost), op.f64x2Mul, set(lambda)],
    [get(lambda), get(lambda), op.f64x2Add, set(lost), addLanes(sum, lost)],
    // Now what both are pushed by, and then its curvature.
    [turned(lambda), set(lost), addLanes(gradient, lost)],
    [get(j), load(place.gradients), get(lost), op.f64x2Sub, v128Store(place.gradients)],
    [get(lambda), both(1), get(wrong), op.f64x2Sub, op.f64x2Mul, set(lost)],
    addLanes(hessian, lost),
    [get(j), load(place.hessians), get(lost), op.f64x2Add, v128Store(place.hessians)],
  ];
  return {
    name: "pairs",
    parameters: [i32, i32, f64, f64],
    result: f64,
    locals: [i32, i32, f64, f64, f64, ...Array.from({ length: 12 }, () => v128)],
    body: [
      loop(
        [ofRow(place.scores), set(score), ofRow(place.gains), set(own)],
        [ofRow(place.discounts), set(discount)],
        [get(i), f64Load(place.gradients), set(gradient), get(i), f64Load(place.hessians), set(hessian)],
        [plus(i, 8), set(j)],
        loop(...pair, [move(j, 16), isBelow(j, groupEnd)]),
        [get(i), get(gradient), f64Store(place.gradients), get(i), get(hessian), f64Store(place.hessians)],
        [move(i, 8), isBelow(i, rowsEnd)],
      ),
      get(sum),
    ],
  };
}
