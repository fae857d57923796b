import {
  type Code,
  type KernelFunction,
  constant,
  f64,
  f64Constant,
  get,
  i32,
  loop,
  move,
  op,
  plus,
  select,
  when,
  whenElse,
} from "../../../math/wasm/assembler.ts";
import { put } from "../../../math/wasm/code.ts";
import {
  type GrowthPlan,
  addresses,
  ask,
  isLogistic,
  number,
  setNumber,
  setWord,
  sum,
  times,
  word,
} from "./growth-code.ts";
import {
  clearRunsKernel,
  flushRunsKernel,
  mergeLeafKernel,
  mergeRunKernel,
  subtractLeaf,
  sumLeafKernel,
} from "./growth-histograms.ts";
import { addScoresKernel, coverOf, nodeWriter, openRootKernel, setValuesKernel } from "./growth-nodes.ts";
import { sumTurnsKernel } from "./growth-turns.ts";
import { foundOf, maySplitKernel, searchKernel, settleKernel } from "./growth-search.ts";
import { growthLeaf, growthState } from "./growth-state.ts";
import { foundSplit } from "./scan-state.ts";
import { cellBytes, isSubtracted } from "./shape.ts";

/** As `mostGain`, or level-wise `shallowest`, of the leaves up to `end`: the address of the leaf to split, or 0. */
function chooseKernel({ settings: { levelwise } }: GrowthPlan): KernelFunction {
  const [leaf, end, chosen, gain, depth] = [0, 1, 2, 3, 4];
  const ownGain = number(leaf, growthLeaf.gain);
  const ownDepth = word(leaf, growthLeaf.depth);
  const gainsMore = [ownGain, get(gain), op.f64Gt];
  const isShallower = [ownDepth, get(depth), op.i32LtU];
  const isLevel = [ownDepth, get(depth), op.i32Eq];
  const splits = [ownGain, f64Constant(0), op.f64Gt];
  const comesFirst = [isShallower, isLevel, gainsMore, op.i32And, op.i32Or, splits, op.i32And];
  return {
    name: "choose",
    parameters: addresses(2),
    result: i32,
    locals: [i32, f64, i32],
    body: [
      put(depth, constant(-1)),
      loop(levelwise ? comesFirst : gainsMore, when(put(chosen, get(leaf)), put(gain, ownGain), put(depth, ownDepth)), [
        move(leaf, growthLeaf.bytes),
        get(leaf),
        get(end),
        op.i32LtU,
      ]),
      get(chosen),
    ],
  };
}

/**
 * As `Splitter.#split`: `leaf` becomes the left child, and the leaf behind the `nLeaves` there are the right one. The smaller child
 * is summed, into the histogram of its number; the larger one keeps the parent's, from which those sums are taken off.
 */
