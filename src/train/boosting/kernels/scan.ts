import {
  type Code,
  again,
  block,
  firstLanes,
  secondLanes,
  type KernelFunction,
  constant,
  f64Constant,
  get,
  i32Load,
  leave,
  leaveIf,
  move,
  op,
  select,
  set,
  tee,
  v128,
  v128Constant,
  v128Load,
  v128Store,
  when,
  whileBelow,
} from "../../../math/wasm/assembler.ts";
import { put } from "../../../math/wasm/code.ts";
import { addresses } from "./growth-code.ts";
import { missingLeftBit, scanEntry, scanState } from "./scan-state.ts";
import type { KernelShape } from "./shape.ts";

/** As an integer, added to one below 2^51 in size, it makes the double that is that much above it. */
const magic = 0x4338_0000_0000_0000n;
const magicLanes = v128Constant(magic, magic);
const v128Double = (value: number): Code => [f64Constant(value), op.f64x2Splat];
const fromMagic: Code = [magicLanes, op.f64x2Sub];

// Locals: the parameters, addresses and the like, what a cut is worked out in, and what stays as it is.
const [entry, listEnd, firstBase, secondBase, state, ahead] = [0, 1, 2, 3, 4, 5];
const [other, first, second, firstEnd, side, hasMissing] = [6, 7, 8, 9, 10, 11];
const [g, c, gl, hl, gr, hr, score, valid, bin, otherBin] = [12, 13, 14, 15, 16, 17, 18, 19, 20, 21];
const [fewest, most, slope, total, l2, leastSpread] = [22, 23, 24, 25, 26, 27];

/**
 * Tries the cuts of the listed features in two leaves at once, one a lane; the third and fourth parameter are the leaves' histograms. Where
 * the last one is not 0 but the bytes of a list's entry, both are the same leaf's, and each lane has a feature of its own wherever the
 * next one has as many bins.
 *
 * All cuts of a feature are tried with the missing rows on the right; where there are any, all again with them on the left. A
 * cut that beats `bestScore` replaces the best of its lane; its position says the bin, counted over all features, and the side
 * of the missing rows. The arithmetic is that of `searchNumber`, operation by operation.
 *
 * Most cuts are passed by what needs no division. With the leaf's sums G and H, T = H + 2 l2, and g and h = hessian + l2 of the left
 * side, a cut scores g^2 / h + (G - g)^2 / (T - h) = G^2 / T + (g - h G/T)^2 T / (h (T - h)), so it beats B only where
 * (g - h G/T)^2 > h (T - h) (B - G^2/T) / T. The right side is taken smaller than rounding can make it (`openSpread`), and only of cuts that are
 * not passed the score is worked out; whether they leave rows and hessian enough on either side is asked last. Cuts before the first that leaves rows
 * enough on its left in a lane are not looked at, nor are any behind the last that does on its right.
 */
export function scanFeaturesKernel(shape: Pick<KernelShape, "countShift" | "hasL1">): KernelFunction {
  const cuts = scanCuts(shape);
  const bothMissing = [missingOf(firstBase, entry), missingOf(secondBase, other)];
  const none = v128Constant(0n, 0n);
  const next = [get(entry), get(ahead), op.i32Add];
  const isListed = [next, get(listEnd), op.i32LtU];
  const isAlike = [isListed, next, i32Load(scanEntry.nValues), field(entry, scanEntry.nValues), op.i32Eq, op.i32And];
  return {
    name: "scanFeatures",
    parameters: addresses(6),
    result: null,
    locals: [...addresses(6), ...Array.from({ length: 16 }, () => v128)],
    body: [
      open(shape),
      whileBelow(
        entry,
        listEnd,
        put(other, next, get(entry), isAlike, select),
        [bothMissing, secondLanes, constant(shape.countShift), op.i64x2ShrU, op.v128AnyTrue, set(hasMissing)],
        [constant(0), set(side), magicLanes, set(g), none, set(c)],
        cuts,
        get(hasMissing),
        when(
          [constant(missingLeftBit), set(side)],
          [bothMissing, firstLanes, magicLanes, op.i64x2Add, set(g), bothMissing, secondLanes, set(c)],
          cuts,
        ),
        put(entry, get(other), constant(scanEntry.bytes), op.i32Add),
      ),
    ],
  };
}

