import {
  type Code,
  firstLanes,
  secondLanes,
  type KernelFunction,
  call,
  constant,
  get,
  i32,
  i32Load,
  i32Load16,
  i32Load8,
  i64,
  i64Constant,
  i64Load,
  i64Load32,
  i64Store,
  move,
  op,
  set,
  tee,
  v128,
  v128Constant,
  v128Load,
  v128Load32x2,
  v128Store,
  whileBelow,
} from "../../../math/wasm/assembler.ts";
import { atMost } from "../../../math/wasm/code.ts";
import { type MergeKind, mergeName } from "./kernels.ts";
import {
  type KernelShape,
  binsAt,
  cellBytes,
  chunkRows,
  featuresOf,
  histogramStep,
  isSubtracted,
  packed,
  packedStep,
} from "./shape.ts";

/** Bytes of histograms summed in one pass: they stay in a first cache of 32 KiB, beside the records that pass by. */
const blockBytes = 28_672;

/** Bounds of the blocks of features, as even as can be, for histograms of at most 256 bins a feature, or as many as there are. */
function blockBounds(shape: KernelShape): number[] {
  const nFeatures = featuresOf(shape);
  const nBins = Math.max(nFeatures * 256, shape.binOffsets.at(-1)!);
  const nBlocks = Math.min(nFeatures, Math.ceil((nBins * binBytes(shape)) / blockBytes));
  return Array.from({ length: nBlocks + 1 }, (_, block) => Math.floor((nFeatures * block) / Math.max(1, nBlocks)));
}

/** Bytes of a bin that rows are summed into. */
function binBytes({ isPacked }: KernelShape): number {
  return isPacked ? 8 : 16;
}

/** The gradient, hessian and a count of one, as they are added to a bin, of the record so many bytes behind local `row`. */
function rowValue(shape: KernelShape, row: number, ahead: number): Code {
  if (!shape.isPacked) {
    return [get(row), v128Load32x2(ahead), v128Constant(0n, 1n << BigInt(shape.countShift)), op.i64x2Add];
  }
  const gradient = [get(row), i64Load32(ahead), i64Constant(16n), op.i64ShrS];
  const hessian = [get(row), i64Load32(ahead), i64Constant(0xffffn), op.i64And];
  const shifted = (value: Code, by: number): Code => [value, i64Constant(BigInt(by)), op.i64Shl];
  const both = [shifted(gradient, packed.gradientShift), shifted(hessian, packed.hessianShift), op.i64Add];
  // Not added: V8 would add the constant again in every update, in a form of address that takes longer.
  return [both, i64Constant(1n), op.i64Or];
}

/** Rows summed at a time: the reads of one need not wait for the other's. More were no faster; few rows are not worth the longer code. */
const rowsAtOnce = ({ isPacked }: KernelShape): number => (isPacked ? 2 : 1);

/** What is done with rows: they are added to a histogram, or taken off it again. */
type Verb = "sum" | "subtract";

/**
 * The updates of each feature by `count` records in a histogram loop: bin = record[f]; histogram[f][bin] += value, or -= value.
 * Locals: `row` address of the first record; `cell` scratch, and the value to add of each record behind it.
 */
function updates(
  shape: KernelShape,
  [from, to]: readonly [number, number],
  { row, histogram, cell }: Readonly<Record<"row" | "histogram" | "cell", number>>,
  count: number,
  verb: Verb,
): Code {
  const bytes = binBytes(shape);
  const loadCell = cellBytes(shape) === 2 ? i32Load16 : i32Load8;
  const [load, store] = shape.isPacked ? [i64Load, i64Store] : [v128Load, v128Store];
  const [add, subtract] = shape.isPacked ? [op.i64Add, op.i64Sub] : [op.i64x2Add, op.i64x2Sub];
  const records = Array.from({ length: count }, (_, record) => record);
  const all = records.map((record) => [rowValue(shape, row, record * shape.stride), set(cell + 1 + record)]);
  for (let f = from; f < to; ++f) {
    const offset = shape.binOffsets[f]! * bytes;
    for (const record of records) {
      const at = record * shape.stride + binsAt(shape) + f * cellBytes(shape);
      const bin = [get(row), loadCell(at), constant(Math.log2(bytes)), op.i32Shl];
      all.push([bin, get(histogram), op.i32Add, tee(cell)]);
      all.push([get(cell), load(offset), get(cell + 1 + record), verb === "sum" ? add : subtract, store(offset)]);
    }
  }
  return all;
}

