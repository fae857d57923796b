import {
  type KernelFunction,
  assemble,
  constant,
  f64,
  f64Load,
  f64Store,
  get,
  i32,
  i32Load,
  i32Load8,
  i32Store,
  i64Load,
  i64Store,
  loop,
  op,
  set,
  tee,
  v128,
  v128Constant,
  v128Load,
  v128Load32x2,
  v128Store,
} from "./assembler.ts";
import { logisticKernel } from "./logistic.ts";
import { scanCutsKernel } from "./scan.ts";
import { type WasmMemory, type WasmModule, compileModule, instantiateModule } from "./webassembly.ts";

/** What is constant during one training and so stands in the kernels as literals. Offsets and strides in bytes. */
export interface KernelShape {
  /** Bytes from one row record to the next: gradient (int32), hessian (int32), then one bin a feature. */
  readonly stride: number;
  /** Where each feature's bins start in a histogram, in bins of 16 bytes; one more than features. */
  readonly binOffsets: Uint32Array;
  /** A bin is two 64-bit integers: the sum of gradients; the sum of hessians + (rows << countShift). */
  readonly countShift: number;
  /** Raw scores a row, for `addScore`. */
  readonly outputs: number;
}

/** Addresses are bytes in the shared memory; `begin` and `end` delimit the row positions (uint32) a call works on. */
export interface Kernels {
  /** Adds consecutive row records to a histogram. */
  sumRows(rowsBegin: number, rowsEnd: number, histogram: number): void;
  /**
   * Adds the records of the listed rows to a histogram. They are gathered into `buffer` (`gatherBytes`) first: copying
   * waits for many cache misses at once, summing for one after the other.
   */
  sumListed(begin: number, end: number, rows: number, buffer: number, histogram: number): void;
  /** target += source, lane by lane, over the bytes of target. */
  addBins(target: number, targetEnd: number, source: number): void;
  /** target -= source. */
  subtractBins(target: number, targetEnd: number, source: number): void;
  /**
   * Splits listed rows by `route` (256 bytes: 4 = left, 0 = right) of their bin in `column` (one byte a row): left rows
   * in order from the front of `out`, right rows from its back. Returns the number left.
   */
  partition(begin: number, end: number, column: number, route: number, out: number): number;
  /** Copies source (its last first) to target: undoes the reversal of `partition`. */
  copyReversed(target: number, targetEnd: number, sourceEnd: number): void;
  /** Tries the cuts of one feature in two leaves at once; see `scanCutsKernel`. */
  scanCuts(first: number, second: number, firstEnd: number, state: number, position: number): void;
  /** Gradients and hessians of logistic loss, rows of weight 1; see `logisticKernel`. */
  writeLogistic(
    scores: number,
    scoresEnd: number,
    labels: number,
    records: number,
    table: number,
    gradientScale: number,
    hessianScale: number,
  ): void;
  /** scores[row] += value for the listed rows; `scores` is the address of the output's score in row 0. */
  addScore(begin: number, end: number, scores: number, value: number): void;
}

/** Bytes of gradient and hessian before the bins of a row record. */
export const binsAt = 8;
/** Features summed in one pass: their histograms (4 KB each) then stay in the first cache, or nearly. */
const blockFeatures = 16;

/** Bounds of the blocks of features, as even as can be. */
function blockBounds(nFeatures: number): number[] {
  const nBlocks = Math.ceil(nFeatures / blockFeatures);
  return Array.from({ length: nBlocks + 1 }, (_, block) => Math.floor((nFeatures * block) / Math.max(1, nBlocks)));
}

/** Rows a thread gathers at a time: about 8 KB, so that they stay in the first cache beside the histograms. */
function chunkRows(stride: number): number {
  return Math.max(16, Math.floor(8192 / stride));
}

/** Bytes of a thread's gather buffer. */
export function gatherBytes(stride: number): number {
  return chunkRows(stride) * stride;
}

/**
 * One feature's update inside a histogram loop: bin = record[f]; histogram[f][bin] += value (16 bytes at once).
 * Locals: `row` address of the record, `value` the lanes to add, `cell` scratch.
 */
