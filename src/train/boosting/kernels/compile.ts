import { assemble } from "../../../math/wasm/assembler.ts";
import { compileModule, type WasmModule } from "../../../math/wasm/webassembly.ts";
import { binKernel } from "./bin.ts";
import { logisticKernel } from "./logistic.ts";
import { addScoreKernel, clearKernel, partitionKernel } from "./rows.ts";
import { scanFeaturesKernel } from "./scan.ts";
import type { KernelShape } from "./shape.ts";
import { mergeKernel, sumKernels, widenKernel } from "./sum.ts";

const mergeKinds = [true, false].flatMap((isNarrow) => [true, false].map((subtracts) => ({ isNarrow, subtracts })));

/** The kernels of one training as a module, for every thread to instantiate. Threads never load what assembles it. */
export function compileKernels(shape: KernelShape, memory: { pages: number; shared: boolean }): WasmModule {
  const functions = [
    ...sumKernels(shape),
    binKernel(shape),
    clearKernel,
    partitionKernel(),
    addScoreKernel(shape),
    scanFeaturesKernel(shape),
    logisticKernel(shape),
    widenKernel(shape),
    ...mergeKinds.map((kind) => mergeKernel(shape, kind)),
  ];
  return compileModule(assemble(functions, memory));
}
