import {
  type Code,
  firstLanes,
  secondLanes,
  type KernelFunction,
  constant,
  get,
  i32,
  i32Load,
  loop,
  move,
  op,
  plus,
  set,
  tee,
  v128,
  v128Constant,
  v128Load,
  v128Store,
  when,
  whileBelow,
} from "../../../math/wasm/assembler.ts";
import { missingLeftBit, scanEntry, scanState } from "./scan-state.ts";
import type { KernelShape } from "./shape.ts";

/** Added as an integer and taken away as a double it turns an integer below 2^51 in size into that double. */
const magic = 0x4338_0000_0000_0000n;
const toDoubles = [v128Constant(magic, magic), op.i64x2Add, v128Constant(magic, magic), op.f64x2Sub];

// Locals: the parameters, addresses and the like, what a cut is worked out in, and what stays as it is.
const [entry, listEnd, firstBase, secondBase, state] = [0, 1, 2, 3, 4];
const [first, second, firstEnd, position, hasMissing] = [5, 6, 7, 8, 9];
const [g, c, gl, hl, gr, hr, score, valid, isBelow] = [10, 11, 12, 13, 14, 15, 16, 17, 18];
const [fewest, most, leastHessian, allHessian, allGradient, l1, l2] = [19, 20, 21, 22, 23, 24, 25];

/**
 * Tries the cuts of the listed features in two leaves at once, one a lane; the second and third parameter are the leaves' histograms.
 * All cuts of a feature are tried with the missing rows on the right; where there are any, all again with them on the left. A
 * cut that beats `bestScore` replaces the best of its lane; its position says the bin, counted over all features, and the side
 * of the missing rows. The arithmetic is that of `searchNumber`, operation by operation.
 */
export function scanFeaturesKernel(shape: Pick<KernelShape, "countShift" | "hasL1">): KernelFunction {
  const cuts = scanCuts(scoresOf(shape));
  const startPosition = [field(scanEntry.offset), constant(4), op.i32ShrU];
  const bothMissing = [missingOf(firstBase), missingOf(secondBase)];
  const none = v128Constant(0n, 0n);
  return {
    name: "scanFeatures",
    parameters: [i32, i32, i32, i32, i32],
    result: null,
    locals: [i32, i32, i32, i32, i32, ...Array.from({ length: 16 }, () => v128)],
    body: [
      open(),
      whileBelow(
        entry,
        listEnd,
        [bothMissing, secondLanes, constant(shape.countShift), op.i64x2ShrU, op.v128AnyTrue, set(hasMissing)],
        [startPosition, set(position), none, set(g), none, set(c)],
        cuts,
        get(hasMissing),
        when(
          [startPosition, constant(missingLeftBit), op.i32Or, set(position)],
          [bothMissing, firstLanes, set(g), bothMissing, secondLanes, set(c)],
          cuts,
        ),
        move(entry, scanEntry.bytes),
      ),
    ],
  };
}

/** Reads what is the same for all cuts. */
function open(): Code {
  const given = [
    [scanState.fewestRows, fewest],
    [scanState.mostRows, most],
    [scanState.minHessian, leastHessian],
    [scanState.totalHessian, allHessian],
    [scanState.totalGradient, allGradient],
    [scanState.l1, l1],
    [scanState.l2, l2],
  ] as const;
  return given.map(([offset, local]) => [get(state), v128Load(offset), set(local)]);
}

const field = (offset: number): Code => [get(entry), i32Load(offset)];
/** Address of a leaf's bins of the feature. */
const binsOf = (base: number): Code => [get(base), field(scanEntry.offset), op.i32Add];
/** From there, that of the bin of missing rows. */
const missing = (): Code => [field(scanEntry.nValues), constant(4), op.i32Shl];
const missingOf = (base: number): Code => [binsOf(base), missing(), op.i32Add, v128Load(0)];

/** Tries all cuts of a feature, from the sums in `g` and `c` and from `position` on. */
function scanCuts(scores: Code): Code {
  return [
    [binsOf(firstBase), tee(first), missing(), op.i32Add],
    [get(hasMissing), op.i32Eqz, constant(4), op.i32Shl, op.i32Sub, set(firstEnd)],
    [binsOf(secondBase), set(second), get(first), get(firstEnd), op.i32LtU],
    when(
      loop(
        addBins(),
        when(scores, when(replaceBest())),
        [move(second, 16), move(position, 1)],
        // Where neither leaf has rows enough left, no later cut has.
        [plus(first, 16), tee(first), get(firstEnd), op.i32LtU],
        [get(isBelow), op.v128AnyTrue, op.i32And],
      ),
    ),
  ];
}

/** Adds both leaves' next bins to the sums; whether a cut behind them leaves rows enough on either side in one of them. */
function addBins(): Code {
  const bins = [get(first), v128Load(0), get(second), v128Load(0)];
  return [
    [get(g), bins, firstLanes, op.i64x2Add, set(g)],
    [get(c), bins, secondLanes, op.i64x2Add, tee(c)],
    [get(fewest), op.i64x2GtS, get(most), get(c), op.i64x2GtS, tee(isBelow)],
    [op.v128And, tee(valid), op.v128AnyTrue],
  ];
}

/** Scores the cut in the lanes where it is `valid`; whether it is the best so far in one of them. */
function scoresOf({ countShift, hasL1 }: Pick<KernelShape, "countShift" | "hasL1">): Code {
  const mask = (1n << BigInt(countShift)) - 1n;
  return [
    [get(c), v128Constant(mask, mask), op.v128And, toDoubles, tee(hl)],
    [get(leastHessian), op.f64x2Ge, get(valid), op.v128And, set(valid)],
    [get(allHessian), get(hl), op.f64x2Sub, tee(hr)],
    [get(leastHessian), op.f64x2Ge, get(valid), op.v128And, set(valid)],
    [get(g), toDoubles, set(gl)],
    [get(allGradient), get(gl), op.f64x2Sub, set(gr)],
    hasL1 ? [shrink(gl), shrink(gr)] : [],
    [get(hl), get(l2), op.f64x2Add, set(hl)],
    [get(hr), get(l2), op.f64x2Add, set(hr)],
    [get(gl), get(gl), op.f64x2Mul, get(hr), op.f64x2Mul],
    [get(gr), get(gr), op.f64x2Mul, get(hl), op.f64x2Mul, op.f64x2Add],
    [get(hl), get(hr), op.f64x2Mul, op.f64x2Div, tee(score)],
    [get(state), v128Load(scanState.bestScore)],
    [op.f64x2Gt, get(valid), op.v128And, tee(valid), op.v128AnyTrue],
  ];
}

/** Without its sign, which the squares do not need. */
const shrink = (gradient: number): Code => [
  get(gradient),
  op.f64x2Abs,
  get(l1),
  op.f64x2Sub,
  v128Constant(0n, 0n),
  op.f64x2Pmax,
  set(gradient),
];

/** Takes the cut for the best in the lanes where it is `valid`. In memory: few cuts are better, and the loop has no register left. */
function replaceBest(): Code {
  const replace = (offset: number, value: Code): Code => {
    const old = [get(state), v128Load(offset)];
    return [get(state), value, old, get(valid), op.v128Bitselect, v128Store(offset)];
  };
  const inBothLanes = (local: number): Code => [get(local), op.i64ExtendU, op.i64x2Splat];
  return [
    replace(scanState.bestScore, get(score)),
    replace(scanState.bestPosition, inBothLanes(position)),
    replace(scanState.bestGradient, get(g)),
    replace(scanState.bestHessianCount, get(c)),
    replace(scanState.bestEntry, inBothLanes(entry)),
  ];
}
