import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Height, heights } from "../../../math/wasm/heights.fixtures.ts";
import type { RowSet } from "../view.ts";
import { type Scales, logisticSumOf, sumLosses, writeLogistic, writePackedLogistic } from "../loss.ts";
import { type LossPlan, lossChunk } from "../plan.ts";
import { sigmoidTable, tableLength } from "../sigmoid-table.ts";
import { ditherStep } from "../rounding.ts";
import { type Bench, randomFrom, setUp } from "./bench.fixtures.ts";

/** A score up to the ends of the sigmoid's table and beyond, and a label. */
const scoredRow = fc.tuple(
  fc.oneof(fc.double({ min: -40, max: 40 }), fc.constantFrom(0, -0, 16, -16, 1e9, -1e9)),
  fc.boolean(),
);

/** Rows with their scores and labels, as doubles and integers in the kernels' memory. */
function setUpRows(
  given: readonly (readonly [score: number, label: boolean])[],
  isPacked: boolean,
  height: Height,
): { readonly bench: Bench; readonly set: RowSet } {
  const nRows = given.length;
  const bench = setUp(nRows, [3], randomFrom(2), isPacked, 1, { name: height.name, height, isPlain: false });
  const scores = new Float64Array(bench.bytes.buffer, Math.ceil((bench.other + 64) / 8) * 8, nRows);
  const labels = new Int32Array(bench.bytes.buffer, scores.byteOffset + scores.byteLength, nRows);
  given.forEach(([score, label], row) => {
    scores[row] = score;
    labels[row] = Number(label);
  });
  return { bench, set: { nRows, rows: bench.rows, values: new Float64Array(0), labels, weights: null, scores } };
}

/** The record words the kernel writes for rows, and the rows as its twin takes them. */
function writeByKernel(
  given: readonly (readonly [score: number, label: boolean])[],
  isPacked: boolean,
  scales: Scales,
  dither: number,
  height: Height,
): { readonly words: Int32Array; readonly step: number; readonly set: RowSet } {
  const { bench, set } = setUpRows(given, isPacked, height);
  const { kernels, rows, shape, words } = bench;
  const { nRows, scores, labels } = set;
  const tableAt = rows + 65_536;
  kernels.vector!.writeSigmoids(tableAt, tableAt + tableLength * 8);
  const { gradient, hessian } = scales;
  const [from, to] = [scores.byteOffset, scores.byteOffset + nRows * 8];
  kernels.vector!.writeLogistic(from, to, labels.byteOffset, rows, tableAt, gradient, hessian, dither);
  const step = shape.stride / 4;
  return { words: words.subarray(rows / 4, rows / 4 + nRows * step), step, set };
}

describe.each(heights)("writeLogistic $name", (height) => {
  it("reads a table of sigmoids that is written as its twin in TypeScript is", () => {
    const { bytes, rows, kernels } = setUpRows([], false, height).bench;
    const tableAt = rows + 65_536;
    kernels.vector!.writeSigmoids(tableAt, tableAt + tableLength * 8);
    expect(new Float64Array(bytes.buffer, tableAt, tableLength)).toEqual(sigmoidTable());
  });

  it("writes what its twin in TypeScript writes, for any score", () => {
    const scales = { gradient: 2 ** 29, hessian: 2 ** 31 };
    fc.assert(
      fc.property(fc.array(scoredRow, { maxLength: 70 }), (given) => {
        const { words, step, set } = writeByKernel(given, false, scales, 0, height);
        const twin = new Int32Array(words.length);
        writeLogistic(set, 0, set.nRows, { words: twin, at: 0, step }, scales);
        for (let at = 0; at < words.length; at += step)
          expect(words.subarray(at, at + 2)).toEqual(twin.subarray(at, at + 2));
      }),
      { numRuns: height.isLow ? 60 : 20 },
    );
  });

  it("packs what its twin packs, rounded by the dither of the row", () => {
    const scales = { gradient: 1024, hessian: 8192 };
    fc.assert(
      fc.property(fc.array(scoredRow, { maxLength: 70 }), fc.integer(), (given, dither) => {
        const { words, step, set } = writeByKernel(given, true, scales, dither, height);
        const twin = new Int32Array(words.length);
        writePackedLogistic(set, 0, set.nRows, { words: twin, at: 0, step }, scales, dither);
        for (let at = 0; at < words.length; at += step) expect(words[at]).toBe(twin[at]);
      }),
      { numRuns: height.isLow ? 60 : 20 },
    );
  });
});

describe("writePackedLogistic", () => {
  it("rounds by the dither of the row, one way the gradient and the other the hessian", () => {
    const scales = { gradient: 1024, hessian: 8192 };
    fc.assert(
      fc.property(fc.array(scoredRow, { maxLength: 70 }), fc.integer(), (given, dither) => {
        const { set } = setUpRows(given, true, heights[0]!);
        // Whole numbers of 2^-30, so that the dither can be added to them afterwards.
        const fine = new Int32Array(2 * set.nRows);
        const finest = { gradient: 2 ** 30, hessian: 2 ** 30 };
        writeLogistic(set, 0, set.nRows, { words: fine, at: 0, step: 2 }, finest);
        const words = new Int32Array(set.nRows);
        writePackedLogistic(set, 0, set.nRows, { words, at: 0, step: 1 }, scales, dither);
        for (const [row, word] of words.entries()) {
          const shift = ((dither + Math.imul(row, ditherStep)) | 0) / 2 ** 32;
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

describe.each(heights)("sumLogistic $name", (height) => {
  it("sums what its twin in TypeScript sums, bit for bit, for any score and number of rows", () => {
    const rows = fc.array(scoredRow, { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(rows, fc.constantFrom(1, 20, 90), (some, times) => {
        const given = Array.from({ length: times }, () => some).flat();
        const { bench, set } = setUpRows(given, false, height);
        const product = new Float64Array(bench.bytes.buffer, bench.rows, 1);
        const plan: LossPlan = { loss: "logistic", parameter: 0 };
        const [byKernel, byTwin] = [logisticSumOf(set, bench.kernels.vector!, product), undefined].map((sum) => {
          const out = new Float64Array(Math.ceil(set.nRows / lossChunk));
          sumLosses(plan, set, 1, 0, out.length, out, sum);
          return out;
        });
        expect(byKernel).toEqual(byTwin);
      }),
      { numRuns: height.isLow ? 60 : 20 },
    );
  });
});