const given = (offset: number): Code => [get(state), v128Load(offset)];

/** Reads what is the same for all cuts, and works out what `mayBeat` compares them by. */
function open({ hasL1 }: Pick<KernelShape, "hasL1">): Code {
  return [
    [given(scanState.fewestRows), set(fewest), given(scanState.mostRows), set(most), given(scanState.l2), tee(l2)],
    [get(l2), op.f64x2Add, given(scanState.totalHessian), op.f64x2Add, set(total)],
    [given(scanState.totalGradient), get(total), op.f64x2Div, set(slope)],
    hasL1 ? [] : openSpread(),
  ];
}

/**
 * Works out (B - G^2/T) / T for the best score B, less a 1024th of it and a millionth of G^2/T. Rounding moves scores by some 1e-15 of
 * themselves: where B is a millionth above G^2/T or more, that is far less than what is taken off here, and where it is not, 0 remains and
 * none is passed but cuts that part the gradients exactly as the hessians.
 */
function openSpread(): Code {
  const [slack, share] = [v128Double(1 + 2 ** -20), v128Double(1 - 2 ** -10)];
  const even = [get(slope), given(scanState.totalGradient), op.f64x2Mul, slack, op.f64x2Mul];
  return [
    [given(scanState.bestScore), even, op.f64x2Sub, share, op.f64x2Mul, get(total), op.f64x2Div],
    [v128Constant(0n, 0n), op.f64x2Pmax, set(leastSpread)],
  ];
}

const field = (of: number, offset: number): Code => [get(of), i32Load(offset)];
/** Address of a leaf's bins of the feature. */
const binsOf = (base: number, of: number): Code => [get(base), field(of, scanEntry.offset), op.i32Add];
/** From there, that of the bin of missing rows. */
const missing = (of: number): Code => [field(of, scanEntry.nValues), constant(4), op.i32Shl];
const missingOf = (base: number, of: number): Code => [binsOf(base, of), missing(of), op.i32Add, v128Load(0)];

