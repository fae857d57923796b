import {
  instantiateModule,
  type WasmFunction,
  type WasmMemory,
  type WasmModule,
} from "../../../math/wasm/webassembly.ts";
import { plainBinKernels, plainKernels } from "./plain-kernels.ts";
import type { KernelShape } from "./shape.ts";

/**
 * How bins that all threads summed become a leaf's: from which bins (kept: packed ones with room for the rows of all threads), and
 * whether they are taken off the parent's, too.
 */
export interface MergeKind {
  readonly from: "Bins" | "Packed" | "Kept";
  readonly subtracts: boolean;
}

export const mergeName = ({ from, subtracts }: MergeKind): string => `merge${from}${subtracts ? "AndSubtract" : ""}`;

/**
 * Addresses are bytes in the shared memory; `begin` and `end` delimit the row positions (uint32) a call works on. Empty ranges
 * are allowed everywhere.
 */
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
  /** target = what all threads summed, the first thread's from `source`. What is not null of `parent` becomes the difference. See `mergeKernel`. */
  merge(target: number, targetEnd: number, source: number, from: MergeKind["from"], parent: number | null): void;
  /**
   * Writes listed rows to `target`, which may be `begin`, by `route` (a byte a bin: 4 = left, 0 = right) of their bin in `column`
   * (one cell a row): left rows before right ones, each in their old order. `scratch` is room for as many, `sides` the table of `writeSides`.
   * Returns how many are left.
   */
  partition(
    begin: number,
    end: number,
    target: number,
    column: number,
    route: number,
    scratch: number,
    sides: number,
  ): number;
  /** Writes the bins of the next rows into their records, from columns of bins; see `recordsKernel`. */
  writeRecords(column: number, nRows: number, step: number, record: number): void;
  /** scores[row] += value for the listed rows; `scores` is the address of the output's score in row 0. */
  addScore(begin: number, end: number, scores: number, value: number): void;
  /** What works in vector registers; null where there are none, and its twins run, which take no addresses. */
  readonly vector: VectorKernels | null;
}

/** Kernels that plain TypeScript does without: it searches leaves one by one, and reads scores and labels as arrays. */
export interface VectorKernels {
  /** Tries the cuts of the listed features of wide bins in two leaves at once, or two features of one; see `scanFeaturesKernel`. */
  scanFeatures(list: number, listEnd: number, first: number, second: number, state: number, ahead: number): void;
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
  /** Writes the table that `writeLogistic` reads, from `table` to `tableEnd`; see `sigmoidsKernel`. */
  writeSigmoids(table: number, tableEnd: number): void;
  /** Sums logistic losses of rows of weight 1; see `logisticSumKernel`. */
  sumLogistic(scores: number, scoresEnd: number, labels: number, total: number, out: number): number;
  /** All by name: `grow`, where whole trees are grown by it, and what it alone calls. */
  readonly functions: Readonly<Record<string, WasmFunction>>;
}

/** What bins are written with; addresses are bytes. */
export interface BinKernels {
  /** Writes the bins of one column's values to `column`; gives 1 where one of them is infinite, else 0. See `binKernel`. */
  writeBins(values: number, valuesEnd: number, bounds: number, missing: number, column: number): number;
  /** The same of an even number of values, whose bounds have cells: see `cellBinKernel`; null where bounds are halved instead. */
  readonly writeBinsByCell:
    | ((
        values: number,
        valuesEnd: number,
        bounds: number,
        missing: number,
        column: number,
        cells: number,
        scale: number,
        offset: number,
      ) => number)
    | null;
  /** As `Kernels.writeRecords`. */
  writeRecords: Kernels["writeRecords"];
}

/** What one thread opens kernels of: the module is null where WebAssembly does not run, and kernels are plain ones. */
interface Opening {
  readonly module: WasmModule | null;
  readonly memory: WasmMemory;
  readonly shape: KernelShape;
}

/** One thread's, over the memory all share: of the module that `compileBinning` made. */
export function openBinning({ module, memory, shape }: Opening): BinKernels {
  if (module === null) return plainBinKernels(shape, memory);
  const kernels = instantiateModule(module, memory);
  return {
    writeBins: kernels["writeBins"]!,
    writeBinsByCell: kernels["writeBinsByCell"] ?? null,
    writeRecords: kernels["writeRecords"]!,
  };
}

/** One thread's kernels, over the memory all share: of the module that `compileKernels` made. `barrier` is its team's. */
export function openKernels({ module, memory, shape }: Opening, barrier: () => void): Kernels {
  return module === null ? plainKernels(shape, memory) : instantiateKernels(module, memory, barrier);
}

export function instantiateKernels(module: WasmModule, memory: WasmMemory, barrier: () => void): Kernels {
  const kernels = instantiateModule(module, memory, { barrier });
  return {
    clear: kernels["clear"]!,
    sumRows: kernels["sumRows"]!,
    sumListed: kernels["sumListed"]!,
    widen: kernels["widen"]!,
    merge(target, end, source, from, parent) {
      kernels[mergeName({ from, subtracts: parent !== null })]!(target, end, source, parent ?? 0);
    },
    partition: kernels["partition"]!,
    writeRecords: kernels["writeRecords"]!,
    addScore: kernels["addScore"]!,
    vector: {
      scanFeatures: kernels["scanFeatures"]!,
      writeLogistic: kernels["writeLogistic"]!,
      writeSigmoids: kernels["writeSigmoids"]!,
      sumLogistic: kernels["sumLogistic"]!,
      functions: kernels,
    },
  };
}
