import { assemble } from "../../math/wasm/module.ts";
import { compileModule, maximumPages, type WasmModule } from "../../math/wasm/webassembly.ts";
import { columnKernels } from "./cell-kernel.ts";
import type { Writing } from "./kernel-places.ts";
import { levelKernel } from "./level-kernel.ts";
import { indexKernel, lookKernel } from "./record-index.ts";

let compiled: { readonly key: string; readonly module: WasmModule } | null = null;

/** The module for files that are written so, with memory of any size. The last one is kept. */
export function compileKernels({ delimiter, quotes, nCells }: Writing): WasmModule {
  const key = JSON.stringify([delimiter, quotes, nCells]);
  if (compiled?.key !== key) {
    const writing = { delimiter, quotes, nCells };
    // Columns of levels call the second one.
    const functions = [indexKernel(writing), levelKernel, ...columnKernels(writing), lookKernel];
    compiled = {
      key,
      module: compileModule(assemble(functions, { pages: 1, mostPages: maximumPages, shared: false })),
    };
  }
  return compiled.module;
}
