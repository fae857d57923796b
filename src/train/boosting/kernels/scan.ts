import {
  type KernelFunction,
  constant,
  get,
  i32,
  i8x16Shuffle,
  loop,
  op,
  set,
  tee,
  v128,
  v128Constant,
  v128Load,
  v128Store,
  when,
} from "../../../math/wasm/assembler.ts";
import type { KernelShape } from "./shape.ts";

/**
 * What `scanCuts` reads and keeps up to date, as byte offsets: two 64-bit lanes each, one a leaf. Scores, totals and
 * limits of hessians are doubles; sums are the 64-bit integers of a histogram (hessian and count in one).
 */
export const scanState = {
  bestScore: 0,
  bestPosition: 16,
  bestGradient: 32,
  bestHessianCount: 48,
  /** Where the sums of the left side start: zero, or the missing rows. */
  startGradient: 64,
  startHessianCount: 80,
  totalGradient: 96,
  totalHessian: 112,
  l2: 128,
  minHessian: 144,
  /** Sums of hessian and count with rows enough on both sides lie strictly between these. */
  fewestRows: 160,
  mostRows: 176,
  l1: 192,
  bytes: 256,
} as const;

/** Added as an integer and taken away as a double it turns an integer below 2^51 in size into that double. */
const magic = 0x4338_0000_0000_0000n;
const toDoubles = [...v128Constant(magic, magic), ...op.i64x2Add, ...v128Constant(magic, magic), ...op.f64x2Sub];
const lowLanes = i8x16Shuffle([0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]);
const highLanes = i8x16Shuffle([8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31]);

/**
 * Tries the cuts after each bin from `first` to `firstEnd` of one feature in two leaves at once, one a lane; `second` is
 * the feature's first bin in the other leaf's histogram. A cut that beats `bestScore` replaces the best of its lane;
 * `position` numbers the cuts upwards. The arithmetic is that of `searchNumber`, operation by operation.
 */
export function scanCutsKernel({ countShift, hasL1 }: Pick<KernelShape, "countShift" | "hasL1">): KernelFunction {
  const [first, second, firstEnd, state, position] = [0, 1, 2, 3, 4];
  const [g, c, gl, hl, gr, hr, score, valid, place, isBelow] = [5, 6, 7, 8, 9, 10, 11, 12, 13, 14];
  const [fewest, most, leastHessian, allHessian, allGradient, l1, l2] = [15, 16, 17, 18, 19, 20, 21];
  const field = (offset: number): number[] => [...get(state), ...v128Load(offset)];
  const bins = [...get(first), ...v128Load(0), ...get(second), ...v128Load(0)];
  const mask = (1n << BigInt(countShift)) - 1n;
  const open = [
    [...field(scanState.startGradient), ...set(g), ...field(scanState.startHessianCount), ...set(c)],
    [...field(scanState.fewestRows), ...set(fewest), ...field(scanState.mostRows), ...set(most)],
    [...field(scanState.minHessian), ...set(leastHessian), ...field(scanState.totalHessian), ...set(allHessian)],
    [...field(scanState.totalGradient), ...set(allGradient), ...field(scanState.l2), ...set(l2)],
    [...field(scanState.l1), ...set(l1)],
  ];
  const sums = [
    [...get(g), ...bins, ...lowLanes, ...op.i64x2Add, ...set(g)],
    [...get(c), ...bins, ...highLanes, ...op.i64x2Add, ...tee(c)],
    [...get(fewest), ...op.i64x2GtS, ...get(most), ...get(c), ...op.i64x2GtS, ...tee(isBelow)],
    [...op.v128And, ...tee(valid), ...op.v128AnyTrue],
  ];
  // Without its sign, which the squares do not need.
  const shrink = (gradient: number): number[] => [
    ...get(gradient),
    ...op.f64x2Abs,
    ...get(l1),
    ...op.f64x2Sub,
    ...v128Constant(0n, 0n),
    ...op.f64x2Pmax,
    ...set(gradient),
  ];
  const scores = [
    [...get(c), ...v128Constant(mask, mask), ...op.v128And, ...toDoubles, ...tee(hl)],
    [...get(leastHessian), ...op.f64x2Ge, ...get(valid), ...op.v128And, ...set(valid)],
    [...get(allHessian), ...get(hl), ...op.f64x2Sub, ...tee(hr)],
    [...get(leastHessian), ...op.f64x2Ge, ...get(valid), ...op.v128And, ...set(valid)],
    [...get(g), ...toDoubles, ...set(gl)],
    [...get(allGradient), ...get(gl), ...op.f64x2Sub, ...set(gr)],
    hasL1 ? [...shrink(gl), ...shrink(gr)] : [],
    [...get(hl), ...get(l2), ...op.f64x2Add, ...set(hl)],
    [...get(hr), ...get(l2), ...op.f64x2Add, ...set(hr)],
    [...get(gl), ...get(gl), ...op.f64x2Mul, ...get(hr), ...op.f64x2Mul],
    [...get(gr), ...get(gr), ...op.f64x2Mul, ...get(hl), ...op.f64x2Mul, ...op.f64x2Add],
    [...get(hl), ...get(hr), ...op.f64x2Mul, ...op.f64x2Div, ...tee(score)],
    [...field(scanState.bestScore), ...op.f64x2Gt, ...get(valid), ...op.v128And, ...tee(valid), ...op.v128AnyTrue],
  ];
  const replace = (offset: number, value: number): number[] => [
    ...get(state),
    ...get(value),
    ...field(offset),
    ...get(valid),
    ...op.v128Bitselect,
    ...v128Store(offset),
  ];
  const better = when(
    [...get(position), ...op.i64ExtendU, ...op.i64x2Splat, ...set(place)],
    replace(scanState.bestScore, score),
    replace(scanState.bestPosition, place),
    replace(scanState.bestGradient, g),
    replace(scanState.bestHessianCount, c),
  );
  const step = (local: number, by: number): number[] => [...get(local), ...constant(by), ...op.i32Add];
  return {
    name: "scanCuts",
    parameters: [i32, i32, i32, i32, i32],
    result: null,
    locals: Array.from({ length: 17 }, () => v128),
    body: [
      ...open,
      loop(
        ...sums,
        when(...scores, better),
        [...step(second, 16), ...set(second), ...step(position, 1), ...set(position)],
        // Where neither leaf has rows enough left, no later cut has.
        [...step(first, 16), ...tee(first), ...get(firstEnd), ...op.i32LtU],
        [...get(isBelow), ...op.v128AnyTrue, ...op.i32And],
      ),
    ],
  };
}
