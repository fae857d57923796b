import {
  type Code,
  type KernelFunction,
  f64Constant,
  f64x2ReplaceLane,
  get,
  i32,
  move,
  op,
  v128,
  v128Store,
  whileBelow,
} from "../../../math/wasm/assembler.ts";
import { put } from "../../../math/wasm/code.ts";
import { expOfLanes } from "../../../math/wasm/exp.ts";
import { tableReach, tableSteps } from "../sigmoid-table.ts";

const both = (value: number): Code => [f64Constant(value), op.f64x2Splat];

/**
 * Writes the table of `sigmoidTable` from `at` to `end`, two entries at a time: by `sigmoid` of elementary.ts, operation by operation, which
 * takes e^-|x| of both signs. A small training would be a thirtieth over before V8 has compiled what does it in TypeScript.
 */
export function sigmoidsKernel(): KernelFunction {
  const [at, end, x, e] = [0, 1, 2, 3];
  const room = [4, 5, 6, 7] as const;
  const dividend = [both(1), get(e), get(x), both(0), op.f64x2Ge, op.v128Bitselect];
  return {
    name: "writeSigmoids",
    parameters: [i32, i32],
    result: null,
    locals: Array.from({ length: 6 }, () => v128),
    body: [
      put(x, both(-tableReach), f64Constant(1 / tableSteps - tableReach), f64x2ReplaceLane(1)),
      whileBelow(
        at,
        end,
        put(e, both(0), get(x), op.f64x2Abs, op.f64x2Sub),
        put(e, expOfLanes(e, room)),
        [get(at), dividend, both(1), get(e), op.f64x2Add, op.f64x2Div, v128Store(0)],
        put(x, get(x), both(2 / tableSteps), op.f64x2Add),
        move(at, 16),
      ),
    ],
  };
}
