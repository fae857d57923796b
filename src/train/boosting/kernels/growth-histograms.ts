import {
  type KernelFunction,
  constant,
  f64Constant,
  f64Load,
  f64Store,
  get,
  op,
  select,
  when,
  whileBelow,
} from "../../../math/wasm/assembler.ts";
import { type Code, plus, put, seq } from "../../../math/wasm/code.ts";
import { type GrowthPlan, addresses, ask, sum, times, word } from "./growth-code.ts";
import { growthState } from "./growth-state.ts";
import { histogramBytes, histogramStep, packed, packedStep } from "./shape.ts";

/** As `Histograms.sumListed`: sums this thread's `own` rows from position `begin` of the index, for histogram `slot`. */
export function sumLeafKernel({ shape, layout }: GrowthPlan): KernelFunction {
  const [state, slot, begin, own, wide, narrow, at, end, to] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const bytes = histogramBytes(shape);
  const clear = (target: number, room: number): number[] => ask("clear", get(target), plus(target, room));
  const sumTo = (stop: Code, target: number): number[] =>
    ask("sumListed", get(at), stop, constant(layout.rows), word(state, growthState.gathered), get(target));
  const isWide = seq(get(own), constant(packed.rows), op.i32GtU);
  const step = constant(packed.rows * 4);
  const left = seq(get(end), get(at), op.i32Sub);
  const flush = seq(ask("widen", get(wide), plus(wide, bytes), get(narrow)), clear(narrow, bytes / 2));
  const chunk = seq(step, left, step, left, op.i32LtU, select);
  const sumPacked = seq(
    put(narrow, word(state, growthState.packed)),
    [...isWide, ...when(clear(wide, bytes))],
    clear(narrow, bytes / 2),
    whileBelow(
      at,
      end,
      [...put(to, get(at), chunk, op.i32Add), ...sumTo(get(to), narrow)],
      [...isWide, ...when(flush), ...put(at, get(to))],
    ),
  );
  const isAlone = shape.threads === 1;
  const ownSlot = sum(constant(layout.histograms), times(get(slot), histogramStep(shape)));
  return {
    name: "sumLeaf",
    parameters: addresses(4),
    result: null,
    locals: addresses(5),
    body: [
      put(wide, isAlone ? ownSlot : word(state, growthState.wide)),
      [...word(state, growthState.summed), ...get(own), ...op.f64FromI32, ...f64Store(0)],
      put(at, sum(constant(layout.index), times(get(begin), 4))),
      put(end, get(at), times(get(own), 4), op.i32Add),
      shape.isPacked ? sumPacked : seq(clear(wide, bytes), sumTo(get(end), wide)),
    ],
  };
}

/** As `Histograms.merge`: adds the threads' sums up into histogram `slot`, over this thread's features, and takes them off `parent`. */
export function mergeLeafKernel({ shape, layout }: GrowthPlan): KernelFunction {
  const [state, slot, parent, from, target, end] = [0, 1, 2, 3, 4, 5];
  const threads = Array.from({ length: shape.threads }, (_, thread) => thread);
  const isNarrow = (thread: number): number[] =>
    seq(constant(0), f64Load(layout.perThread + 16 * thread), f64Constant(packed.rows), op.f64Le);
  const from2 = seq(get(from), constant(1), op.i32ShrU);
  const at = (base: number): number[] => sum(constant(base), get(from));
  const narrowAt = (thread: number): number[] =>
    sum(constant(layout.packedHistograms + thread * packedStep(shape)), from2);
  const histogramAt = (number: number): number[] =>
    sum(constant(layout.histograms), times(get(number), histogramStep(shape)), get(from));
  const merge = (name: "mergeBinsAndSubtract" | "mergePackedAndSubtract", source: Code): number[] =>
    ask(name, get(target), get(end), source, histogramAt(parent));
  const widen = (thread: number): number[] => {
    const base = layout.privateHistograms + thread * histogramStep(shape);
    const stretch = seq(at(base), sum(constant(base), word(state, growthState.to)));
    return seq(isNarrow(thread), when(ask("clear", stretch), ask("widen", stretch, narrowAt(thread))));
  };
  const areNarrow = seq(isNarrow(0), ...threads.slice(1).map((thread) => seq(isNarrow(thread), op.i32And)));
  const mergeNarrow = seq(areNarrow, when(merge("mergePackedAndSubtract", narrowAt(0)), op.giveBack));
  const isAlone = shape.threads === 1;
  return {
    name: "mergeLeaf",
    parameters: addresses(3),
    result: null,
    locals: addresses(3),
    body: [
      put(from, word(state, growthState.from)),
      put(target, histogramAt(slot)),
      put(end, get(target), word(state, growthState.to), op.i32Add, get(from), op.i32Sub),
      shape.isPacked ? mergeNarrow : [],
      shape.isPacked && !isAlone ? threads.flatMap(widen) : [],
      merge("mergeBinsAndSubtract", isAlone ? get(target) : at(layout.privateHistograms)),
    ],
  };
}
