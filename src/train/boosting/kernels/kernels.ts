import { type KernelFunction, assemble, op } from "../../../math/wasm/assembler.ts";
import { logisticKernel } from "./logistic.ts";
import { addScoreKernel, copyReversedKernel, partitionKernel } from "./rows.ts";
import { scanCutsKernel } from "./scan.ts";
import type { KernelShape } from "./shape.ts";
import { blockBounds, chunkRows, gatherKernel, lanesKernel, sumRowsKernel, widenKernel } from "./sum.ts";
import { type WasmMemory, type WasmModule, compileModule, instantiateModule } from "../../../math/wasm/webassembly.ts";

/** Addresses are bytes in the shared memory; `begin` and `end` delimit the row positions (uint32) a call works on. */
export interface Kernels {
  /** Adds consecutive row records to a histogram: one of packed bins where the shape says so. */
  sumRows(rowsBegin: number, rowsEnd: number, histogram: number): void;
  /**
   * Adds the records of the listed rows to a histogram. They are gathered into `buffer` (`gatherBytes`) first: copying
   * waits for many cache misses at once, summing for one after the other.
   */
  sumListed(begin: number, end: number, rows: number, buffer: number, histogram: number): void;
  /** target += packed source, bin by bin, over the bytes of target. */
  widen(target: number, targetEnd: number, packedSource: number): void;
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
    dither: number,
  ): void;
  /** scores[row] += value for the listed rows; `scores` is the address of the output's score in row 0. */
  addScore(begin: number, end: number, scores: number, value: number): void;
}

/** The kernels of one training as a module, for every thread to instantiate. */
export function compileKernels(shape: KernelShape, memory: { pages: number; shared: boolean }): WasmModule {
  const functions: KernelFunction[] = [
    lanesKernel("addBins", op.i64x2Add),
    lanesKernel("subtractBins", op.i64x2Sub),
    partitionKernel(),
    copyReversedKernel,
    addScoreKernel(shape),
    gatherKernel(shape),
    scanCutsKernel(shape),
    logisticKernel(shape),
    widenKernel(shape),
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
  const { addBins, subtractBins, partition, copyReversed, addScore, gather, scanCuts, widen, writeLogistic } = exported;
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
    widen: (target, end, source) => void (target < end && widen!(target, end, source)),
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