function splitKernel(plan: GrowthPlan): KernelFunction {
  const { layout, shape, nRows, settings } = plan;
  const [state, leaf, nLeaves, right, node, child, found, column, left, small, large, list] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
  ];
  const leafWord = (offset: number): Code => word(leaf, offset);
  const setNode = nodeWriter(plan, state);
  const scale = number(state, growthState.gradientScale);
  const halfGain = [f64Constant(0.5), number(leaf, growthLeaf.gain), op.f64Mul];
  const gain = [halfGain, number(state, growthState.hessianScale), op.f64Mul, scale, op.f64Div, scale, op.f64Div];
  /** Parts a stretch of the index, and gives both children theirs. */
  const part = (begin: number, own: number): Code => {
    const bytes = [leafWord(begin), constant(4), op.i32Mul];
    const at = sum(get(list), bytes);
    const end = sum(get(list), bytes, times(leafWord(own), 4));
    const [target, scratch] = [sum(constant(layout.index), bytes), sum(constant(layout.scratch), bytes)];
    const ways = [get(column), plus(found, foundSplit.routes), scratch, constant(layout.sides)];
    return [
      put(left, ask("partition", at, end, target, ways)),
      setWord(right, begin, leafWord(begin), get(left), op.i32Add),
      setWord(right, own, leafWord(own), get(left), op.i32Sub),
      setWord(leaf, own, get(left)),
    ];
  };
  const divide = (offset: number, ofFound: number): Code => [
    setNumber(right, offset, number(leaf, offset), number(found, ofFound), op.f64Sub),
    setNumber(leaf, offset, number(found, ofFound)),
  ];
  const isSmall = [number(leaf, growthLeaf.count), number(right, growthLeaf.count), op.f64Le];
  const mayChildren = [ask("maySplit", get(leaf)), ask("maySplit", get(right)), op.i32Or];
  const settleOf = (child: number, lane: number): Code => [
    ask("maySplit", get(child)),
    when(ask("settle", get(state), get(child), constant(lane))),
  ];
  const searchBoth = [
    ask("sumLeaf", get(state), get(nLeaves), word(small, growthLeaf.begin), word(small, growthLeaf.own)),
    ask("barrier"),
    ask("mergeLeaf", get(state), get(nLeaves), word(large, growthLeaf.slot)),
    ask("search", get(state), get(small), get(large)),
    ask("barrier"),
    settleOf(small, 0),
    settleOf(large, 8),
  ];
  const searchLarge = [
    subtractLeaf(plan, state, small, large),
    ask("search", get(state), get(large), get(large)),
    ask("settle", get(state), get(large), constant(0)),
  ];
  const searchChildren = [
    put(small, get(leaf), get(right), isSmall, select),
    put(large, get(right), get(leaf), isSmall, select),
    setWord(small, growthLeaf.slot, get(nLeaves)),
    isSubtracted(shape) ? [ask("maySplit", get(small)), whenElse(searchBoth, searchLarge)] : searchBoth,
  ];
  const isRoot = [get(nLeaves), constant(1), op.i32Eq];
  const isNotLast = [get(nLeaves), constant(settings.leaves - 1), op.i32LtU];
  return {
    name: "split",
    parameters: addresses(3),
    result: null,
    locals: addresses(9),
    body: [
      put(list, word(state, growthState.rootList), constant(layout.index), isRoot, select),
      put(right, plus(state, growthState.leaves), times(get(nLeaves), growthLeaf.bytes), op.i32Add),
      put(node, leafWord(growthLeaf.node)),
      put(child, times(get(nLeaves), 2), constant(1), op.i32Sub),
      put(found, foundOf(plan, state, leaf)),
      setNode("feature", node, word(found, foundSplit.feature)),
      setNode("bin", node, word(found, foundSplit.bin)),
      setNode("missingLeft", node, word(found, foundSplit.missingLeft)),
      setNode("left", node, get(child)),
      setNode("right", node, plus(child, 1)),
      setNode("gain", node, gain),
      put(
        column,
        times(word(found, foundSplit.feature), nRows * cellBytes(shape)),
        constant(layout.columns),
        op.i32Add,
      ),
      part(growthLeaf.begin, growthLeaf.own),
      part(growthLeaf.restBegin, growthLeaf.rest),
      divide(growthLeaf.gradient, foundSplit.gradient),
      divide(growthLeaf.hessian, foundSplit.hessian),
      divide(growthLeaf.count, foundSplit.count),
      [setNode("cover", child, coverOf(state, leaf)), setWord(leaf, growthLeaf.node, get(child))],
      move(child, 1),
      [setNode("cover", child, coverOf(state, right)), setWord(right, growthLeaf.node, get(child))],
      setWord(leaf, growthLeaf.depth, leafWord(growthLeaf.depth), constant(1), op.i32Add),
      setWord(right, growthLeaf.depth, leafWord(growthLeaf.depth)),
      setWord(right, growthLeaf.slot, leafWord(growthLeaf.slot)),
      setNumber(leaf, growthLeaf.gain, f64Constant(0)),
      setNumber(right, growthLeaf.gain, f64Constant(0)),
      [isNotLast, when(mayChildren, when(searchChildren))],
    ],
  };
}

/**
 * Splits the root, of rows that stand where `openRoot` is told, and what comes of it, until there is nothing to split. Returns how many
 * leaves there are.
 */
function growKernel({ settings }: GrowthPlan): KernelFunction {
  const [state, begin, own, restBegin, rest, root, leaf, nLeaves] = [0, 1, 2, 3, 4, 5, 6, 7];
  const leavesEnd = [get(root), times(get(nLeaves), growthLeaf.bytes), op.i32Add];
  const searchRoot = [
    ask("search", get(state), get(root), get(root)),
    ask("barrier"),
    ask("settle", get(state), get(root), constant(0)),
  ];
  const splitChosen = [ask("split", get(state), get(leaf), get(nLeaves)), move(nLeaves, 1)];
  const choose = [put(leaf, ask("choose", get(root), leavesEnd)), get(leaf), op.i32Eqz];
  return {
    name: "grow",
    parameters: addresses(5),
    result: i32,
    locals: addresses(3),
    body: [
      ask("openRoot", get(state), get(begin), get(own), get(restBegin), get(rest)),
      put(root, plus(state, growthState.leaves)),
      put(nLeaves, constant(1)),
      [ask("maySplit", get(root)), op.i32Eqz, when(get(nLeaves), op.giveBack)],
      searchRoot,
      loop([choose, when(get(nLeaves), op.giveBack)], splitChosen, [
        get(nLeaves),
        constant(settings.leaves),
        op.i32LtU,
      ]),
      get(nLeaves),
    ],
  };
}

const kernels = [
  sumLeafKernel,
  mergeRunKernel,
  mergeLeafKernel,
  maySplitKernel,
  settleKernel,
  searchKernel,
  chooseKernel,
  splitKernel,
  openRootKernel,
  growKernel,
  setValuesKernel,
  addScoresKernel,
];
const packedKernels = [clearRunsKernel, flushRunsKernel];

/** The kernels that grow whole trees of one training whose features are numbers, without constraints: by those of `compileKernels`. */
export function growthKernels(plan: GrowthPlan): KernelFunction[] {
  const ofLogistic = isLogistic(plan) ? [sumTurnsKernel] : [];
  return [...(plan.shape.isPacked ? packedKernels : []), ...ofLogistic, ...kernels].map((make) => make(plan));
}