function update(
  feature: number,
  offset: number,
  histogram: number,
  row: number,
  value: number,
  cell: number,
): number[] {
  const cellOf = [
    ...get(row),
    ...i32Load8(binsAt + feature),
    ...constant(4),
    ...op.i32Shl,
    ...get(histogram),
    ...op.i32Add,
  ];
  const sum = [...get(cell), ...v128Load(offset * 16), ...get(value), ...op.i64x2Add];
  return [...cellOf, ...tee(cell), ...sum, ...v128Store(offset * 16)];
}

function updates(shape: KernelShape, from: number, to: number, histogram: number, row: number): number[] {
  const value = row + 1;
  const gradients = [...get(row), ...v128Load32x2(0)];
  const lanes = [...gradients, ...v128Constant(0n, 1n << BigInt(shape.countShift)), ...op.i64x2Add, ...set(value)];
  const all = [lanes];
  for (let f = from; f < to; ++f) all.push(update(f, shape.binOffsets[f]!, histogram, row, value, row + 2));
  return all.flat();
}

function sumRowsKernel(shape: KernelShape, block: number, from: number, to: number): KernelFunction {
  const [begin, end, histogram] = [0, 1, 2];
  const row = 3;
  return {
    name: `sumRows${block}`,
    parameters: [i32, i32, i32],
    result: null,
    locals: [i32, v128, i32],
    body: [
      loop([...get(begin), ...set(row)], updates(shape, from, to, histogram, row), [
        ...get(begin),
        ...constant(shape.stride),
        ...op.i32Add,
        ...tee(begin),
        ...get(end),
        ...op.i32LtU,
      ]),
    ],
  };
}

/** Copies the records of listed rows, one after the other, to `target`. */
function gatherKernel(shape: KernelShape): KernelFunction {
  const [begin, end, rows, target, row] = [0, 1, 2, 3, 4];
  const copies: number[][] = [];
  for (let at = 0; at < shape.stride; at += 16) {
    const isWhole = at + 16 <= shape.stride;
    copies.push([...get(target), ...get(row), ...(isWhole ? v128Load(at) : i64Load(at))]);
    copies.push(isWhole ? v128Store(at) : i64Store(at));
  }
  return {
    name: "gather",
    parameters: [i32, i32, i32, i32],
    result: null,
    locals: [i32],
    body: [
      loop(
        [
          ...get(begin),
          ...i32Load(0),
          ...constant(shape.stride),
          ...op.i32Mul,
          ...get(rows),
          ...op.i32Add,
          ...set(row),
        ],
        ...copies,
        [...get(target), ...constant(shape.stride), ...op.i32Add, ...set(target)],
        [...get(begin), ...constant(4), ...op.i32Add, ...tee(begin), ...get(end), ...op.i32LtU],
      ),
    ],
  };
}

function lanesKernel(name: string, operation: readonly number[]): KernelFunction {
  const [target, end, source] = [0, 1, 2];
  return {
    name,
    parameters: [i32, i32, i32],
    result: null,
    locals: [],
    body: [
      loop(
        [...get(target), ...get(target), ...v128Load(0), ...get(source), ...v128Load(0), ...operation, ...v128Store(0)],
        [...get(source), ...constant(16), ...op.i32Add, ...set(source)],
        [...get(target), ...constant(16), ...op.i32Add, ...tee(target), ...get(end), ...op.i32LtU],
      ),
    ],
  };
}

/**
 * Without a branch: the row is stored at both open ends and one end moves. The end that did not move is overwritten by
 * a later row, at the last by the one that belongs there.
 */
function partitionKernel(): KernelFunction {
  const [begin, end, column, route, out] = [0, 1, 2, 3, 4];
  const [left, right, row, moved] = [5, 6, 7, 8];
  const binOfRow = [...get(row), ...get(column), ...op.i32Add, ...i32Load8(0)];
  return {
    name: "partition",
    parameters: [i32, i32, i32, i32, i32],
    result: i32,
    locals: [i32, i32, i32, i32],
    body: [
      [...get(out), ...tee(left), ...get(end), ...op.i32Add, ...get(begin), ...op.i32Sub],
      [...constant(4), ...op.i32Sub, ...set(right)],
      loop(
        [...get(left), ...get(begin), ...i32Load(0), ...tee(row), ...i32Store(0)],
        [...get(right), ...get(row), ...i32Store(0)],
        [...binOfRow, ...get(route), ...op.i32Add, ...i32Load8(0), ...tee(moved)],
        [...get(left), ...op.i32Add, ...set(left)],
        [...get(right), ...get(moved), ...op.i32Add, ...constant(4), ...op.i32Sub, ...set(right)],
        [...get(begin), ...constant(4), ...op.i32Add, ...tee(begin), ...get(end), ...op.i32LtU],
      ),
      [...get(left), ...get(out), ...op.i32Sub, ...constant(2), ...op.i32ShrU],
    ],
  };
}

