import {
  type Code,
  type KernelFunction,
  again,
  block,
  constant,
  f64Constant,
  f64Load,
  f64Store,
  get,
  i64,
  i64AtomicAdd,
  i64AtomicLoad,
  i64AtomicStore,
  i64Constant,
  leave,
  leaveIf,
  loop,
  move,
  op,
  plus,
  select,
  set,
  tee,
  when,
  whileBelow,
} from "../../../math/wasm/assembler.ts";
import { atMost, put } from "../../../math/wasm/code.ts";
import { leftBytes, leftRows } from "../turns.ts";
import { type GrowthPlan, addresses, ask, sum, times, word } from "./growth-code.ts";
import { binRun, growthLeaf, growthState } from "./growth-state.ts";
import type { MergeKind } from "./kernels.ts";
import { chunkRows, histogramBytes, histogramStep, packed, packedStep } from "./shape.ts";

/** The address of a bin of the run at a local, of so many bytes, in the histogram at another. */
const binAt = (histogram: number, run: number, end: "from" | "to", bytes: 8 | 16): Code =>
  sum(get(histogram), times(word(run, binRun[end]), bytes));

/** Clears the bins of `wideRuns` in a histogram of wide bins. */
export function clearRunsKernel(): KernelFunction {
  const [state, wide, run, end] = [0, 1, 2, 3];
  const clear = ask("clear", binAt(wide, run, "from", 16), binAt(wide, run, "to", 16));
  return {
    name: "clearRuns",
    parameters: addresses(2),
    result: null,
    locals: addresses(2),
    body: [
      [put(run, word(state, growthState.wideRuns)), put(end, word(state, growthState.wideRunsEnd))],
      whileBelow(run, end, clear, move(run, binRun.bytes)),
    ],
  };
}

/** Moves the packed sums of `wideRuns` to wide bins. */
export function flushRunsKernel(): KernelFunction {
  const [state, wide, narrow, run, end] = [0, 1, 2, 3, 4];
  const [from, to] = [binAt(narrow, run, "from", 8), binAt(narrow, run, "to", 8)];
  return {
    name: "flushRuns",
    parameters: addresses(3),
    result: null,
    locals: addresses(2),
    body: [
      [put(run, word(state, growthState.wideRuns)), put(end, word(state, growthState.wideRunsEnd))],
      whileBelow(
        run,
        end,
        ask("widen", binAt(wide, run, "from", 16), binAt(wide, run, "to", 16), from),
        ask("clear", from, to),
        move(run, binRun.bytes),
      ),
    ],
  };
}

/**
 * Runs `sumTaken` for stretches of the index, from local `at` to local `to`, until no thread has rows left: the thread's own first, of which it
 * says by one word where they begin and end, then others', a few at a time. What another thread has not said yet is left to it.
 */
function takeRows({ shape, layout }: GrowthPlan, state: number, locals: TakeLocals, sumTaken: Code): Code {
  const { at, end, to, owner, others, said } = locals;
  const bytes = chunkRows(shape.stride) * 4;
  const next = [get(said), i64Constant(32n), op.i64ShrU, op.i32Wrap];
  const both = [get(at), op.i64ExtendU, i64Constant(32n), op.i64Shl, get(end), op.i64ExtendU, op.i64Or];
  const isNone = [next, get(said), op.i32Wrap, op.i32GeU];
  const all = again(
    [get(owner), i64AtomicLoad(leftRows.listed), set(said), isNone, leaveIf(1)],
    [get(owner), i64Constant(BigInt(bytes) << 32n), i64AtomicAdd(leftRows.listed), set(said), isNone, leaveIf(1)],
    [put(at, next), put(end, get(said), op.i32Wrap), put(to, atMost(at, end, constant(bytes)))],
    [sumTaken, leave(0)],
  );
  const last = constant(layout.left + (shape.threads - 1) * leftBytes);
  return [
    put(owner, word(state, growthState.left)),
    [get(owner), both, i64AtomicStore(leftRows.listed)],
    put(others, constant(shape.threads)),
    loop(block(all), put(owner, constant(layout.left), plus(owner, leftBytes), [get(owner), last, op.i32Eq], select), [
      get(others),
      constant(1),
      op.i32Sub,
      tee(others),
    ]),
  ];
}

type TakeLocals = Readonly<Record<"at" | "end" | "to" | "owner" | "others" | "said", number>>;

/**
 * As `Histograms.sumListed`: sums this thread's `own` rows from position `begin` of the index, for histogram `slot`; where there are several
 * threads, those sum all their rows together.
 */
