import {
  type KernelFunction,
  assemble,
  constant,
  f64,
  f64Constant,
  f64Load,
  f64Store,
  get,
  i32,
  i32Load,
  i32Load16,
  i32Load8,
  i32Store16,
  i32Store8,
  i32x4ExtractLane,
  i8x16Shuffle,
  loop,
  op,
  select,
  set,
  tee,
  v128,
  v128Constant,
  v128Load,
  v128Load8Splat,
  v128Store,
  when,
} from "../../math/wasm/assembler.ts";
import { type WasmMemory, compileModule, instantiateModule } from "../../math/wasm/webassembly.ts";

/** Rows whose bytes fill a vector register. */
export const groupRows = 16;
/** Bytes of a tree's open leaves for a group of rows: four planes of eight leaves, a byte a row each. */
export const planeBytes = 64;
/** Leaves a tree may have: one bit each. */
export const mostLeaves = 32;

/** A record of a split, by byte offset: its rank (or table), its tree's first plane that it clears, the clear bytes, their number. */
export const splitRecord = { rank: 0, plane: 4, clear: 8, planes: 12, bytes: 16 } as const;
/** A run of records that ask the same bytes of a block: where those stand, first record, end. */
export const segmentRecord = { values: 0, begin: 4, end: 8, bytes: 12 } as const;

/** Bounds of a column are padded to this many, so that eight halvings reach any. */
export const boundsLength = 256;
/** The rank of a missing value in the plane where it goes right; 0 where it goes left. */
const missingRank = 255;

const add = (local: number, by: number): number[] => [...get(local), ...constant(by), ...op.i32Add];
const move = (local: number, by: number): number[] => [...add(local, by), ...set(local)];
const whileBelow = (local: number, end: number): number[] => [...get(local), ...get(end), ...op.i32LtU];

/** Ranks of values among the bounds of their column: twice, with missing ones as the highest and as the lowest. */
const rankKernel: KernelFunction = (() => {
  const [values, valuesEnd, bounds, high, low] = [0, 1, 2, 3, 4];
  const [x, rank] = [5, 6];
  const halving = (step: number): number[] => {
    const at = [...get(bounds), ...get(rank), ...constant(3), ...op.i32Shl, ...op.i32Add];
    const isBelow = [...at, ...f64Load((step - 1) * 8), ...get(x), ...op.f64Lt];
    return [...get(rank), ...isBelow, ...constant(Math.log2(step)), ...op.i32Shl, ...op.i32Add, ...set(rank)];
  };
  const isMissing = [...get(x), ...get(x), ...op.f64Ne];
  return {
    name: "rank",
    parameters: [i32, i32, i32, i32, i32],
    result: null,
    locals: [f64, i32],
    body: [
      loop(
        [...get(values), ...f64Load(0), ...set(x), ...constant(0), ...set(rank)],
        ...[128, 64, 32, 16, 8, 4, 2, 1].map(halving),
        [...get(high), ...constant(missingRank), ...get(rank), ...isMissing, ...select, ...i32Store8(0)],
        [...get(low), ...constant(0), ...get(rank), ...isMissing, ...select, ...i32Store8(0)],
        [...move(high, 1), ...move(low, 1), ...move(values, 8), ...whileBelow(values, valuesEnd)],
      ),
    ],
  };
})();

/** Level codes as 16-bit integers; `missing` for those that are not a number. */
const codesKernel: KernelFunction = (() => {
  const [values, valuesEnd, missing, codes, x] = [0, 1, 2, 3, 4];
  const whole = [...get(x), ...f64Constant(0), ...op.f64Max, ...op.i32FromF64];
  const isMissing = [...get(x), ...get(x), ...op.f64Ne];
  return {
    name: "codes",
    parameters: [i32, i32, i32, i32],
    result: null,
    locals: [f64],
    body: [
      loop(
        [...get(values), ...f64Load(0), ...set(x)],
        [...get(codes), ...get(missing), ...whole, ...isMissing, ...select, ...i32Store16(0)],
        [...move(codes, 2), ...move(values, 8), ...whileBelow(values, valuesEnd)],
      ),
    ],
  };
})();

