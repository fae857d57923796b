import {
  type Code,
  again,
  block,
  firstLanes,
  secondLanes,
  type KernelFunction,
  constant,
  get,
  i32,
  i32Load,
  leave,
  leaveIf,
  move,
  op,
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

/** As an integer, added to one below 2^51 in size, it makes the double that is that much above it. */
const magic = 0x4338_0000_0000_0000n;
const magicLanes = v128Constant(magic, magic);
const fromMagic: Code = [magicLanes, op.f64x2Sub];

// Locals: the parameters, addresses and the like, what a cut is worked out in, and what stays as it is.
const [entry, listEnd, firstBase, secondBase, state] = [0, 1, 2, 3, 4];
const [first, second, firstEnd, side, hasMissing] = [5, 6, 7, 8, 9];
const [g, c, gl, hl, gr, hr, score, valid, bin, otherBin] = [10, 11, 12, 13, 14, 15, 16, 17, 18, 19];
const [fewest, most, leastHessian, allHessian, allGradient, l1, l2] = [20, 21, 22, 23, 24, 25, 26];

/**
 * Tries the cuts of the listed features in two leaves at once, one a lane; the second and third parameter are the leaves' histograms.
 * All cuts of a feature are tried with the missing rows on the right; where there are any, all again with them on the left. A
 * cut that beats `bestScore` replaces the best of its lane; its position says the bin, counted over all features, and the side
 * of the missing rows. The arithmetic is that of `searchNumber`, operation by operation.
 *
 * Whether a cut leaves rows and hessian enough on either side is asked only where its score is the best so far, which few are. Cuts
 * before the first that leaves rows enough on its left in a lane are passed, and so are all behind the last that does on its right.
 */
export function scanFeaturesKernel(shape: Pick<KernelShape, "countShift" | "hasL1">): KernelFunction {
  const cuts = scanCuts(shape);
  const bothMissing = [missingOf(firstBase), missingOf(secondBase)];
  const none = v128Constant(0n, 0n);
  return {
    name: "scanFeatures",
    parameters: [i32, i32, i32, i32, i32],
    result: null,
    locals: [i32, i32, i32, i32, i32, ...Array.from({ length: 17 }, () => v128)],
    body: [
      open(),
      whileBelow(
        entry,
        listEnd,
        [bothMissing, secondLanes, constant(shape.countShift), op.i64x2ShrU, op.v128AnyTrue, set(hasMissing)],
        [constant(0), set(side), magicLanes, set(g), none, set(c)],
        cuts,
        get(hasMissing),
        when(
          [constant(missingLeftBit), set(side)],
          [bothMissing, firstLanes, magicLanes, op.i64x2Add, set(g), bothMissing, secondLanes, set(c)],
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

/** Tries all cuts of a feature, from the sums in `g`, which is `magic` above, and `c`. */
function scanCuts(shape: Pick<KernelShape, "countShift" | "hasL1">): Code {
  const isLast = [get(first), get(firstEnd), op.i32GeU];
  const hasRows = [get(c), get(fewest), op.i64x2GtS, op.i64x2Bitmask];
  // Where neither leaf has rows enough left, no later cut has.
  const haveNoRest = [get(most), get(c), op.i64x2GtS, op.i64x2Bitmask, op.i32Eqz];
  const tryCut = [scoreCut(shape), when(isAllowed(shape), when(replaceBest()))];
  return [
    [binsOf(firstBase), tee(first), missing(), op.i32Add],
    [get(hasMissing), op.i32Eqz, constant(4), op.i32Shl, op.i32Sub, set(firstEnd)],
    [binsOf(secondBase), set(second), get(first), get(firstEnd), op.i32LtU],
    when(
      block(again(addBins(), [hasRows, leaveIf(1), isLast, leaveIf(1), leave(0)])),
      block(again(tryCut, [isLast, leaveIf(1), haveNoRest, leaveIf(1)], addBins(), leave(0))),
    ),
  ];
}

/** Adds both leaves' next bins to the sums: those of the cut behind them. */
function addBins(): Code {
  return [
    [get(first), v128Load(0), set(bin), get(second), v128Load(0), set(otherBin)],
    [get(g), get(bin), get(otherBin), firstLanes, op.i64x2Add, set(g)],
    [get(c), get(bin), get(otherBin), secondLanes, op.i64x2Add, set(c)],
    [move(first, 16), move(second, 16)],
  ];
}

const maskOf = ({ countShift }: Pick<KernelShape, "countShift">): bigint => (1n << BigInt(countShift)) - 1n;

/** The cut's sums of hessians on either side, before any penalty. */
function hessians(shape: Pick<KernelShape, "countShift">): Code {
  const mask = maskOf(shape);
  return [
    [get(c), v128Constant(mask, mask), op.v128And, magicLanes, op.v128Or, fromMagic, set(hl)],
    [get(allHessian), get(hl), op.f64x2Sub, set(hr)],
  ];
}

/** Scores the cut; whether it is the best so far in one of the lanes, if it is allowed there. */
function scoreCut(shape: Pick<KernelShape, "countShift" | "hasL1">): Code {
  return [
    hessians(shape),
    [get(g), fromMagic, set(gl)],
    [get(allGradient), get(gl), op.f64x2Sub, set(gr)],
    shape.hasL1 ? [shrink(gl), shrink(gr)] : [],
    [get(hl), get(l2), op.f64x2Add, set(hl)],
    [get(hr), get(l2), op.f64x2Add, set(hr)],
    [get(gl), get(gl), op.f64x2Mul, get(hr), op.f64x2Mul],
    [get(gr), get(gr), op.f64x2Mul, get(hl), op.f64x2Mul, op.f64x2Add],
    [get(hl), get(hr), op.f64x2Mul, op.f64x2Div, tee(score)],
    [get(state), v128Load(scanState.bestScore), op.f64x2Gt, tee(valid), op.i64x2Bitmask],
  ];
}

/** Leaves those lanes `valid` where rows and hessian are enough on either side; whether there is one. */
function isAllowed(shape: Pick<KernelShape, "countShift">): Code {
  const isEnough = (hessian: number): Code => [get(hessian), get(leastHessian), op.f64x2Ge, op.v128And];
  return [
    hessians(shape),
    [get(valid), get(c), get(fewest), op.i64x2GtS, op.v128And, get(most), get(c), op.i64x2GtS, op.v128And],
    [isEnough(hl), isEnough(hr), tee(valid), op.v128AnyTrue],
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
  const inBothLanes = (value: Code): Code => [value, op.i64ExtendU, op.i64x2Splat];
  // `first` is at the next bin.
  const position = [get(first), get(firstBase), op.i32Sub, constant(4), op.i32ShrU, constant(1), op.i32Sub];
  return [
    replace(scanState.bestScore, get(score)),
    replace(scanState.bestPosition, inBothLanes([position, get(side), op.i32Or])),
    replace(scanState.bestGradient, [get(g), magicLanes, op.i64x2Sub]),
    replace(scanState.bestHessianCount, get(c)),
    replace(scanState.bestEntry, inBothLanes(get(entry))),
  ];
}
