import { compileKernels } from "./compile.ts";
import { type Kernels, instantiateKernels } from "./kernels.ts";
import { type KernelShape, binsAt, cellBytes, gatherBytes, packed } from "./shape.ts";
import { createMemory } from "../../../math/wasm/webassembly.ts";

/** Bits below the count in a bin. */
export const countShift = 48;

/** Rows in kernel memory, and where things stand there. */
export interface Bench {
  readonly shape: KernelShape;
  readonly kernels: Kernels;
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

/** Rows of random bins and gradients in kernel memory. */
export function setUp(
  nRows: number,
  binCounts: readonly number[],
  random: () => number,
  isPacked = false,
  threads = 1,
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
  const rows = 64;
  const index = rows + nRows * stride;
  const scratch = index + nRows * 4;
  const histogram = Math.ceil((scratch + nRows * 4) / 64) * 64;
  const other = histogram + total;
  const buffer = Math.ceil((other + total + nRows * 16 + 64) / 64) * 64;
  const pages = 2 + Math.ceil((buffer + gatherBytes(stride) + 4096 + 5 * total) / 65536);
  const memory = createMemory(pages, false);
  const kernels = instantiateKernels(compileKernels(shape, { pages, shared: false }), memory);
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
