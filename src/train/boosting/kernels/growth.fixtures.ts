import { assemble } from "../../../math/wasm/module.ts";
import {
  compileModule,
  createMemory,
  instantiateModule,
  pageBytes,
  type WasmFunction,
  type WasmMemory,
} from "../../../math/wasm/webassembly.ts";
import { type Settings, planMemory } from "../plan.ts";
import { leftBytes } from "../turns.ts";
import type { GrowthPlan } from "./growth-code.ts";
import { clearRunsKernel, flushRunsKernel, sumLeafKernel } from "./growth-histograms.ts";
import { binRun, growthBytes, growthState } from "./growth-state.ts";
import { sumTurnsKernel } from "./growth-turns.ts";
import { logisticKernel } from "./logistic.ts";
import { clearKernel } from "./rows.ts";
import { type KernelShape, gatherBytes, histogramStep, packed, packedStep } from "./shape.ts";
import { sigmoidsKernel } from "./sigmoid.ts";
import { sumKernels, widenKernel } from "./sum.ts";

export const threads = 3;
export const binOffsets = Uint32Array.of(0, 256, 260, 300);
const leaves = 4;

export interface GrowthBench extends GrowthPlan {
  readonly memory: WasmMemory;
  readonly words: Int32Array;
  readonly lanes: BigInt64Array;
  readonly kernels: Readonly<Record<string, WasmFunction>>;
}

/** Room for rows that three threads sum together, and what sums them. */
export function setUpGrowth(nRows: number, isPacked: boolean): GrowthBench {
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
    isReordered: false,
    weighted: false,
    validationWeighted: false,
  });
  const pages = Math.ceil(layout.end / pageBytes);
  const memory = createMemory(pages, true);
  const growth: GrowthPlan = { shape, layout, nRows, settings: { leaves } as Settings, loss: "logistic" };
  const functions = [
    ...sumKernels(shape),
    clearKernel,
    ...(isPacked ? [widenKernel(shape), clearRunsKernel(), flushRunsKernel()] : []),
    sumLeafKernel(growth),
    logisticKernel(shape),
    sigmoidsKernel(),
    sumTurnsKernel(growth),
  ];
  const kernels = instantiateModule(compileModule(assemble(functions, { pages, shared: true })), memory);
  const words = new Int32Array(memory.buffer);
  writeStates(words, growth);
  return { ...growth, memory, words, lanes: new BigInt64Array(memory.buffer), kernels };
}

export const stateOf = ({ layout }: GrowthPlan, thread: number): number => layout.growth + thread * growthBytes(leaves);
export const leftOf = ({ layout }: GrowthPlan, thread: number): number => layout.left + thread * leftBytes;

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

/** How many rows a thread has summed, and their sums. */
export function summedBy(
  { shape, layout, memory, lanes }: GrowthBench,
  thread: number,
): { rows: number; sums: BigInt64Array } {
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