/** Adds consecutive records to the bins of the features of a block, or takes them off. */
function sumBlockKernel(
  shape: KernelShape,
  block: number,
  features: readonly [from: number, to: number],
  verb: Verb,
): KernelFunction {
  const [row, end, histogram, bulkEnd, cell] = [0, 1, 2, 3, 4];
  const turn = (count: number, until: number): Code =>
    whileBelow(
      row,
      until,
      updates(shape, features, { row, histogram, cell }, count, verb),
      move(row, count * shape.stride),
    );
  const atOnce = rowsAtOnce(shape);
  const bulk = constant(atOnce * shape.stride);
  const whole = [get(end), get(row), op.i32Sub, bulk, op.i32DivU, bulk, op.i32Mul];
  const value = shape.isPacked ? i64 : v128;
  return {
    name: `${verb}Block${block}`,
    parameters: [i32, i32, i32],
    result: null,
    locals: [i32, i32, ...Array.from({ length: atOnce }, () => value)],
    body:
      atOnce === 1 ? [turn(1, end)] : [[get(row), whole, op.i32Add, set(bulkEnd)], turn(atOnce, bulkEnd), turn(1, end)],
  };
}

/** Adds consecutive records to the bins of all features, block by block. */
function sumRowsKernel({ stride }: KernelShape, blocks: readonly KernelFunction[]): KernelFunction {
  const [begin, end, histogram, to] = [0, 1, 2, 3];
  const sums = blocks.map(({ name }) => [get(begin), get(to), get(histogram), call(name)]);
  // Where there are more blocks than one, records are read again from the first cache.
  const next = blocks.length === 1 ? get(end) : atMost(begin, end, constant(chunkRows(stride) * stride));
  return {
    name: "sumRows",
    parameters: [i32, i32, i32],
    result: null,
    locals: [i32],
    body: [whileBelow(begin, end, [next, set(to)], sums, [get(to), set(begin)])],
  };
}

/** Adds the records of listed rows, or takes them off, a chunk of them gathered at a time. */
function sumListedKernel({ stride }: KernelShape, verb: Verb, blocks: readonly KernelFunction[]): KernelFunction {
  const [begin, end, rows, buffer, histogram, to, filled] = [0, 1, 2, 3, 4, 5, 6];
  const sums = blocks.map(({ name }) => [get(buffer), get(filled), get(histogram), call(name)]);
  const bytes = [get(to), get(begin), op.i32Sub, constant(2), op.i32ShrU];
  return {
    name: `${verb}Listed`,
    parameters: [i32, i32, i32, i32, i32],
    result: null,
    locals: [i32, i32],
    body: [
      whileBelow(
        begin,
        end,
        [atMost(begin, end, constant(chunkRows(stride) * 4)), set(to)],
        [get(begin), get(to), get(rows), get(buffer), call("gather")],
        [get(buffer), bytes, constant(stride), op.i32Mul, op.i32Add, set(filled)],
        sums,
        [get(to), set(begin)],
      ),
    ],
  };
}

/** The kernels that sum rows. */
export function sumKernels(shape: KernelShape): KernelFunction[] {
  const bounds = blockBounds(shape);
  const blocksOf = (verb: Verb): KernelFunction[] =>
    bounds.slice(1).map((to, block) => sumBlockKernel(shape, block, [bounds[block]!, to], verb));
  const blocks = blocksOf("sum");
  const sums = [...blocks, gatherKernel(shape), sumRowsKernel(shape, blocks), sumListedKernel(shape, "sum", blocks)];
  if (!isSubtracted(shape)) return sums;
  const subtracting = blocksOf("subtract");
  return [...sums, ...subtracting, sumListedKernel(shape, "subtract", subtracting)];
}

const hessianMask = (1n << BigInt(packed.gradientShift - packed.hessianShift)) - 1n;
const countMask = (1n << BigInt(packed.hessianShift)) - 1n;

/** Two packed bins on the stack become two bins: sums of gradients in local `g`, of hessians and counts in `c`. */
function widened(shape: KernelShape, bins: number, g: number, c: number): Code {
  const shifted = (by: number, shift: Code): Code => [get(bins), constant(by), shift];
  const masked = (mask: bigint): Code => [v128Constant(mask, mask), op.v128And];
  const counts = [get(bins), masked(countMask), constant(shape.countShift), op.i64x2Shl];
  const gradients = [tee(bins), constant(packed.gradientShift), op.i64x2ShrS, set(g)];
  const hessians = [shifted(packed.hessianShift, op.i64x2ShrU), masked(hessianMask)];
  return [gradients, hessians, counts, op.i64x2Add, set(c)];
}