/** Tries all cuts of a feature, from the sums in `g`, which is `magic` above, and `c`. */
function scanCuts(shape: Pick<KernelShape, "countShift" | "hasL1">): Code {
  const isLast = [get(first), get(firstEnd), op.i32GeU];
  const hasRows = [get(c), get(fewest), op.i64x2GtS, op.i64x2Bitmask];
  // Where neither leaf has rows enough left, no later cut has.
  const haveNoRest = [get(most), get(c), op.i64x2GtS, op.i64x2Bitmask, op.i32Eqz];
  const judge = [scoreCut(shape), when(isAllowed(shape), when(replaceBest(shape)))];
  // A loop of its own: what judging needs would take its registers.
  const pass = again([isLast, leaveIf(2), haveNoRest, leaveIf(2)], addBins(), mayBeat(shape), op.i32Eqz, leaveIf(0));
  return [
    [binsOf(firstBase, entry), tee(first), missing(entry), op.i32Add],
    [get(hasMissing), op.i32Eqz, constant(4), op.i32Shl, op.i32Sub, set(firstEnd)],
    [binsOf(secondBase, other), set(second), get(first), get(firstEnd), op.i32LtU],
    when(
      block(again(addBins(), [hasRows, leaveIf(1), isLast, leaveIf(1), leave(0)])),
      block(again(judge, pass, leave(0))),
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

/** The sum of hessians on the left of the cut. */
const leftHessian = (shape: Pick<KernelShape, "countShift">): Code => {
  const mask = maskOf(shape);
  return [get(c), v128Constant(mask, mask), op.v128And, magicLanes, op.v128Or, fromMagic];
};

/** Whether the cut may score more than the best so far in one of the lanes: never no where it does. With l1, which the sums are shrunk by, always. */
function mayBeat(shape: Pick<KernelShape, "countShift" | "hasL1">): Code {
  if (shape.hasL1) return constant(1);
  return [
    [leftHessian(shape), get(l2), op.f64x2Add, set(hl)],
    [get(g), fromMagic, get(hl), get(slope), op.f64x2Mul, op.f64x2Sub, tee(gl), get(gl), op.f64x2Mul],
    [get(total), get(hl), op.f64x2Sub, get(hl), op.f64x2Mul, get(leastSpread), op.f64x2Mul],
    [op.f64x2Gt, op.i64x2Bitmask],
  ];
}

/** The cut's sums of hessians on either side, before any penalty. */
function hessians(shape: Pick<KernelShape, "countShift">): Code {
  return [leftHessian(shape), set(hl), given(scanState.totalHessian), get(hl), op.f64x2Sub, set(hr)];
}

/** Scores the cut; whether it is the best so far in one of the lanes, if it is allowed there. */
function scoreCut(shape: Pick<KernelShape, "countShift" | "hasL1">): Code {
  return [
    hessians(shape),
    [get(g), fromMagic, set(gl)],
    [given(scanState.totalGradient), get(gl), op.f64x2Sub, set(gr)],
    shape.hasL1 ? [shrink(gl), shrink(gr)] : [],
    [get(hl), get(l2), op.f64x2Add, set(hl)],
    [get(hr), get(l2), op.f64x2Add, set(hr)],
    [get(gl), get(gl), op.f64x2Mul, get(hr), op.f64x2Mul],
    [get(gr), get(gr), op.f64x2Mul, get(hl), op.f64x2Mul, op.f64x2Add],
    [get(hl), get(hr), op.f64x2Mul, op.f64x2Div, tee(score)],
    [given(scanState.bestScore), op.f64x2Gt, tee(valid), op.i64x2Bitmask],
  ];
}

/** Leaves those lanes `valid` where rows and hessian are enough on either side; whether there is one. */
function isAllowed(shape: Pick<KernelShape, "countShift">): Code {
  const isEnough = (hessian: number): Code => [get(hessian), given(scanState.minHessian), op.f64x2Ge, op.v128And];
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
  given(scanState.l1),
  op.f64x2Sub,
  v128Constant(0n, 0n),
  op.f64x2Pmax,
  set(gradient),
];

/** Takes the cut for the best in the lanes where it is `valid`. */
function replaceBest({ hasL1 }: Pick<KernelShape, "hasL1">): Code {
  const replace = (offset: number, value: Code): Code => {
    return [get(state), value, given(offset), get(valid), op.v128Bitselect, v128Store(offset)];
  };
  const lanes = (ofFirst: Code, ofSecond: Code): Code => [
    [ofFirst, op.i64ExtendU, op.i64x2Splat, ofSecond, op.i64ExtendU, op.i64x2Splat],
    firstLanes,
  ];
  // These addresses are of the next bins.
  const position = (at: number, base: number): Code => [
    [get(at), get(base), op.i32Sub, constant(4), op.i32ShrU, constant(1), op.i32Sub],
    [get(side), op.i32Or],
  ];
  return [
    replace(scanState.bestScore, get(score)),
    replace(scanState.bestPosition, lanes(position(first, firstBase), position(second, secondBase))),
    replace(scanState.bestGradient, [get(g), magicLanes, op.i64x2Sub]),
    replace(scanState.bestHessianCount, get(c)),
    replace(scanState.bestEntry, lanes(get(entry), get(other))),
    hasL1 ? [] : openSpread(),
  ];
}
