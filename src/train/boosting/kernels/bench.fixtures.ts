import { compileBinning, compileKernels } from "./compile.ts";
import { type BinKernels, type Kernels, openBinning, openKernels } from "./kernels.ts";
import { type KernelShape, binsAt, cellBytes, gatherBytes, packed } from "./shape.ts";
import { type Height, heights, placed } from "../../../math/wasm/heights.fixtures.ts";

/** Bits below the count in a bin. */
export const countShift = 48;

/** Rows in kernel memory, and where things stand there. */
export interface Bench {
  readonly shape: KernelShape;
  readonly kernels: Kernels;
  readonly binning: BinKernels;
  readonly bytes: Uint8Array;
  readonly cells: Uint8Array | Uint16Array;
  readonly words: Int32Array;
  readonly lanes: BigInt64Array;
  readonly rows: number;
  readonly index: number;
  readonly scratch: number;
  readonly histogram: number;
  readonly other: number;
  readonly buffer: number;
  readonly nRows: number;
  readonly bins: readonly number[][];
  readonly gradients: [number, number][];
}

/** Kernels that are tried alike. */
export interface Variant {
  readonly name: string;
  readonly height: Height;
  /** In plain TypeScript. */
  readonly isPlain: boolean;
}

/** The assembled ones wherever memory may be, and the plain ones. */
export const variants: readonly Variant[] = [
  ...heights.map((height) => ({ name: height.name, height, isPlain: false })),
  { name: "in plain TypeScript", height: heights[0]!, isPlain: true },
];

/** Rows of random bins and gradients in kernel memory, at a height; there is room of 128 KiB behind all. */
export function setUp(
  nRows: number,
  binCounts: readonly number[],
  random: () => number,
  isPacked = false,
  threads = 1,
  { height, isPlain } = variants[0]!,
): Bench {
  const nFeatures = binCounts.length;
  const binOffsets = new Uint32Array(nFeatures + 1);
  binCounts.forEach((count, f) => {
    binOffsets[f + 1] = binOffsets[f]! + count;
  });
  const head = binsAt({ isPacked });
  const binRoom = 2 ** Math.ceil(Math.log2(Math.max(256, ...binCounts)));
  const cell = cellBytes({ binRoom });
  const stride = Math.ceil((head + nFeatures * cell) / 8) * 8;
  const shape = { stride, isPacked, binRoom, binOffsets, countShift, hasL1: false, outputs: 2, threads };
  const total = binOffsets[nFeatures]! * 16;
  const after = (end: number): number => Math.ceil(end / 64) * 64;
  const sized = (at: number) => {
    const rows = at + 64;
    const index = rows + nRows * stride;
    const scratch = index + nRows * 4;
    const histogram = after(scratch + nRows * 4);
    const other = histogram + total;
    const buffer = after(other + total + nRows * 16 + 64);
    return { rows, index, scratch, histogram, other, buffer };
  };
  const { memory, pages, at } = placed(height, sized(0).buffer + gatherBytes(stride) + 4096 + 5 * total + 131_072);
  const { rows, index, scratch, histogram, other, buffer } = sized(at);
  const limits = { pages, shared: false };
  const kernels = openKernels({ module: isPlain ? null : compileKernels(shape, limits), memory, shape }, () => {});
  const binning = openBinning({ module: isPlain ? null : compileBinning(shape, limits), memory, shape });
  const bytes = new Uint8Array(memory.buffer);
  const cells = cell === 2 ? new Uint16Array(memory.buffer) : bytes;
  const words = new Int32Array(memory.buffer);
  const largest = isPacked ? [packed.largestGradient, packed.largestHessian] : [2 ** 30, 2 ** 30];
  const gradients = Array.from({ length: nRows }, (): [number, number] => [
    Math.round((random() * 2 - 1) * largest[0]!),
    Math.floor(random() * largest[1]!),
  ]);
  const bins = Array.from({ length: nRows }, () => binCounts.map((count) => Math.floor(random() * count)));
  bins.forEach((record, r) => {
    const [g, h] = gradients[r]!;
    if (isPacked) words[(rows + r * stride) / 4] = (g << 16) | h;
    else words.set([g, h], (rows + r * stride) / 4);
    cells.set(record, (rows + r * stride + head) / cell);
  });
  const lanes = new BigInt64Array(memory.buffer);
  return {
    shape,
    kernels,
    binning,
    bytes,
    cells,
    words,
    lanes,
    rows,
    index,
    scratch,
    histogram,
    other,
    buffer,
    nRows,
    bins,
    gradients,
  };
}

/** Deterministic and quick; the tests need variety, not quality. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}
