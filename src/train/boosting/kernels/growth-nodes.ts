import {
  type Code,
  type KernelFunction,
  constant,
  f64,
  f64Constant,
  f64Load,
  f64Store,
  get,
  i32,
  i32Store,
  i32Store8,
  i64,
  i64Constant,
  i64Load,
  move,
  op,
  plus,
  select,
  whileBelow,
} from "../../../math/wasm/assembler.ts";
import { put } from "../../../math/wasm/code.ts";
import { type NodeField, treeLayout } from "../tree.ts";
import { type GrowthPlan, addresses, ask, number, setNumber, setWord, sum, times, word } from "./growth-code.ts";
import { growthLeaf, growthState } from "./growth-state.ts";
import { scanState } from "./scan-state.ts";

const isDouble = (field: NodeField): boolean => field === "value" || field === "gain" || field === "cover";

/** What writes a field of the tree at the node that stands in a local. */
export function nodeWriter(
  { settings }: Pick<GrowthPlan, "settings">,
  state: number,
): (field: NodeField, node: number, value: Code) => Code {
  const offsets = treeLayout(settings.leaves);
  return (field, node, value) => {
    const bytes = isDouble(field) ? 8 : field === "missingLeft" ? 1 : 4;
    const store = isDouble(field) ? f64Store : field === "missingLeft" ? i32Store8 : i32Store;
    return [sum(word(state, growthState.tree), times(get(node), bytes)), value, store(offsets[field])];
  };
}

/** How many rows of hessian 1 a leaf has. */
export const coverOf = (state: number, leaf: number): Code => [
  number(leaf, growthLeaf.hessian),
  number(state, growthState.hessianScale),
  op.f64Div,
];

/**
 * Makes the root the first leaf: this thread's rows of it stand from the given positions of the index on, and what the rows of all threads sum
 * up to stands in the first histogram, in the bins of any feature.
 */
export function openRootKernel(plan: GrowthPlan): KernelFunction {
  const { shape, layout } = plan;
  const [state, begin, own, restBegin, rest, root, bin, end, gradient, counted] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const shift = i64Constant(BigInt(shape.countShift));
  const hessian = [get(counted), i64Constant((1n << BigInt(shape.countShift)) - 1n), op.i64And];
  const add = (total: number, offset: number): Code => put(total, get(total), get(bin), i64Load(offset), op.i64Add);
  return {
    name: "openRoot",
    parameters: addresses(5),
    result: null,
    locals: [i32, i32, i32, i64, i64],
    body: [
      [put(bin, constant(layout.histograms)), put(end, constant(layout.histograms + shape.binOffsets[1]! * 16))],
      whileBelow(bin, end, add(gradient, 0), add(counted, 8), move(bin, 16)),
      put(root, plus(state, growthState.leaves)),
      setNumber(root, growthLeaf.gradient, get(gradient), op.f64FromI64),
      setNumber(root, growthLeaf.hessian, hessian, op.f64FromI64),
      setNumber(root, growthLeaf.count, [get(counted), shift, op.i64ShrU], op.f64FromI64),
      setNumber(root, growthLeaf.gain, f64Constant(0)),
      [setWord(root, growthLeaf.begin, get(begin)), setWord(root, growthLeaf.own, get(own))],
      [setWord(root, growthLeaf.restBegin, get(restBegin)), setWord(root, growthLeaf.rest, get(rest))],
      [setWord(root, growthLeaf.slot, constant(0)), setWord(root, growthLeaf.depth, constant(0))],
      setWord(root, growthLeaf.node, constant(0)),
      put(bin, constant(0)),
      nodeWriter(plan, state)("cover", bin, coverOf(state, root)),
    ],
  };
}

/** Does something with each of the first leaves. Locals: `leaf` and `end` are its own. */
const eachLeaf = (state: number, nLeaves: number, leaf: number, end: number, ...body: readonly Code[]): Code => [
  put(leaf, plus(state, growthState.leaves)),
  put(end, get(leaf), times(get(nLeaves), growthLeaf.bytes), op.i32Add),
  whileBelow(leaf, end, ...body, move(leaf, growthLeaf.bytes)),
];

/** Gives each of the first leaves its value, as `Splitter.setValues` does where leaves are free of constraints. */
export function setValuesKernel(plan: GrowthPlan): KernelFunction {
  const { l2, learningRate } = plan.settings;
  const [state, nLeaves, leaf, end, node, l1, gradient, hessian] = [0, 1, 2, 3, 4, 5, 6, 7];
  const isAbove = [get(gradient), get(l1), op.f64Gt];
  const isBelow = [get(gradient), get(l1), op.f64Neg, op.f64Lt];
  const raised = [[get(gradient), get(l1), op.f64Add], f64Constant(0), isBelow, select];
  const shrunk = [[get(gradient), get(l1), op.f64Sub], raised, isAbove, select];
  const scaled = [shrunk, op.f64Neg, number(state, growthState.gradientScale), op.f64Div];
  const step = [[scaled, get(hessian), op.f64Div], f64Constant(0), [get(hessian), f64Constant(0), op.f64Gt], select];
  return {
    name: "setValues",
    parameters: addresses(2),
    result: null,
    locals: [i32, i32, i32, f64, f64, f64],
    body: [
      put(l1, word(state, growthState.search), f64Load(scanState.l1)),
      eachLeaf(
        state,
        nLeaves,
        leaf,
        end,
        put(gradient, number(leaf, growthLeaf.gradient)),
        put(hessian, coverOf(state, leaf), f64Constant(l2), op.f64Add),
        put(node, word(leaf, growthLeaf.node)),
        nodeWriter(plan, state)("value", node, [step, f64Constant(learningRate), op.f64Mul]),
      ),
    ],
  };
}

/** Adds the value of each of the first leaves to the scores of its rows that are this thread's; `scores` is the address of the output's score in row 0. */
export function addScoresKernel({ layout, settings }: GrowthPlan): KernelFunction {
  const [state, nLeaves, scores, leaf, end, from, value] = [0, 1, 2, 3, 4, 5, 6];
  const valueAt = [word(state, growthState.tree), times(word(leaf, growthLeaf.node), 8), op.i32Add];
  const add = (begin: number, own: number): Code => [
    put(from, sum(constant(layout.index), times(word(leaf, begin), 4))),
    ask("addScore", get(from), sum(get(from), times(word(leaf, own), 4)), get(scores), get(value)),
  ];
  return {
    name: "addScores",
    parameters: addresses(3),
    result: null,
    locals: [i32, i32, i32, f64],
    body: eachLeaf(
      state,
      nLeaves,
      leaf,
      end,
      put(value, valueAt, f64Load(treeLayout(settings.leaves).value)),
      add(growthLeaf.begin, growthLeaf.own),
      add(growthLeaf.restBegin, growthLeaf.rest),
    ),
  };
}
