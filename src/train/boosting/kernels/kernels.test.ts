import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cellsOf } from "../../../model/quick/cells.ts";
import { cellCount } from "../../../model/quick/records.ts";
import { type ColumnBins, binOf } from "../bins.ts";
import { writeSides } from "./rows.ts";
import { binsAt, boundsRoom, cellBytes, histogramStep, packed, packedStep } from "./shape.ts";
import { type Bench, countShift, randomFrom, setUp, variants } from "./bench.fixtures.ts";

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
const fewSizes = [1, 64, 513];
const shapes = [
  [3],
  [256, 2, 7],
  Array.from({ length: 31 }, () => 5),
  Array.from({ length: 32 }, () => 4),
  Array.from({ length: 71 }, () => 3),
  [258, 2, 700, 3],
  Array.from({ length: 37 }, (_, f) => (f === 5 ? 1026 : 4)),
];

describe.each(variants)("histogram kernels $name", (variant) => {
  it("sum consecutive and listed rows exactly as adding them one by one", () => {
    for (const binCounts of shapes) {
      for (const nRows of variant === variants[0] ? sizes : fewSizes) {
        const bench = setUp(nRows, binCounts, randomFrom(nRows + binCounts.length), false, 1, variant);
        const { kernels, rows, shape, histogram, index, words, buffer } = bench;
        kernels.sumRows(rows, rows + nRows * shape.stride, histogram);
        const all = Array.from({ length: nRows }, (_, row) => row);
        expect(readHistogram(bench, histogram)).toEqual(naiveHistogram(bench, all));
        bench.bytes.fill(0, histogram, bench.other);
        const listed = all.filter((row) => row % 3 !== 1);
        words.set(listed, index / 4);
        kernels.sumListed(index, index + listed.length * 4, rows, buffer, histogram);
        expect(readHistogram(bench, histogram)).toEqual(naiveHistogram(bench, listed));
        // Alone, and in kernels, listed rows can be taken off again.
        if (kernels.vector === null) continue;
        const kept = listed.filter((row) => row % 2 === 0);
        const gone = listed.filter((row) => row % 2 === 1);
        words.set(gone, index / 4);
        kernels.vector.functions["subtractListed"]!(index, index + gone.length * 4, rows, buffer, histogram);
        expect(readHistogram(bench, histogram)).toEqual(naiveHistogram(bench, kept));
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
      const bench = setUp(nRows, binCounts, randomFrom(nRows), true, 1, variant);
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
      const bench = setUp(packed.rows, [1, 1], randomFrom(1), true, 1, variant);
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
    for (const kind of ["Bins", "Packed", "Kept"] as const) {
      const isPacked = kind !== "Bins";
      for (const threads of [1, 2, 3]) {
        const bench = setUp(300, [10, 40, 2], randomFrom(threads), isPacked, threads, variant);
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
        kernels.merge(histogram, end, source, kind, null);
        expect(readHistogram(bench, histogram)).toEqual(child);
        if (!isInPlace) bytes.fill(1, histogram, end);
        kernels.merge(histogram, end, source, kind, parent);
        expect(readHistogram(bench, histogram)).toEqual(child);
        expect(readHistogram(bench, parent)).toEqual(sibling);
      }
    }
  });
});

describe.each(variants)("writeBins $name", (variant) => {
  it("writes what binOf says, for any values and bounds, and tells whether one is infinite", () => {
    const value = fc.oneof(fc.double(), fc.integer({ min: -3, max: 3 }), fc.constant(NaN));
    const infinite = fc.array(fc.constantFrom(Infinity, -Infinity), { maxLength: 1 });
    const some = fc.tuple(fc.array(value, { maxLength: 300 }), infinite, fc.array(value, { maxLength: 3 }));
    fc.assert(
      fc.property(
        some.map((parts) => parts.flat()),
        fc.uniqueArray(fc.oneof(fc.double({ noNaN: true }), fc.integer({ min: -3, max: 3 })), { maxLength: 254 }),
        fc.constantFrom(3, 300),
        (values, given, beside) => {
          const bench = setUp(values.length, [3, 3, beside], randomFrom(1), false, 1, variant);
          const { binning, bytes, cells, shape, buffer } = bench;
          const cell = cellBytes(shape);
          const doubles = new Float64Array(bytes.buffer);
          const [bounds, from] = [Math.ceil(buffer / 64) * 64, Math.ceil(buffer / 64) * 64 + boundsRoom * 8];
          const column = from + values.length * 8;
          const upper = Float64Array.from(given).sort();
          doubles.fill(Infinity, bounds / 8, from / 8);
          doubles.set(upper, bounds / 8);
          doubles.set(values, from / 8);
          const missing = upper.length + 1;
          const hasInfinite = values.some((x) => Math.abs(x) === Infinity);
          expect(binning.writeBins(from, column, bounds, missing, column)).toBe(Number(hasInfinite));
          const bins: ColumnBins = { kind: "number", nValues: missing, upper };
          const expected = values.map((x) => binOf(bins, x));
          expect(Array.from(cells.subarray(column / cell, column / cell + values.length))).toEqual(expected);
        },
      ),
      { numRuns: variant === variants[0] ? 60 : 20 },
    );
  });
});

describe.each(variants.filter(({ isPlain }) => !isPlain))("writeBinsByCell $name", (variant) => {
  it("writes what binOf says, of values on and around bounds, missing and infinite ones", () => {
    const random = randomFrom(3);
    for (const [nBounds, beside] of [
      [1, 3],
      [40, 3],
      [254, 3],
      [254, 300],
    ] as const) {
      const upper = Float64Array.from({ length: nBounds }, (_, i) => i * 0.37 - 20 + random() * 0.3);
      const { scale, offset, before } = cellsOf(upper)!;
      const near = Array.from(upper, (x) => [x, x + 2 ** -40, x - 2 ** -40]).flat();
      const values = [NaN, Infinity, -Infinity, 0, -0, 1e300, -1e300, 0.1, ...near];
      if (values.length % 2 === 1) values.pop();
      const bench = setUp(values.length, [3, 3, beside], random, false, 1, variant);
      const { binning, bytes, cells, shape, buffer } = bench;
      const cell = cellBytes(shape);
      const doubles = new Float64Array(bytes.buffer);
      const bounds = Math.ceil(buffer / 64) * 64;
      const [table, from] = [bounds + boundsRoom * 8, bounds + boundsRoom * 8 + cellCount];
      const [column, end] = [from + values.length * 8, from + values.length * 8];
      doubles.fill(Infinity, bounds / 8, table / 8);
      doubles.set(upper, bounds / 8);
      bytes.set(before, table);
      doubles.set(values, from / 8);
      const missing = nBounds + 1;
      const write = (first: number): number =>
        binning.writeBinsByCell!(from + first * 8, end, bounds, missing, column, table, scale, offset);
      // The infinite ones stand second and third.
      expect([4, 2, 0].map(write)).toEqual([0, 1, 1]);
      const bins: ColumnBins = { kind: "number", nValues: missing, upper };
      const expected = values.map((x) => binOf(bins, x));
      expect(Array.from(cells.subarray(column / cell, column / cell + values.length))).toEqual(expected);
    }
  });
});

describe.each(variants)("writeRecords $name", (variant) => {
  it("writes each row's bins into its record and leaves the rest of it as it was", () => {
    for (const binCounts of [[3], [256, 2, 7], Array.from({ length: 29 }, () => 9), [2, 700, 3]]) {
      for (const nRows of [0, 1, 2, 3, 4, 5, 8, 31]) {
        const bench = setUp(nRows, binCounts, randomFrom(nRows), binCounts.length === 3, 1, variant);
        const { kernels, binning, bytes, cells, rows, shape, buffer, bins } = bench;
        const cell = cellBytes(shape);
        const [size, step] = [nRows * shape.stride, (nRows + 3) * cell];
        const expected = bytes.slice(rows, rows + size);
        for (const writer of [kernels, binning]) {
          // What padding, gradients and hessians have now is to stay.
          const first = (row: number): number => rows + row * shape.stride + binsAt(shape);
          bins.forEach((own, row) => bytes.fill(99, first(row), first(row) + own.length * cell));
          bins.forEach((own, row) => own.forEach((bin, f) => (cells[(buffer + f * step) / cell + row] = bin)));
          writer.writeRecords(buffer, nRows, step, rows);
          expect(bytes.slice(rows, rows + size)).toEqual(expected);
        }
      }
    }
  });
});

describe.each(variants)("clear $name", (variant) => {
  it("writes zeros to the bytes it is given and to no others", () => {
    const { kernels, bytes, histogram } = setUp(3, [40], randomFrom(1), false, 1, variant);
    bytes.fill(7, histogram, histogram + 100);
    kernels.clear(histogram + 3, histogram + 96);
    kernels.clear(histogram + 98, histogram + 98);
    const left = Array.from(bytes.subarray(histogram, histogram + 100));
    expect(left).toEqual([7, 7, 7, ...Array.from({ length: 93 }, () => 0), 7, 7, 7, 7]);
  });
});

describe.each(variants)("partition $name", (variant) => {
  it("is stable, for any rows and any route", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 200 }),
        fc.integer(),
        fc.integer({ min: 0, max: 2 }),
        fc.constantFrom(256, 300, 65_536),
        (nRows, seed, feature, most) => {
          const random = randomFrom(seed);
          const bench = setUp(nRows, [most, 7, 3], random, false, 1, variant);
          const { kernels, words, bytes, cells, index, scratch, other, buffer: column } = bench;
          const listed = Array.from({ length: nRows }, (_, row) => row).filter(() => random() < 0.7);
          words.set(listed, index / 4);
          const goesLeft = Array.from({ length: most }, () => random() < 0.5);
          const route = other;
          goesLeft.forEach((left, bin) => {
            bytes[route + bin] = left ? 4 : 0;
          });
          cells.set(
            bench.bins.map((record) => record[feature]!),
            column / cellBytes(bench.shape),
          );
          const end = index + listed.length * 4;
          const isLeft = (row: number): boolean => goesLeft[bench.bins[row]![feature]!]!;
          const expected = [...listed.filter(isLeft), ...listed.filter((row) => !isLeft(row))];
          const target = Math.ceil((column + nRows * 2) / 64) * 64;
          const sides = target + nRows * 4;
          writeSides(bytes, sides);
          for (const to of [target, index]) {
            expect(kernels.partition(index, end, to, column, route, scratch, sides)).toBe(listed.filter(isLeft).length);
            expect(Array.from(words.subarray(to / 4, to / 4 + listed.length))).toEqual(expected);
          }
        },
      ),
      { numRuns: variant === variants[0] ? 40 : 15 },
    );
  });
});

describe.each(variants)("addScore $name", (variant) => {
  it("adds to the listed rows of one output alone", () => {
    const bench = setUp(9, [2], randomFrom(1), false, 1, variant);
    const { kernels, words, index, bytes } = bench;
    const at = Math.ceil((bench.other + 64) / 8) * 8;
    const scores = new Float64Array(bytes.buffer, at, 18);
    words.set([1, 4, 8], index / 4);
    kernels.addScore(index, index + 12, at + 8, 0.5);
    expect(Array.from(scores)).toEqual([0, 0, 0, 0.5, 0, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0, 0, 0, 0.5]);
  });
});
