import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { type ColumnBins, binOf } from "../bins.ts";
import type { RowSet } from "../view.ts";
import { type Scales, writeLogistic } from "../loss.ts";
import { sigmoidTable, tableLength } from "../sigmoid-table.ts";
import { compileKernels } from "./compile.ts";
import { type Kernels, instantiateKernels } from "./kernels.ts";
import { ditherStep } from "../rounding.ts";
import { type KernelShape, binsAt, boundsRoom, gatherBytes, histogramStep, packed, packedStep } from "./shape.ts";
import { createMemory } from "../../../math/wasm/webassembly.ts";

const countShift = 48;

interface Bench {
  readonly shape: KernelShape;
  readonly kernels: Kernels;
  readonly bytes: Uint8Array;
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
function setUp(
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
  const stride = Math.ceil((head + nFeatures) / 8) * 8;
  const shape = { stride, isPacked, binOffsets, countShift, hasL1: false, outputs: 2, threads };
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
    bytes.set(record, rows + r * stride + head);
  });
  const lanes = new BigInt64Array(memory.buffer);
  return {
    shape,
    kernels,
    bytes,
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

/** The naive twin: adds rows one by one, in big integers. */
function naiveHistogram(bench: Bench, rows: readonly number[]): bigint[] {
  const out = Array.from({ length: bench.shape.binOffsets.at(-1)! * 2 }, () => 0n);
  for (const row of rows) {
    bench.bins[row]!.forEach((bin, f) => {
      const at = (bench.shape.binOffsets[f]! + bin) * 2;
      out[at]! += BigInt(bench.gradients[row]![0]);
      out[at + 1]! += BigInt(bench.gradients[row]![1]) + (1n << BigInt(countShift));
    });
  }
  return out;
}

const readHistogram = (bench: Bench, at: number): bigint[] =>
  Array.from(bench.lanes.subarray(at / 8, at / 8 + bench.shape.binOffsets.at(-1)! * 2));

const sizes = [0, 1, 2, 3, 63, 64, 65, 511, 512, 513, 1030];
const shapes = [
  [3],
  [256, 2, 7],
  Array.from({ length: 31 }, () => 5),
  Array.from({ length: 32 }, () => 4),
  Array.from({ length: 71 }, () => 3),
];

/** Deterministic and quick; the tests need variety, not quality. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}

describe("histogram kernels", () => {
  it("sum consecutive and listed rows exactly as adding them one by one", () => {
    for (const binCounts of shapes) {
      for (const nRows of sizes) {
        const bench = setUp(nRows, binCounts, randomFrom(nRows + binCounts.length));
        const { kernels, rows, shape, histogram, index, words, buffer } = bench;
        kernels.sumRows(rows, rows + nRows * shape.stride, histogram);
        const all = Array.from({ length: nRows }, (_, row) => row);
        expect(readHistogram(bench, histogram)).toEqual(naiveHistogram(bench, all));
        bench.bytes.fill(0, histogram, bench.other);
        const listed = all.filter((row) => row % 3 !== 1);
        words.set(listed, index / 4);
        kernels.sumListed(index, index + listed.length * 4, rows, buffer, histogram);
        expect(readHistogram(bench, histogram)).toEqual(naiveHistogram(bench, listed));
      }
    }
  });

  it("sum packed rows to the same, once widened, as long as there are no more than fit", () => {
    for (const [nRows, binCounts] of [
      [0, [2]],
      [1, [4, 2]],
      [777, [256, 2, 8]],
      [packed.rows / 2, [2, 2]],
    ] as const) {
      const bench = setUp(nRows, binCounts, randomFrom(nRows), true);
      const { kernels, rows, shape, histogram, other, buffer, index, words } = bench;
      const end = histogram + shape.binOffsets.at(-1)! * 16;
      kernels.sumRows(rows, rows + nRows * shape.stride, other);
      kernels.widen(histogram, end, other);
      const all = Array.from({ length: nRows }, (_, row) => row);
      expect(readHistogram(bench, histogram)).toEqual(naiveHistogram(bench, all));
      const listed = all.filter((row) => row % 3 !== 1);
      words.set(listed, index / 4);
      kernels.sumListed(index, index + listed.length * 4, rows, buffer, other);
      bench.bytes.fill(0, histogram, end);
      kernels.widen(histogram, end, other);
      expect(readHistogram(bench, histogram)).toEqual(
        naiveHistogram(bench, all).map((sum, i) => sum + naiveHistogram(bench, listed)[i]!),
      );
    }
  });

  it("keep the fields of a packed bin apart when it is as full as can be", () => {
    for (const gradient of [-packed.largestGradient, packed.largestGradient]) {
      const bench = setUp(packed.rows, [1, 1], randomFrom(1), true);
      const { kernels, rows, shape, histogram, other, words } = bench;
      bench.gradients.forEach((one) => one.splice(0, 2, gradient, packed.largestHessian));
      const word = (gradient << 16) | packed.largestHessian;
      for (let row = 0; row < packed.rows; ++row) words[(rows + row * shape.stride) / 4] = word;
      kernels.sumRows(rows, rows + packed.rows * shape.stride, other);
      kernels.widen(histogram, other, other);
      const all = Array.from({ length: packed.rows }, (_, row) => row);
      expect(readHistogram(bench, histogram)).toEqual(naiveHistogram(bench, all));
    }
  });

  it("merge what threads summed, and leave the sibling's in the parent's place, from bins and from packed ones", () => {
    for (const isPacked of [false, true]) {
      for (const threads of [1, 2, 3]) {
        const bench = setUp(300, [10, 40, 2], randomFrom(threads), isPacked, threads);
        const { kernels, rows, shape, histogram, bytes, buffer } = bench;
        const step = isPacked ? packedStep(shape) : histogramStep(shape);
        const isInPlace = threads === 1 && !isPacked;
        const [source, parent] = [isInPlace ? histogram : buffer + 4096, buffer + 4096 + threads * step];
        const end = histogram + shape.binOffsets.at(-1)! * 16;
        const all = Array.from({ length: 300 }, (_, row) => row);
        const total = naiveHistogram(bench, all);
        const [child, sibling] = [naiveHistogram(bench, all.slice(0, 99)), naiveHistogram(bench, all.slice(99))];
        bench.lanes.set(total, parent / 8);
        for (let thread = 0; thread < threads; ++thread) {
          const [from, to] = [33 * thread, thread === threads - 1 ? 99 : 33 * (thread + 1)];
          kernels.sumRows(rows + from * shape.stride, rows + to * shape.stride, source + thread * step);
        }
        if (!isInPlace) bytes.fill(1, histogram, end);
        kernels.merge(histogram, end, source, isPacked, null);
        expect(readHistogram(bench, histogram)).toEqual(child);
        if (!isInPlace) bytes.fill(1, histogram, end);
        kernels.merge(histogram, end, source, isPacked, parent);
        expect(readHistogram(bench, histogram)).toEqual(child);
        expect(readHistogram(bench, parent)).toEqual(sibling);
      }
    }
  });
});

describe("writeBins", () => {
  it("writes what binOf says, for any values and bounds, where the row and the column want it", () => {
    const value = fc.oneof(fc.double(), fc.integer({ min: -3, max: 3 }), fc.constant(NaN));
    fc.assert(
      fc.property(
        fc.array(value, { maxLength: 300 }),
        fc.uniqueArray(fc.oneof(fc.double({ noNaN: true }), fc.integer({ min: -3, max: 3 })), { maxLength: 254 }),
        (values, given) => {
          const { kernels, bytes, rows, shape, buffer } = setUp(values.length, [3, 3, 3], randomFrom(1));
          const doubles = new Float64Array(bytes.buffer);
          const [bounds, from] = [Math.ceil(buffer / 64) * 64, Math.ceil(buffer / 64) * 64 + boundsRoom * 8];
          const column = from + values.length * 8;
          const upper = Float64Array.from(given).sort();
          doubles.fill(Infinity, bounds / 8, from / 8);
          doubles.set(upper, bounds / 8);
          doubles.set(values, from / 8);
          const before = bytes.slice(rows, rows + values.length * shape.stride);
          const [first, missing] = [rows + binsAt(shape) + 1, upper.length + 1];
          kernels.writeBins(from, column, bounds, missing, first, column);
          const bins: ColumnBins = { kind: "number", nValues: missing, upper };
          const expected = values.map((x) => binOf(bins, x));
          expected.forEach((bin, row) => (before[binsAt(shape) + 1 + row * shape.stride] = bin));
          expect(bytes.slice(rows, rows + before.length)).toEqual(before);
          expect(Array.from(bytes.subarray(column, column + values.length))).toEqual(expected);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("clear", () => {
  it("writes zeros to the bytes it is given and to no others", () => {
    const { kernels, bytes, histogram } = setUp(3, [40], randomFrom(1));
    bytes.fill(7, histogram, histogram + 100);
    kernels.clear(histogram + 3, histogram + 96);
    kernels.clear(histogram + 98, histogram + 98);
    const left = Array.from(bytes.subarray(histogram, histogram + 100));
    expect(left).toEqual([7, 7, 7, ...Array.from({ length: 93 }, () => 0), 7, 7, 7, 7]);
  });
});

describe("partition", () => {
  it("is stable, for any rows and any route", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 200 }),
        fc.integer(),
        fc.integer({ min: 0, max: 2 }),
        (nRows, seed, feature) => {
          const random = randomFrom(seed);
          const bench = setUp(nRows, [256, 7, 3], random);
          const { kernels, words, bytes, index, scratch, other, buffer: column } = bench;
          const listed = Array.from({ length: nRows }, (_, row) => row).filter(() => random() < 0.7);
          words.set(listed, index / 4);
          const goesLeft = Array.from({ length: 256 }, () => random() < 0.5);
          const route = other;
          goesLeft.forEach((left, bin) => {
            bytes[route + bin] = left ? 4 : 0;
          });
          bytes.set(
            bench.bins.map((record) => record[feature]!),
            column,
          );
          const end = index + listed.length * 4;
          const nLeft = kernels.partition(index, end, column, route, scratch);
          const isLeft = (row: number): boolean => goesLeft[bench.bins[row]![feature]!]!;
          expect(Array.from(words.subarray(index / 4, index / 4 + nLeft))).toEqual(listed.filter(isLeft));
          expect(Array.from(words.subarray(index / 4 + nLeft, end / 4))).toEqual(listed.filter((row) => !isLeft(row)));
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe("addScore", () => {
  it("adds to the listed rows of one output alone", () => {
    const bench = setUp(9, [2], randomFrom(1));
    const { kernels, words, index, bytes } = bench;
    const at = Math.ceil((bench.other + 64) / 8) * 8;
    const scores = new Float64Array(bytes.buffer, at, 18);
    words.set([1, 4, 8], index / 4);
    kernels.addScore(index, index + 12, at + 8, 0.5);
    expect(Array.from(scores)).toEqual([0, 0, 0, 0.5, 0, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0, 0, 0, 0.5]);
  });
});

/** A score up to the ends of the sigmoid's table and beyond, and a label. */
const scoredRow = fc.tuple(
  fc.oneof(fc.double({ min: -40, max: 40 }), fc.constantFrom(0, -0, 16, -16, 1e9, -1e9)),
  fc.boolean(),
);

/** The record words the kernel writes for rows, and the rows as its twin takes them. */
function writeByKernel(
  given: readonly (readonly [score: number, label: boolean])[],
  isPacked: boolean,
  scales: Scales,
  dither: number,
): { readonly words: Int32Array; readonly step: number; readonly set: RowSet } {
  const { kernels, rows, shape, words, bytes, other } = setUp(given.length, [3], randomFrom(2), isPacked);
  const nRows = given.length;
  const scoresAt = Math.ceil((other + 64) / 8) * 8;
  const [labelsAt, tableAt] = [scoresAt + nRows * 8, 65536];
  const scores = new Float64Array(bytes.buffer, scoresAt, nRows);
  const labels = new Int32Array(bytes.buffer, labelsAt, nRows);
  given.forEach(([score, label], row) => {
    scores[row] = score;
    labels[row] = Number(label);
  });
  new Float64Array(bytes.buffer, tableAt, tableLength).set(sigmoidTable());
  const { gradient, hessian } = scales;
  kernels.writeLogistic(scoresAt, scoresAt + nRows * 8, labelsAt, rows, tableAt, gradient, hessian, dither);
  const step = shape.stride / 4;
  const set = { nRows, rows, values: new Float64Array(0), labels, weights: null, scores };
  return { words: words.subarray(rows / 4, rows / 4 + nRows * step), step, set };
}

describe("writeLogistic", () => {
  it("writes what its twin in TypeScript writes, for any score", () => {
    const scales = { gradient: 2 ** 29, hessian: 2 ** 31 };
    fc.assert(
      fc.property(fc.array(scoredRow, { maxLength: 70 }), (given) => {
        const { words, step, set } = writeByKernel(given, false, scales, 0);
        const twin = new Int32Array(words.length);
        writeLogistic(set, 0, set.nRows, { words: twin, at: 0, step }, scales);
        for (let at = 0; at < words.length; at += step)
          expect(words.subarray(at, at + 2)).toEqual(twin.subarray(at, at + 2));
      }),
      { numRuns: 60 },
    );
  });

  it("packs what its twin rounds by the dither of the row, one way the gradient and the other the hessian", () => {
    const scales = { gradient: 1024, hessian: 8192 };
    fc.assert(
      fc.property(fc.array(scoredRow, { maxLength: 70 }), fc.integer(), (given, dither) => {
        const { words, step, set } = writeByKernel(given, true, scales, dither);
        // Whole numbers of 2^-30, so that the dither can be added to them afterwards.
        const fine = new Int32Array(2 * set.nRows);
        const finest = { gradient: 2 ** 30, hessian: 2 ** 30 };
        writeLogistic(set, 0, set.nRows, { words: fine, at: 0, step: 2 }, finest);
        for (let row = 0; row < set.nRows; ++row) {
          const shift = ((dither + Math.imul(row, ditherStep)) | 0) / 2 ** 32;
          const word = words[row * step]!;
          const gradient = (fine[2 * row]! / finest.gradient) * scales.gradient + shift;
          const hessian = (fine[2 * row + 1]! / finest.hessian) * scales.hessian - shift;
          expect(Math.abs((word >> 16) - gradient)).toBeLessThan(0.50001);
          expect(Math.abs((word & 0xffff) - hessian)).toBeLessThan(0.50001);
        }
      }),
      { numRuns: 60 },
    );
  });
});
