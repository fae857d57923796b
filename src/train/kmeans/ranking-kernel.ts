import {
  type Code,
  type KernelFunction,
  constant,
  f64Constant,
  get,
  i32,
  i32Load,
  i8x16Shuffle,
  isBelow,
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
import { assemble } from "../../math/wasm/module.ts";
import { addProducts } from "../../math/wasm/code.ts";
import { boundKernel, listKernel } from "./bounds-kernel.ts";
import { fourKernel } from "./candidates-kernel.ts";
import { centreBlocks, placesOf, type RankingShape, rankedAtOnce } from "./places.ts";
import { type WasmMemory, type WasmModule, compileModule, instantiateModule } from "../../math/wasm/webassembly.ts";

/** The first three take the rows listed from one address to before another. */
export interface RankingKernels {
  /** Ranks the centres of an even number of rows. */
  rank(listed: number, listedEnd: number, centres: number, centresEnd: number, best: number): void;
  /** Reads of each row what stands in other lines of memory, so that the cache has them; what it returns means nothing. */
  touch(listed: number, listedEnd: number): number;
  /** See `boundKernel`. */
  bound(listed: number, listedEnd: number, best: number, moved: number, drift: number): number;
  /** See `listKernel`. */
  list(from: number, to: number, listed: number, drift: number): number;
  /** See `fourKernel`. */
  four(cells: number, cellsEnd: number, points: number, left: number, norms: number, nearest: number): void;
}

/** Throws where the engine has no vector instructions. */
export function compileRanking(shape: RankingShape, memory: { pages: number; shared: boolean }): WasmModule {
  const places = placesOf(shape, 0);
  const bounds = [boundKernel(places), listKernel(places)];
  return compileModule(assemble([rankKernel(shape), touchKernel(shape), ...bounds, fourKernel(shape.nDense)], memory));
}

export function instantiateRanking(module: WasmModule, memory: WasmMemory): RankingKernels {
  return instantiateModule(module, memory) as unknown as RankingKernels;
}

/** Rows touched before they are ranked: few enough that none is gone from the cache by then; an even number. */
export const touchedAtOnce = 32;
const lineBytes = 64;
/** Of longer rows the processor foresees the rest. */
const mostLines = 8;

/** Nothing waits for what is read, so that many reads that miss the cache go on side by side. */
function touchKernel({ nDense }: RankingShape): KernelFunction {
  const [listed, end, cell, all] = [0, 1, 2, 3];
  const lines = Array.from(
    { length: Math.min(mostLines, Math.ceil((nDense * 8) / lineBytes)) },
    (_, i) => i * lineBytes,
  );
  const read = (at: number): Code => [get(all), get(cell), i32Load(at), op.i32Xor, set(all)];
  return {
    name: "touch",
    parameters: [i32, i32],
    result: i32,
    locals: [i32, i32],
    body: [
      loop(
        [get(listed), i32Load(0), constant(nDense * 8), op.i32Mul, set(cell)],
        [...lines, nDense * 8 - 8].map(read),
        [move(listed, 4), isBelow(listed, end)],
      ),
      get(all),
    ],
  };
}

const [listed, listedEnd, centres, centresEnd, out] = [0, 1, 2, 3, 4];
const [cell0, cell1, cellEnd, at] = [5, 6, 7, 8];
const [x0, x1, pair, best, second, nearest, counter, score, isBest] = [9, 10, 11, 12, 13, 14, 15, 16, 17];
const firstSum = 18;

/**
 * Two rows at a time: the lanes of a sum are two neighbouring centres, so that its additions come in the order of
 * `nearestTwo`; then lanes are exchanged to hold the two rows, whose best and second best are kept without a branch.
 */
function rankKernel({ nDense, clusters }: RankingShape): KernelFunction {
  const pairs = centreBlocks(clusters).wide / 2;
  const rowBytes = nDense * 8;
  const ofRow = (which: 0 | 1, i: number): number => firstSum + which * pairs + i;
  const each = (make: (i: number) => Code): Code => Array.from({ length: pairs }, (_, i) => make(i));
  const fromBlock = move(at, pairs * 16);
  const addProduct = (which: 0 | 1, i: number): Code => addProducts(ofRow(which, i), which === 0 ? x0 : x1, pair);
  return {
    name: "rank",
    parameters: [i32, i32, i32, i32, i32],
    result: null,
    locals: [i32, i32, i32, i32, ...Array.from({ length: 9 + 2 * pairs }, () => v128)],
    body: [
      loop(
        [f64Constant(-Infinity), op.f64x2Splat, tee(best), set(second)],
        [f64Constant(0), op.f64x2Splat, tee(nearest), set(counter)],
        [get(centres), set(at)],
        loop(
          each((i) => [get(at), v128Load(16 * i), tee(ofRow(0, i)), set(ofRow(1, i))]),
          fromBlock,
          [get(listed), i32Load(0), constant(rowBytes), op.i32Mul, tee(cell0)],
          [constant(rowBytes), op.i32Add, set(cellEnd)],
          [get(listed), i32Load(4), constant(rowBytes), op.i32Mul, set(cell1)],
          loop(
            [get(cell0), v128Load64Splat(0), set(x0), get(cell1), v128Load64Splat(0), set(x1)],
            each((i) => [get(at), v128Load(16 * i), set(pair), addProduct(0, i), addProduct(1, i)]),
            fromBlock,
            move(cell1, 8),
            [plus(cell0, 8), tee(cell0), get(cellEnd), op.i32Ne],
          ),
          each((i) => [keepBest(ofRow(0, i), ofRow(1, i), 0), keepBest(ofRow(0, i), ofRow(1, i), 8)]),
          isBelow(at, centresEnd),
        ),
        [get(out), get(best), v128Store(0), get(out), get(second), v128Store(rankedAtOnce * 8)],
        [get(out), get(nearest), v128Store(2 * rankedAtOnce * 8)],
        move(out, 16),
        [move(listed, 8), isBelow(listed, listedEnd)],
      ),
    ],
  };
}

/** Ranks the centre whose scores stand in one lane of both rows' sums, from byte `lane`. */
function keepBest(first: number, other: number, lane: 0 | 8): Code {
  const lanes = Array.from({ length: 8 }, (_, i) => lane + i);
  return [
    [get(first), get(other), i8x16Shuffle([...lanes, ...lanes.map((i) => 16 + i)]), tee(score)],
    [get(best), op.f64x2Gt, set(isBest)],
    [get(best), get(second), get(score), op.f64x2Pmax, get(isBest), op.v128Bitselect],
    [set(second), get(score), get(best), get(isBest), op.v128Bitselect, set(best)],
    [get(counter), get(nearest), get(isBest), op.v128Bitselect, set(nearest)],
    [get(counter), f64Constant(1), op.f64x2Splat, op.f64x2Add, set(counter)],
  ];
}