/** Closes the leaves on the left of a split for the rows in `right`: those bytes of its tree's planes lose their bits. */
function closeLeft(record: number, right: number, plane: number, clear: number, rest: number): number[] {
  const cleared = [...get(right), ...get(clear), ...v128Load8Splat(0), ...op.v128And];
  return [
    [...get(record), ...i32Load(splitRecord.plane), ...set(plane)],
    [...add(record, splitRecord.clear), ...set(clear)],
    [...get(record), ...i32Load8(splitRecord.planes), ...set(rest)],
    loop(
      [...get(plane), ...get(plane), ...v128Load(0), ...cleared, ...op.v128AndNot, ...v128Store(0)],
      [...move(plane, 16), ...move(clear, 1)],
      [...get(rest), ...constant(1), ...op.i32Sub, ...tee(rest)],
    ),
  ].flat();
}

/**
 * Number splits of a group of rows. The records of a segment stand in order of rank: once no row of the group is above
 * one, none is above those that follow.
 */
const numbersKernel: KernelFunction = (() => {
  const [segment, segmentsEnd, row, record, recordsEnd, ranks, right, plane, clear, rest, isAny] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
  ];
  return {
    name: "numbers",
    parameters: [i32, i32, i32],
    result: null,
    locals: [i32, i32, v128, v128, i32, i32, i32, i32],
    body: [
      loop(
        [...get(segment), ...i32Load(segmentRecord.values), ...get(row), ...op.i32Add, ...v128Load(0), ...set(ranks)],
        [...get(segment), ...i32Load(segmentRecord.begin), ...set(record)],
        [...get(segment), ...i32Load(segmentRecord.end), ...set(recordsEnd)],
        loop(
          [...get(ranks), ...get(record), ...v128Load8Splat(splitRecord.rank), ...op.i8x16GtU],
          [...tee(right), ...op.v128AnyTrue, ...tee(isAny)],
          when(closeLeft(record, right, plane, clear, rest)),
          [...move(record, splitRecord.bytes), ...whileBelow(record, recordsEnd), ...get(isAny), ...op.i32And],
        ),
        [...move(segment, segmentRecord.bytes), ...whileBelow(segment, segmentsEnd)],
      ),
    ],
  };
})();

/** Category splits of a group of rows: a table a split says which codes go right. */
const categoriesKernel: KernelFunction = (() => {
  const [segment, segmentsEnd, row, scratch, record, recordsEnd, codes, table, right, plane, clear, rest] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
  ];
  const lookUps = Array.from({ length: groupRows }, (_, lane) => {
    const entry = [...get(table), ...get(codes), ...i32Load16(lane * 2), ...op.i32Add];
    return [...get(scratch), ...entry, ...i32Load8(0), ...i32Store8(lane)];
  });
  return {
    name: "categories",
    parameters: [i32, i32, i32, i32],
    result: null,
    locals: [i32, i32, i32, i32, v128, i32, i32, i32],
    body: [
      loop(
        [...get(segment), ...i32Load(segmentRecord.values), ...get(row), ...get(row), ...op.i32Add, ...op.i32Add],
        [...set(codes), ...get(segment), ...i32Load(segmentRecord.begin), ...set(record)],
        [...get(segment), ...i32Load(segmentRecord.end), ...set(recordsEnd)],
        loop(
          [...get(record), ...i32Load(splitRecord.rank), ...set(table)],
          ...lookUps,
          [...get(scratch), ...v128Load(0), ...tee(right), ...op.v128AnyTrue],
          when(closeLeft(record, right, plane, clear, rest)),
          [...move(record, splitRecord.bytes), ...whileBelow(record, recordsEnd)],
        ),
        [...move(segment, segmentRecord.bytes), ...whileBelow(segment, segmentsEnd)],
      ),
    ],
  };
})();

