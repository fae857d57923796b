import { type KernelFunction, assemble } from "../../../math/wasm/assembler.ts";
import { logisticKernel } from "./logistic.ts";
import { addScoreKernel, clearKernel, partitionKernel } from "./rows.ts";
import { scanFeaturesKernel } from "./scan.ts";
import type { KernelShape } from "./shape.ts";
import { blockBounds, chunkRows, gatherKernel, mergeKernel, mergeName, sumRowsKernel, widenKernel } from "./sum.ts";
import { type WasmMemory, type WasmModule, compileModule, instantiateModule } from "../../../math/wasm/webassembly.ts";

/** Addresses are bytes in the shared memory; `begin` and `end` delimit the row positions (uint32) a call works on. */
export interface Kernels {
  /** Writes zeros to the bytes from `begin` to `end`. */
  clear(begin: number, end: number): void;
  /** Adds consecutive row records to a histogram: one of packed bins where the shape says so. */
  sumRows(rowsBegin: number, rowsEnd: number, histogram: number): void;
  /**
   * Adds the records of the listed rows to a histogram. They are gathered into `buffer` (`gatherBytes`) first: copying
   * waits for many cache misses at once, summing for one after the other.
   */
  sumListed(begin: number, end: number, rows: number, buffer: number, histogram: number): void;
  /** target += packed source, bin by bin, over the bytes of target. */
  widen(target: number, targetEnd: number, packedSource: number): void;
  /**
   * target = what all threads summed, from bins or packed ones: the first thread's from `source`. What is not null of
   * `parent` becomes the difference. See `mergeKernel`.
   */
  merge(target: number, targetEnd: number, source: number, isNarrow: boolean, parent: number | null): void;
  /**
   * Splits listed rows in place by `route` (256 bytes: 4 = left, 0 = right) of their bin in `column` (one byte a row): left rows
   * before right ones, each in their old order. `scratch` is room for as many. Returns how many are left.
   */
  partition(begin: number, end: number, column: number, route: number, scratch: number): number;
  /** Tries the cuts of the listed features in two leaves at once; see `scanFeaturesKernel`. */
  scanFeatures(list: number, listEnd: number, first: number, second: number, state: number): void;
  /** Gradients and hessians of logistic loss, rows of weight 1; see `logisticKernel`. */
  writeLogistic(
    scores: number,
    scoresEnd: number,
    labels: number,
    records: number,
    table: number,
    gradientScale: number,
    hessianScale: number,
    dither: number,
  ): void;
  /** scores[row] += value for the listed rows; `scores` is the address of the output's score in row 0. */
  addScore(begin: number, end: number, scores: number, value: number): void;
}

const mergeKinds = [true, false].flatMap((isNarrow) => [true, false].map((subtracts) => ({ isNarrow, subtracts })));

/** The kernels of one training as a module, for every thread to instantiate. */
export function compileKernels(shape: KernelShape, memory: { pages: number; shared: boolean }): WasmModule {
  const functions: KernelFunction[] = [
    clearKernel,
    partitionKernel(),
    addScoreKernel(shape),
    gatherKernel(shape),
    scanFeaturesKernel(shape),
    logisticKernel(shape),
    widenKernel(shape),
    ...mergeKinds.map((kind) => mergeKernel(shape, kind)),
  ];
  const bounds = blockBounds(shape);
  for (let block = 0; block + 1 < bounds.length; ++block) {
    functions.push(sumRowsKernel(shape, block, bounds[block]!, bounds[block + 1]!));
  }
  return compileModule(assemble(functions, memory));
}

/** One thread's kernels over the memory all share. Empty ranges are allowed everywhere. */
export function instantiateKernels(module: WasmModule, memory: WasmMemory, shape: KernelShape): Kernels {
  const exported = instantiateModule(module, memory);
  const nBlocks = blockBounds(shape).length - 1;
  const sums = Array.from({ length: nBlocks }, (_, block) => exported[`sumRows${block}`]!);
  const { clear, partition, addScore, gather, scanFeatures, widen, writeLogistic } = exported;
  const merges = mergeKinds.map((kind) => exported[mergeName(kind)]!);
  const chunk = chunkRows(shape.stride);
  const sumRows = (begin: number, end: number, histogram: number): void => {
    const step = (nBlocks === 1 ? Infinity : chunk) * shape.stride;
    for (let from = begin; from < end; from += step) {
      for (const sum of sums) sum(from, Math.min(end, from + step), histogram);
    }
  };
  return {
    clear: (begin, end) => void clear!(begin, end),
    sumRows,
    sumListed(begin, end, rows, buffer, histogram) {
      for (let from = begin; from < end; from += chunk * 4) {
        const to = Math.min(end, from + chunk * 4);
        gather!(from, to, rows, buffer);
        const filled = buffer + ((to - from) / 4) * shape.stride;
        for (const sum of sums) sum(buffer, filled, histogram);
      }
    },
    widen: (target, end, source) => void (target < end && widen!(target, end, source)),
    merge(target, end, source, isNarrow, parent) {
      const merge = merges[(isNarrow ? 0 : 2) + (parent === null ? 1 : 0)]!;
      if (target < end) merge(target, end, source, parent ?? 0);
    },
    partition: (begin, end, column, route, scratch) =>
      begin < end ? partition!(begin, end, column, route, scratch) : 0,
    writeLogistic: (scores, end, ...rest) => void (scores < end && writeLogistic!(scores, end, ...rest)),
    scanFeatures: (list, end, ...rest) => void (list < end && scanFeatures!(list, end, ...rest)),
    addScore: (begin, end, scores, value) => void (begin < end && addScore!(begin, end, scores, value)),
  };
}
