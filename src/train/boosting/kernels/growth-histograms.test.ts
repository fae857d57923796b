import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { assemble } from "../../../math/wasm/assembler.ts";
import { compileModule, createMemory, instantiateModule, pageBytes } from "../../../math/wasm/webassembly.ts";
import { type Settings, planMemory } from "../plan.ts";
import { leftBytes, leftRows } from "../turns.ts";
import { randomFrom } from "./bench.fixtures.ts";
import type { GrowthPlan } from "./growth-code.ts";
import { clearRunsKernel, flushRunsKernel, sumLeafKernel } from "./growth-histograms.ts";
import { binRun, growthBytes, growthState } from "./growth-state.ts";
import { clearKernel } from "./rows.ts";
import { type KernelShape, binsAt, gatherBytes, histogramBytes, histogramStep, packed, packedStep } from "./shape.ts";
import { sumKernels, widenKernel } from "./sum.ts";

const threads = 3;
const binOffsets = Uint32Array.of(0, 256, 260, 300);
const leaves = 4;

/** Some rows of a leaf as three threads list them, and what sums them. */
function setUp(counts: readonly number[], isPacked: boolean) {
  const nRows = counts.reduce((total, count) => total + count, 0);
  const stride = isPacked ? 8 : 16;
  const shape: KernelShape = {
    stride,
    isPacked,
    binRoom: 256,
    binOffsets,
    countShift: 48,
    hasL1: false,
    outputs: 1,
    threads,
  };
  const layout = planMemory({
    nRows,
    nValidation: 0,
    outputs: 1,
    shape,
    loss: "logistic",
    groups: null,
    leaves,
    hasTop: false,
    weighted: false,
    validationWeighted: false,
  });
  const pages = Math.ceil(layout.end / pageBytes);
  const memory = createMemory(pages, true);
  const growth = { shape, layout, nRows, settings: { leaves } as Settings };
  const functions = [
    ...sumKernels(shape),
    clearKernel,
    ...(isPacked ? [widenKernel(shape), clearRunsKernel(), flushRunsKernel()] : []),
    sumLeafKernel(growth),
  ];
  const { sumLeaf } = instantiateModule(compileModule(assemble(functions, { pages, shared: true })), memory);
  const words = new Int32Array(memory.buffer);
  writeStates(words, growth);
  return { ...growth, memory, words, lanes: new BigInt64Array(memory.buffer), sumLeaf: sumLeaf!, counts };
}

const stateOf = ({ layout }: GrowthPlan, thread: number): number => layout.growth + thread * growthBytes(leaves);
const leftOf = ({ layout }: GrowthPlan, thread: number): number => layout.left + thread * leftBytes;

/** Tells each thread where it works; all bins are one run. */
function writeStates(words: Int32Array, plan: GrowthPlan): void {
  const { layout, shape } = plan;
  const runs = layout.binRuns;
  words.set([0, 0, binOffsets[3]!], runs / 4);
  for (let thread = 0; thread < threads; ++thread) {
    const fields = {
      packed: layout.packedHistograms + thread * packedStep(shape),
      wide: layout.privateHistograms + thread * histogramStep(shape),
      summed: layout.perThread + 16 * thread,
      gathered: layout.gathered + thread * gatherBytes(shape.stride),
      wideRuns: runs,
      wideRunsEnd: runs + binRun.bytes,
      packedRows: packed.rows,
      left: leftOf(plan, thread),
    };
    for (const [name, value] of Object.entries(fields))
      words[(stateOf(plan, thread) + growthState[name as keyof typeof fields]) / 4] = value;
  }
}

type Bench = ReturnType<typeof setUp>;