/** The first and the second of two bins whose gradients stand in local `g`, the rest in `c`. */
const firstBin = (g: number, c: number): Code => [get(g), get(c), firstLanes];
const secondBin = (g: number, c: number): Code => [get(g), get(c), secondLanes];

/** Adds packed bins to bins, two at a time; `target` to `targetEnd` is an even number of bins. */
export function widenKernel(shape: KernelShape): KernelFunction {
  const [target, end, source] = [0, 1, 2];
  const [bins, g, c] = [3, 4, 5];
  const add = (offset: number, bin: Code): Code => {
    const old = [get(target), get(target), v128Load(offset)];
    return [old, bin, op.i64x2Add, v128Store(offset)];
  };
  return {
    name: "widen",
    parameters: [i32, i32, i32],
    result: null,
    locals: [v128, v128, v128],
    body: [
      whileBelow(
        target,
        end,
        [get(source), v128Load(0), widened(shape, bins, g, c)],
        add(0, firstBin(g, c)),
        add(16, secondBin(g, c)),
        [move(source, 16), move(target, 32)],
      ),
    ],
  };
}

/**
 * target = the sum of the threads' bins, the first of which stand from `source`; and parent -= target, which leaves the
 * sibling's. Two bins at a time, of an even number. One pass: histograms do not stay in the first cache between passes.
 */
export function mergeKernel(shape: KernelShape, kind: MergeKind): KernelFunction {
  const [target, end, source, parent] = [0, 1, 2, 3];
  const [bins, g, c, gSum, cSum] = [4, 5, 6, 7, 8];
  const isNarrow = kind.from !== "Bins";
  const step = isNarrow ? packedStep(shape) : histogramStep(shape);
  const threads = Array.from({ length: shape.threads }, (_, thread) => thread);
  const plus = (sum: number, value: Code, thread: number): Code =>
    thread === 0 ? [value, set(sum)] : [value, get(sum), op.i64x2Add, set(sum)];
  const load = (thread: number, at: number): Code => [get(source), v128Load(thread * step + at)];
  const added = threads.map((thread) => [load(thread, 0), thread === 0 ? [] : op.i64x2Add]);
  const sumsOf = (thread: number): Code => {
    if (!isNarrow) return [plus(gSum, load(thread, 0), thread), plus(cSum, load(thread, 16), thread)];
    return [load(thread, 0), widened(shape, bins, g, c), plus(gSum, get(g), thread), plus(cSum, get(c), thread)];
  };
  const sums = kind.from === "Kept" ? [added, widened(shape, bins, gSum, cSum)] : threads.map(sumsOf);
  // Of packed bins the sums are transposed; of the others a local holds a bin.
  const both = isNarrow ? [firstBin(gSum, cSum), secondBin(gSum, cSum)] : [get(gSum), get(cSum)];
  // One thread alone has summed bins that are not packed into `target` itself.
  const isInPlace = shape.threads === 1 && !isNarrow;
  const stores = both.map((bin, i) => {
    const store = isInPlace ? [bin, set(bins)] : [get(target), bin, tee(bins), v128Store(16 * i)];
    const old = [get(parent), get(parent), v128Load(16 * i)];
    return kind.subtracts ? [store, old, get(bins), op.i64x2Sub, v128Store(16 * i)] : store;
  });
  return {
    name: mergeName(kind),
    parameters: [i32, i32, i32, i32],
    result: null,
    locals: [v128, v128, v128, v128, v128],
    body: [
      whileBelow(target, end, sums, stores, [move(source, isNarrow ? 16 : 32), move(parent, 32), move(target, 32)]),
    ],
  };
}

/** Copies the records of listed rows, one after the other, to `target`. */
function gatherKernel(shape: KernelShape): KernelFunction {
  const [begin, end, rows, target, row] = [0, 1, 2, 3, 4];
  const copies: Code[] = [];
  for (let at = 0; at < shape.stride; at += 16) {
    const isWhole = at + 16 <= shape.stride;
    copies.push([get(target), get(row), isWhole ? v128Load(at) : i64Load(at)]);
    copies.push(isWhole ? v128Store(at) : i64Store(at));
  }
  return {
    name: "gather",
    parameters: [i32, i32, i32, i32],
    result: null,
    locals: [i32],
    body: [
      whileBelow(
        begin,
        end,
        [get(begin), i32Load(0), constant(shape.stride), op.i32Mul],
        [get(rows), op.i32Add, set(row)],
        ...copies,
        [move(target, shape.stride), move(begin, 4)],
      ),
    ],
  };
}
