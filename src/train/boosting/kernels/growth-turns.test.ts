import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { writeLogistic, writePackedLogistic } from "../loss.ts";
import { ditherStep } from "../rounding.ts";
import { turnRows } from "../shard.ts";
import { tableLength } from "../sigmoid-table.ts";
import { leftRows } from "../turns.ts";
import type { RowSet } from "../view.ts";
import { randomFrom } from "./bench.fixtures.ts";
import { binOffsets, type GrowthBench, leftOf, setUpGrowth, stateOf, summedBy } from "./growth.fixtures.ts";
import { binsAt, histogramBytes } from "./shape.ts";

const scales = { gradient: 512, hessian: 1024 };
const dither = 12_345;

/** Rows with scores, labels and bins; what their gradients sum up to, as written by the twin of the kernel in TypeScript, in words of 64 bits. */
function fill({ shape, layout, nRows, memory, kernels }: GrowthBench): BigInt64Array {
  const random = randomFrom(nRows);
  const bytes = new Uint8Array(memory.buffer);
  const scores = new Float64Array(memory.buffer, layout.scores, nRows).map(() => random() * 8 - 4);
  const labels = new Int32Array(memory.buffer, layout.targets, nRows).map(() => Number(random() < 0.4));
  new Float64Array(memory.buffer, layout.scores, nRows).set(scores);
  new Int32Array(memory.buffer, layout.targets, nRows).set(labels);
  kernels["writeSigmoids"]!(layout.sigmoid, layout.sigmoid + tableLength * 8);
  const set: RowSet = { nRows, rows: 0, values: scores, labels, weights: null, scores };
  const words = new Int32Array(2 * nRows);
  const out = { words, at: 0, step: 2 };
  if (shape.isPacked) writePackedLogistic(set, 0, nRows, out, scales, dither);
  else writeLogistic(set, 0, nRows, out, scales);
  const sums = new BigInt64Array(histogramBytes(shape) / 8);
  for (let row = 0; row < nRows; ++row) {
    const [first, second] = words.subarray(2 * row);
    const [gradient, hessian] = shape.isPacked ? [first! >> 16, first! & 0xffff] : [first!, second!];
    for (let f = 0; f < 3; ++f) {
      const bin = Math.floor(random() * (binOffsets[f + 1]! - binOffsets[f]!));
      bytes[layout.rows + row * shape.stride + binsAt(shape) + f] = bin;
      const cell = (binOffsets[f]! + bin) * 2;
      sums[cell]! += BigInt(gradient);
      sums[cell + 1]! += BigInt(hessian) + (1n << 48n);
    }
  }
  return sums;
}

describe.each([true, false])(
  "all rows that several threads sum as they write their gradients, packed: %s",
  (isPacked) => {
    const sumBy = (bench: GrowthBench, thread: number): void =>
      void bench.kernels["sumTurns"]!(stateOf(bench, thread), scales.gradient, scales.hessian, dither);

    it("are each summed once, whoever comes first and has taken turns already", () => {
      const rows = fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 20_000, max: 40_000 }));
      const orders = fc.shuffledSubarray([0, 1, 2], { minLength: 3 });
      fc.assert(
        fc.property(rows, orders, (nRows, order) => {
          const bench = setUpGrowth(nRows, isPacked);
          const wanted = fill(bench);
          for (const thread of order) sumBy(bench, thread);
          const parts = order.map((thread) => summedBy(bench, thread));
          expect(parts.map((part) => part.rows)).toEqual([nRows, 0, 0]);
          expect(wanted.map((_, i) => parts.reduce((total, { sums }) => total + sums[i]!, 0n))).toEqual(wanted);
        }),
        { numRuns: 40 },
      );
    });

    it("are those that no other thread has taken", () => {
      const bench = setUpGrowth(7 * turnRows + 100, isPacked);
      fill(bench);
      // The second thread has its first turn, the third one all of its own.
      bench.words[(leftOf(bench, 1) + leftRows.turns) / 4] = 1;
      bench.words[(leftOf(bench, 2) + leftRows.turns) / 4] = 2;
      sumBy(bench, 0);
      expect(summedBy(bench, 0).rows).toBe(4 * turnRows + 100);
    });

    it("have the dither of their own number, wherever a turn begins", () => {
      const bench = setUpGrowth(2 * turnRows, isPacked);
      fill(bench);
      sumBy(bench, 0);
      const { layout, shape, nRows, memory } = bench;
      const at = layout.rows + turnRows * shape.stride;
      const written = bench.words.slice(at / 4, at / 4 + shape.stride / 4);
      bench.kernels["writeLogistic"]!(
        layout.scores + turnRows * 8,
        layout.scores + nRows * 8,
        layout.targets + turnRows * 4,
        at,
        layout.sigmoid,
        scales.gradient,
        scales.hessian,
        dither + Math.imul(turnRows, ditherStep),
      );
      expect(new Int32Array(memory.buffer, at, shape.stride / 4)).toEqual(written);
    });
  },
);
