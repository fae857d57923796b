import { assemble } from "../../../math/wasm/module.ts";
import { compileModule, type WasmModule } from "../../../math/wasm/webassembly.ts";
import { searchPairKernel, takeSplitKernel } from "./best.ts";
import { binKernel, cellBinKernel } from "./bin.ts";
import { type GrowthPlan, barrier } from "./growth-code.ts";
import { growthKernels } from "./growth.ts";
import { logisticKernel } from "./logistic.ts";
import { logisticSumKernel } from "./logistic-sum.ts";
import { type OrderPlan, rowOrderKernels } from "./row-order.ts";
import { addScoreKernel, clearKernel, partitionKernel } from "./rows.ts";
import { recordsKernel } from "./records.ts";
import { scanFeaturesKernel } from "./scan.ts";
import { type KernelShape, cellBytes } from "./shape.ts";
import { sigmoidsKernel } from "./sigmoid.ts";
import { mergeKernel, sumKernels, widenKernel } from "./sum.ts";

const mergeKinds = (["Bins", "Packed", "Kept"] as const).flatMap((from) =>
  [true, false].map((subtracts) => ({ from, subtracts })),
);

/** The kernels that write bins as a module of their own: the others can be assembled meanwhile. `hasCells`: whether bounds may have any. */
export function compileBinning(
  shape: KernelShape,
  memory: { pages: number; shared: boolean },
  hasCells = true,
): WasmModule {
  const functions = [binKernel(shape), ...(hasCells ? [cellBinKernel(shape)] : []), recordsKernel(shape)];
  return compileModule(assemble(functions, memory));
}

/** What some trainings ask for besides. */
interface MoreKernels {
  /** Those that grow whole trees. */
  readonly growth: GrowthPlan | null;
  /** Those that put rows in another order, and write gradients in it. */
  readonly order: OrderPlan | null;
}

/** The kernels of one training as a module, for every thread to instantiate. Threads never load what assembles it. */
export function compileKernels(
  shape: KernelShape,
  memory: { pages: number; shared: boolean },
  { growth, order }: MoreKernels = { growth: null, order: null },
): WasmModule {
  const functions = [
    ...sumKernels(shape),
    scanFeaturesKernel(shape),
    searchPairKernel(shape),
    takeSplitKernel(shape),
    clearKernel,
    partitionKernel(cellBytes(shape)),
    recordsKernel(shape),
    addScoreKernel(shape),
    logisticKernel(shape, order && order.layout.origins - order.layout.targets),
    logisticSumKernel(),
    sigmoidsKernel(),
    ...(shape.isPacked ? [widenKernel(shape)] : []),
    ...mergeKinds.filter(({ from }) => shape.isPacked || from === "Bins").map((kind) => mergeKernel(shape, kind)),
    ...(growth ? growthKernels(growth) : []),
    ...(order ? rowOrderKernels(order) : []),
  ];
  return compileModule(assemble(functions, memory, growth ? [barrier] : []));
}
