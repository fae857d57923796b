import {
  type Code,
  type KernelFunction,
  constant,
  f64,
  f64Constant,
  f64Store,
  f64x2ExtractLane,
  get,
  i32,
  isBelow,
  move,
  op,
  set,
  v128,
  v128Load,
  v128Load64Zero,
  when,
  whileBelow,
} from "../../../math/wasm/assembler.ts";
import { put } from "../../../math/wasm/code.ts";
import { expOfLanes } from "../../../math/wasm/exp.ts";

const both = (value: number): Code => [f64Constant(value), op.f64x2Splat];
/** 1 + e to this power is 1, as it is for all lower ones. */
const lowest = -700;

/**
 * Of the logistic losses of the rows whose scores (doubles) and labels (int32) stand from there on: `total` and the margins above 0,
 * added in the order of the rows; stored at `out`, the product of all 1 + e^-|margin|. The arithmetic is that of `sumLogistic`.
 */
export function logisticSumKernel(): KernelFunction {
  const [scores, scoresEnd, labels, total, out] = [0, 1, 2, 3, 4];
  const [pairsEnd, product, margins, x] = [5, 6, 7, 8];
  const room = [9, 10, 11, 12] as const;
  const signs = [both(1), get(labels), v128Load64Zero(0), op.f64x2FromI32x4, both(2), op.f64x2Mul, op.f64x2Sub];
  const work = [
    put(margins, get(margins), signs, op.f64x2Mul),
    put(x, both(0), get(margins), op.f64x2Abs, op.f64x2Sub, both(lowest), op.f64x2Pmax),
    put(x, both(1), expOfLanes(x, room), op.f64x2Add),
    put(margins, get(margins), both(0), op.f64x2Pmax),
  ];
  const take = (lane: number): Code => [
    put(total, get(total), get(margins), f64x2ExtractLane(lane), op.f64Add),
    put(product, get(product), get(x), f64x2ExtractLane(lane), op.f64Mul),
  ];
  return {
    name: "sumLogistic",
    parameters: [i32, i32, i32, f64, i32],
    result: f64,
    locals: [i32, f64, v128, v128, v128, v128, v128, v128],
    body: [
      put(product, f64Constant(1)),
      put(pairsEnd, get(scoresEnd), get(scores), op.i32Sub, constant(-16), op.i32And, get(scores), op.i32Add),
      whileBelow(
        scores,
        pairsEnd,
        [put(margins, get(scores), v128Load(0)), work, take(0), take(1)],
        [move(labels, 8), move(scores, 16)],
      ),
      isBelow(scores, scoresEnd),
      when([get(scores), v128Load64Zero(0), set(margins), work, take(0)]),
      [get(out), get(product), f64Store(0), get(total)],
    ],
  };
}
