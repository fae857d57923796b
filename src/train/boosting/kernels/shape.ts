/** What is constant during one training and so stands in the kernels as literals. Offsets and strides in bytes. */
export interface KernelShape {
  /** Bytes from one row record to the next: gradient and hessian, then one cell a feature with its bin. */
  readonly stride: number;
  /**
   * False: gradient and hessian are an int32 each. True: one int32 holds both, the gradient in its upper half, and rows are
   * summed into bins of one 64-bit integer first (see `packed`): half the memory traffic, for losses with bounded gradients.
   */
  readonly isPacked: boolean;
  /**
   * A power of two, at least 256: no feature has more bins, the one for missing among them. So much room has a route, and
   * above 256 a cell takes two bytes.
   */
  readonly binRoom: number;
  /** Where each feature's bins start in a histogram, in bins of 16 bytes; one more than features. */
  readonly binOffsets: Uint32Array;
  /** A bin is two 64-bit integers: the sum of gradients; the sum of hessians + (rows << countShift). */
  readonly countShift: number;
  /** Whether sums of gradients are shrunk before a cut is scored. */
  readonly hasL1: boolean;
  /** Raw scores a row, for `addScore`. */
  readonly outputs: number;
  /** Each sums its rows into histograms of its own, which stand one after the other. */
  readonly threads: number;
}

/**
 * A packed bin: the sum of gradients above the sum of hessians above the number of rows. No field can run over into the
 * next one while a histogram holds at most `rows` rows.
 */
export const packed = {
  rows: 8192,
  largestGradient: 2047,
  largestHessian: 4095,
  hessianShift: 14,
  gradientShift: 39,
} as const;

/** Bytes of gradient and hessian before the bins of a row record. */
export function binsAt({ isPacked }: Pick<KernelShape, "isPacked">): number {
  return isPacked ? 4 : 8;
}

/** Bytes of a bin in a record or a column. */
export function cellBytes({ binRoom }: Pick<KernelShape, "binRoom">): 1 | 2 {
  return binRoom > 256 ? 2 : 1;
}

/** Whether rows are taken off a histogram, too: by a thread that is alone, of bins that are not packed (`subtractLeaf`). */
export function isSubtracted({ threads, isPacked }: KernelShape): boolean {
  return threads === 1 && !isPacked;
}

/** Number of features. */
export function featuresOf({ binOffsets }: KernelShape): number {
  return binOffsets.length - 1;
}

/** Bytes of the histograms of one leaf. */
export function histogramBytes({ binOffsets }: KernelShape): number {
  return binOffsets.at(-1)! * 16;
}

/** Bytes from one histogram to the next: whole cache lines. */
export function histogramStep(shape: KernelShape): number {
  return Math.ceil(histogramBytes(shape) / 64) * 64;
}

/** The same for histograms of packed bins. */
export function packedStep(shape: KernelShape): number {
  return Math.ceil(histogramBytes(shape) / 128) * 64;
}

/**
 * Rows a thread sums at a time, block of features by block: they are read again from the second cache, and are many enough that filling
 * the first one with a block's histograms is little beside what is added to these.
 */
export function chunkRows(stride: number): number {
  return Math.max(16, Math.min(1024, Math.floor(131_072 / stride)));
}

/** Bytes of a thread's gather buffer. */
export function gatherBytes(stride: number): number {
  return chunkRows(stride) * stride;
}

/** Bounds between bins, Infinity behind the last, that each feature has room for; one with more is binned without a kernel. */
export const boundsRoom = 256;

/** Rows binned at a time, so that their records stay in the cache while the columns pass by. */
export const rowsBinnedAtOnce = 4096;