const copyReversedKernel: KernelFunction = {
  name: "copyReversed",
  parameters: [i32, i32, i32],
  result: null,
  locals: [],
  body: [
    loop(
      [...get(2), ...constant(4), ...op.i32Sub, ...set(2)],
      [...get(0), ...get(2), ...i32Load(0), ...i32Store(0)],
      [...get(0), ...constant(4), ...op.i32Add, ...tee(0), ...get(1), ...op.i32LtU],
    ),
  ],
};

function addScoreKernel(shape: KernelShape): KernelFunction {
  const [begin, end, scores, value, cell] = [0, 1, 2, 3, 4];
  return {
    name: "addScore",
    parameters: [i32, i32, i32, f64],
    result: null,
    locals: [i32],
    body: [
      loop(
        [...get(begin), ...i32Load(0), ...constant(shape.outputs * 8), ...op.i32Mul, ...get(scores), ...op.i32Add],
        [...tee(cell), ...get(cell), ...f64Load(0), ...get(value), ...op.f64Add, ...f64Store(0)],
        [...get(begin), ...constant(4), ...op.i32Add, ...tee(begin), ...get(end), ...op.i32LtU],
      ),
    ],
  };
}

/** The kernels of one training as a module, for every thread to instantiate. */
export function compileKernels(shape: KernelShape, memory: { pages: number; shared: boolean }): WasmModule {
  const nFeatures = shape.binOffsets.length - 1;
  const functions: KernelFunction[] = [
    lanesKernel("addBins", op.i64x2Add),
    lanesKernel("subtractBins", op.i64x2Sub),
    partitionKernel(),
    copyReversedKernel,
    addScoreKernel(shape),
    gatherKernel(shape),
    scanCutsKernel(shape.countShift),
    logisticKernel(shape.stride),
  ];
  const bounds = blockBounds(nFeatures);
  for (let block = 0; block + 1 < bounds.length; ++block) {
    functions.push(sumRowsKernel(shape, block, bounds[block]!, bounds[block + 1]!));
  }
  return compileModule(assemble(functions, memory));
}

/** One thread's kernels over the memory all share. Empty ranges are allowed everywhere. */
export function instantiateKernels(module: WasmModule, memory: WasmMemory, shape: KernelShape): Kernels {
  const exported = instantiateModule(module, memory);
  const nBlocks = blockBounds(shape.binOffsets.length - 1).length - 1;
  const sums = Array.from({ length: nBlocks }, (_, block) => exported[`sumRows${block}`]!);
  const { addBins, subtractBins, partition, copyReversed, addScore, gather, scanCuts, writeLogistic } = exported;
  const chunk = chunkRows(shape.stride);
  const sumRows = (begin: number, end: number, histogram: number): void => {
    const step = (nBlocks === 1 ? Infinity : chunk) * shape.stride;
    for (let from = begin; from < end; from += step) {
      for (const sum of sums) sum(from, Math.min(end, from + step), histogram);
    }
  };
  return {
    sumRows,
    sumListed(begin, end, rows, buffer, histogram) {
      for (let from = begin; from < end; from += chunk * 4) {
        const to = Math.min(end, from + chunk * 4);
        gather!(from, to, rows, buffer);
        const filled = buffer + ((to - from) / 4) * shape.stride;
        for (const sum of sums) sum(buffer, filled, histogram);
      }
    },
    addBins: (target, end, source) => void (target < end && addBins!(target, end, source)),
    subtractBins: (target, end, source) => void (target < end && subtractBins!(target, end, source)),
    partition: (begin, end, column, route, out) => (begin < end ? partition!(begin, end, column, route, out) : 0),
    copyReversed: (target, end, source) => void (target < end && copyReversed!(target, end, source)),
    writeLogistic: (scores, end, ...rest) => void (scores < end && writeLogistic!(scores, end, ...rest)),
    scanCuts: (first, second, end, state, position) =>
      void (first < end && scanCuts!(first, second, end, state, position)),
    addScore: (begin, end, scores, value) => void (begin < end && addScore!(begin, end, scores, value)),
  };
}