const openKernel: KernelFunction = {
  name: "open",
  parameters: [i32, i32],
  result: null,
  locals: [],
  body: [loop([...get(0), ...v128Constant(-1n, -1n), ...v128Store(0), ...move(0, 16), ...whileBelow(0, 1)])],
};

/** Interleaves bytes (`width` 1) or byte pairs of two vectors, their lower or upper halves. */
function interleaved(width: 1 | 2, isUpper: boolean): number[] {
  const lanes = Array.from({ length: 16 }, (_, byte) => {
    const unit = Math.floor(byte / width);
    return (unit % 2) * 16 + (isUpper ? 8 : 0) + Math.floor(unit / 2) * width + (byte % width);
  });
  return i8x16Shuffle(lanes);
}

/** Adds to each row of a group the value of the first leaf left open, tree by tree; `outputs` lists each tree's offset. */
function leavesKernel(outputs: number): KernelFunction {
  const [plane, planesEnd, values, treeOutputs, scores] = [0, 1, 2, 3, 4];
  const [pairs, otherPairs, rows, cell] = [5, 6, 7, 8];
  const addRow = (row: number): number[] => {
    const leaf = [...get(rows), ...i32x4ExtractLane(row % 4), ...op.i32Ctz, ...constant(3), ...op.i32Shl];
    const value = [...get(values), ...leaf, ...op.i32Add, ...f64Load(0)];
    const at = row * outputs * 8;
    return [...get(cell), ...get(cell), ...f64Load(at), ...value, ...op.f64Add, ...f64Store(at)];
  };
  const half = (isUpper: boolean): number[][] => [
    [...get(plane), ...v128Load(0), ...get(plane), ...v128Load(16), ...interleaved(1, isUpper), ...set(pairs)],
    [...get(plane), ...v128Load(32), ...get(plane), ...v128Load(48), ...interleaved(1, isUpper), ...set(otherPairs)],
    ...[false, true].flatMap((isLast) => [
      [...get(pairs), ...get(otherPairs), ...interleaved(2, isLast), ...set(rows)],
      ...[0, 1, 2, 3].map((lane) => addRow((isUpper ? 8 : 0) + (isLast ? 4 : 0) + lane)),
    ]),
  ];
  return {
    name: "leaves",
    parameters: [i32, i32, i32, i32, i32],
    result: null,
    locals: [v128, v128, v128, i32],
    body: [
      loop(
        [...get(scores), ...get(treeOutputs), ...i32Load(0), ...op.i32Add, ...set(cell)],
        ...half(false),
        ...half(true),
        [...move(values, mostLeaves * 8), ...move(treeOutputs, 4)],
        [...move(plane, planeBytes), ...whileBelow(plane, planesEnd)],
      ),
    ],
  };
}

/** The kernels over one memory; addresses are bytes in it. No range may be empty. */
export interface QuickKernels {
  rank(values: number, valuesEnd: number, bounds: number, high: number, low: number): void;
  codes(values: number, valuesEnd: number, missing: number, codes: number): void;
  open(planes: number, planesEnd: number): void;
  numbers(segments: number, segmentsEnd: number, row: number): void;
  categories(segments: number, segmentsEnd: number, row: number, scratch: number): void;
  leaves(planes: number, planesEnd: number, values: number, treeOutputs: number, scores: number): void;
}

export function createQuickKernels(memory: WasmMemory, pages: number, outputs: number): QuickKernels {
  const functions = [rankKernel, codesKernel, openKernel, numbersKernel, categoriesKernel, leavesKernel(outputs)];
  const module = compileModule(assemble(functions, { pages, shared: false }));
  return instantiateModule(module, memory) as unknown as QuickKernels;
}