export function sumLeafKernel(plan: GrowthPlan): KernelFunction {
  const { shape, layout } = plan;
  const [state, slot, begin, own, wide, narrow, at, end, to, held, summed] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  const taking = { at, end, to, owner: 11, others: 12, said: 13 };
  const bytes = histogramBytes(shape);
  const isAlone = shape.threads === 1;
  const target = shape.isPacked ? narrow : wide;
  const packedRows = word(state, growthState.packedRows);
  const rows = [get(to), get(at), op.i32Sub, constant(2), op.i32ShrU];
  const isFirst = [get(held), get(summed), op.i32Eq];
  const flush = [ask("flushRuns", get(state), get(wide), get(narrow)), put(held, constant(0))];
  const isFull = [get(held), rows, op.i32Add, packedRows, op.i32GtU];
  const sumTaken = [
    shape.isPacked ? [isFull, when(isFirst, when(ask("clearRuns", get(state), get(wide))), flush)] : [],
    ask("sumListed", get(at), get(to), constant(layout.rows), word(state, growthState.gathered), get(target)),
    [put(held, get(held), rows, op.i32Add), put(summed, get(summed), rows, op.i32Add)],
  ];
  const sumOwn = whileBelow(at, end, put(to, shape.isPacked ? atMost(at, end, times(packedRows, 4)) : get(end)), [
    sumTaken,
    put(at, get(to)),
  ]);
  const ownSlot = sum(constant(layout.histograms), times(get(slot), histogramStep(shape)));
  return {
    name: "sumLeaf",
    parameters: addresses(4),
    result: null,
    locals: [...addresses(9), i64],
    body: [
      put(wide, isAlone ? ownSlot : word(state, growthState.wide)),
      put(narrow, word(state, growthState.packed)),
      ask("clear", get(target), plus(target, shape.isPacked ? bytes / 2 : bytes)),
      put(at, sum(constant(layout.index), times(get(begin), 4))),
      put(end, get(at), times(get(own), 4), op.i32Add),
      isAlone ? sumOwn : takeRows(plan, state, taking, sumTaken),
      [word(state, growthState.summed), get(summed), op.f64FromI32, f64Store(0)],
      shape.isPacked ? [isFirst, op.i32Eqz, when(flush)] : [],
    ],
  };
}

export const histogramOf = ({ shape, layout }: GrowthPlan, leaf: number): Code =>
  sum(constant(layout.histograms), times(word(leaf, growthLeaf.slot), histogramStep(shape)));

/**
 * Takes the rows of a leaf that may not be split off its parent's histogram, which leaves its sibling's: nobody asks for its own, and its
 * few rows are quicker gone than all bins cleared and merged.
 */
export function subtractLeaf(plan: GrowthPlan, state: number, leaf: number, sibling: number): Code {
  const { layout } = plan;
  const begin = sum(constant(layout.index), times(word(leaf, growthLeaf.begin), 4));
  const end = sum(begin, times(word(leaf, growthLeaf.own), 4));
  const gathered = word(state, growthState.gathered);
  return ask("subtractListed", begin, end, constant(layout.rows), gathered, histogramOf(plan, sibling));
}

type MergeFunction = `merge${MergeKind["from"]}AndSubtract`;

/** As `Histograms.merge` of one run. */
export function mergeRunKernel({ shape, layout }: GrowthPlan): KernelFunction {
  const [run, slot, parent, from, target, end] = [0, 1, 2, 3, 4, 5];
  const threads = Array.from({ length: shape.threads }, (_, thread) => thread);
  const isNarrow = (thread: number): Code => [
    constant(0),
    f64Load(layout.perThread + 16 * thread),
    f64Constant(packed.rows),
    op.f64Le,
  ];
  const narrowAt = (thread: number): Code =>
    sum(constant(layout.packedHistograms + thread * packedStep(shape)), times(get(from), 8));
  const wideAt = (base: number): Code => sum(constant(base), times(get(from), 16));
  const leafAt = (number: number): Code => sum(wideAt(layout.histograms), times(get(number), histogramStep(shape)));
  const merge = (name: MergeFunction, source: Code): Code => ask(name, get(target), get(end), source, leafAt(parent));
  const widen = (thread: number): Code => {
    const base = layout.privateHistograms + thread * histogramStep(shape);
    const stretch = [wideAt(base), sum(constant(base), times(word(run, binRun.to), 16))];
    return [isNarrow(thread), when(ask("clear", stretch), ask("widen", stretch, narrowAt(thread)))];
  };
  const areNarrow = [isNarrow(0), threads.slice(1).map((thread) => [isNarrow(thread), op.i32And])];
  const mergeFrom = (name: MergeFunction): Code => [merge(name, narrowAt(0)), op.giveBack];
  const mergeKept = [word(run, binRun.isKept), when(mergeFrom("mergeKeptAndSubtract"))];
  const mergeNarrow = [areNarrow, when(mergeFrom("mergePackedAndSubtract"))];
  const isAlone = shape.threads === 1;
  return {
    name: "mergeRun",
    parameters: addresses(3),
    result: null,
    locals: addresses(3),
    body: [
      [put(from, word(run, binRun.from)), put(target, leafAt(slot))],
      put(end, get(target), times([word(run, binRun.to), get(from), op.i32Sub], 16), op.i32Add),
      shape.isPacked ? [mergeKept, mergeNarrow] : [],
      shape.isPacked && !isAlone ? threads.map(widen) : [],
      merge("mergeBinsAndSubtract", isAlone ? get(target) : wideAt(layout.privateHistograms)),
    ],
  };
}

/** As `Histograms.merge`: adds the threads' sums up into histogram `slot`, over this thread's features, and takes them off `parent`. */
export function mergeLeafKernel(): KernelFunction {
  const [state, slot, parent, run, end] = [0, 1, 2, 3, 4];
  return {
    name: "mergeLeaf",
    parameters: addresses(3),
    result: null,
    locals: addresses(2),
    body: [
      [put(run, word(state, growthState.runs)), put(end, word(state, growthState.runsEnd))],
      whileBelow(run, end, ask("mergeRun", get(run), get(slot), get(parent)), move(run, binRun.bytes)),
    ],
  };
}
