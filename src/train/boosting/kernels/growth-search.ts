import {
  type Code,
  type KernelFunction,
  constant,
  f64,
  f64Constant,
  f64Load,
  get,
  i32,
  op,
  select,
  when,
} from "../../../math/wasm/assembler.ts";
import { put } from "../../../math/wasm/code.ts";
import { foundBytes } from "../plan.ts";
import { type GrowthPlan, addresses, ask, number, setNumber, sum, times, word } from "./growth-code.ts";
import { histogramOf } from "./growth-histograms.ts";
import { growthLeaf, growthState } from "./growth-state.ts";
import { foundSplit, scanEntry, scanState } from "./scan-state.ts";

/** As `maySplit` of leaf.ts. */
export function maySplitKernel({ settings: { minRows, depth } }: GrowthPlan): KernelFunction {
  const leaf = 0;
  const hasRows = [number(leaf, growthLeaf.count), f64Constant(2 * minRows), op.f64Ge];
  const hasDepth = [word(leaf, growthLeaf.depth), constant(depth), op.i32LtU, op.i32And];
  return {
    name: "maySplit",
    parameters: [i32],
    result: i32,
    locals: [],
    body: [hasRows, depth === 0 ? [] : hasDepth],
  };
}

/** Address of the best split that this thread keeps for a leaf. */
export const foundOf = ({ shape }: GrowthPlan, state: number, leaf: number): Code =>
  sum(word(state, growthState.found), times(word(leaf, growthLeaf.slot), foundBytes(shape)));

/**
 * Tries the cuts of two siblings, of each where it may be split at all. The same leaf given twice is searched once, two features at a
 * time.
 */
export function searchKernel(plan: GrowthPlan): KernelFunction {
  const [state, first, second] = [0, 1, 2];
  const sums = (leaf: number): Code => [
    number(leaf, growthLeaf.gradient),
    number(leaf, growthLeaf.hessian),
    [number(leaf, growthLeaf.count), f64Constant(-1), ask("maySplit", get(leaf)), select],
  ];
  return {
    name: "search",
    parameters: addresses(3),
    result: null,
    locals: [],
    body: [
      ask(
        "searchPair",
        word(state, growthState.list),
        word(state, growthState.listEnd),
        histogramOf(plan, first),
        histogramOf(plan, second),
        word(state, growthState.search),
        times([get(first), get(second), op.i32Eq], scanEntry.bytes),
        f64Constant(plan.settings.minRows),
        sums(first),
        sums(second),
      ),
    ],
  };
}

/**
 * Gives a leaf the best split that all threads found for it, the leaf of one `lane` (0 or 8) of their search states: its gain
 * is over `parentScore` of the leaf, which has the same penalties in both lanes.
 */
export function settleKernel(plan: GrowthPlan): KernelFunction {
  const [state, leaf, lane, found, search, gradient, divisor, unsplit] = [0, 1, 2, 3, 4, 5, 6, 7];
  const count = number(leaf, growthLeaf.count);
  const lanes = sum(constant(plan.layout.scanStates), get(lane));
  const l1 = [get(search), f64Load(scanState.l1)];
  const l2 = [get(search), f64Load(scanState.l2)];
  const score = [get(gradient), get(gradient), op.f64Mul, get(divisor), op.f64Div];
  return {
    name: "settle",
    parameters: addresses(3),
    result: null,
    locals: [i32, i32, f64, f64, f64],
    body: [
      put(found, foundOf(plan, state, leaf)),
      ask("takeSplit", lanes, histogramOf(plan, leaf), count, get(found)),
      [op.i32Eqz, when(op.giveBack)],
      put(search, word(state, growthState.search)),
      put(gradient, number(leaf, growthLeaf.gradient), op.f64Abs, l1, op.f64Sub, f64Constant(0), op.f64Max),
      put(divisor, number(leaf, growthLeaf.hessian), l2, op.f64Add),
      put(unsplit, score, f64Constant(0), [get(divisor), f64Constant(0), op.f64Gt], select),
      setNumber(leaf, growthLeaf.gain, number(found, foundSplit.score), get(unsplit), op.f64Sub),
    ],
  };
}