/** Random rows, each in the index once, in an order of its own; what all of them sum to, in words of 64 bits. */
function fill({ shape, layout, nRows, memory, words }: Bench): BigInt64Array {
  const random = randomFrom(nRows);
  const bytes = new Uint8Array(memory.buffer);
  const sums = new BigInt64Array(histogramBytes(shape) / 8);
  for (let row = 0; row < nRows; ++row) {
    words[layout.index / 4 + nRows - 1 - row] = row;
    const at = layout.rows + row * shape.stride;
    const [gradient, hessian] = [Math.round((random() * 2 - 1) * 2047), Math.floor(random() * 4096)];
    words.set(shape.isPacked ? [(gradient << 16) | hessian] : [gradient, hessian], at / 4);
    for (let f = 0; f < 3; ++f) {
      const bin = Math.floor(random() * (binOffsets[f + 1]! - binOffsets[f]!));
      bytes[at + binsAt(shape) + f] = bin;
      const cell = (binOffsets[f]! + bin) * 2;
      sums[cell]! += BigInt(gradient);
      sums[cell + 1]! += BigInt(hessian) + (1n << 48n);
    }
  }
  return sums;
}

/** How many rows a thread has summed, and their sums. */
function summedBy({ shape, layout, memory, lanes }: Bench, thread: number): { rows: number; sums: BigInt64Array } {
  const rows = new Float64Array(memory.buffer)[(layout.perThread + 16 * thread) / 8]!;
  const wide = (layout.privateHistograms + thread * histogramStep(shape)) / 8;
  const narrow = (layout.packedHistograms + thread * packedStep(shape)) / 8;
  const nBins = binOffsets[3]!;
  if (!shape.isPacked || rows > packed.rows) return { rows, sums: lanes.slice(wide, wide + 2 * nBins) };
  const sums = new BigInt64Array(2 * nBins);
  lanes.subarray(narrow, narrow + nBins).forEach((bin, i) => {
    sums[2 * i] = bin >> BigInt(packed.gradientShift);
    const hessian = (bin >> BigInt(packed.hessianShift)) & ((1n << 25n) - 1n);
    sums[2 * i + 1] = hessian + ((bin & ((1n << 14n) - 1n)) << 48n);
  });
  return { rows, sums };
}

const beginOf = (counts: readonly number[], thread: number): number =>
  counts.slice(0, thread).reduce((total, count) => total + count, 0);

/** Says which rows a thread lists, as it does itself when it comes to sum them. */
function say(bench: Bench, thread: number): void {
  const { layout, lanes, counts } = bench;
  const from = layout.index + beginOf(counts, thread) * 4;
  lanes[(leftOf(bench, thread) + leftRows.listed) / 8] = (BigInt(from) << 32n) | BigInt(from + counts[thread]! * 4);
}

describe.each([true, false])("rows of a leaf that several threads sum, packed: %s", (isPacked) => {
  const sumBy = (bench: Bench, thread: number): void =>
    void bench.sumLeaf(stateOf(bench, thread), 0, beginOf(bench.counts, thread), bench.counts[thread]!);

  it("are each summed once, by whoever comes first", () => {
    const count = fc.oneof(fc.nat(40), fc.nat(3000), fc.integer({ min: 8000, max: 20_000 }));
    fc.assert(
      fc.property(fc.tuple(count, count, count), fc.subarray([0, 1, 2]), (counts, said) => {
        const bench = setUp(counts, isPacked);
        const wanted = fill(bench);
        for (const thread of said) say(bench, thread);
        // A thread that comes when others have taken its rows has none to say.
        const left = (thread: number): number => (said.includes(thread) && thread !== 1 ? 0 : counts[thread]!);
        for (const thread of [1, 0, 2]) bench.sumLeaf(stateOf(bench, thread), 0, beginOf(counts, thread), left(thread));
        const parts = [0, 1, 2].map((thread) => summedBy(bench, thread));
        expect(parts.reduce((total, { rows }) => total + rows, 0)).toBe(bench.nRows);
        expect(wanted.map((_, i) => parts.reduce((total, { sums }) => total + sums[i]!, 0n))).toEqual(wanted);
      }),
      { numRuns: 60 },
    );
  });

  it("are the thread's own where no other has said which it has, and all there are where others have", () => {
    const bench = setUp([900, 500, 700], isPacked);
    fill(bench);
    sumBy(bench, 0);
    expect(summedBy(bench, 0).rows).toBe(900);
    say(bench, 1);
    say(bench, 2);
    sumBy(bench, 0);
    expect(summedBy(bench, 0).rows).toBe(2100);
  });
});
