/** The part of the WebAssembly API the kernels use; the compiler's ES library does not declare it. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
}

/** A compiled module: opaque, and cloned between threads without being compiled again. */
export interface WasmModule {
  readonly [Symbol.toStringTag]: string;
}

/** A function of an instance, or one that it is given. */
export type WasmFunction = (...values: readonly number[]) => number;

interface WasmApi {
  readonly Memory: new (limits: { initial: number; maximum: number; shared: boolean }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Instance: new (
    module: WasmModule,
    imports: { env: Readonly<Record<string, WasmMemory | WasmFunction | (() => void)>> },
  ) => { readonly exports: Readonly<Record<string, WasmFunction>> };
}

const api = (globalThis as unknown as { WebAssembly: WasmApi }).WebAssembly;

/** Bytes of a memory page. */
export const pageBytes = 65536;
/** A memory has 32-bit addresses. */
export const maximumPages = 65536;

/** Zeroed memory that never grows; the system backs its pages when they are first written. */
export function createMemory(pages: number, shared: boolean): WasmMemory {
  return new api.Memory({ initial: pages, maximum: pages, shared });
}

export function compileModule(bytes: Uint8Array): WasmModule {
  return new api.Module(bytes);
}

/** `functions`: what the module imports besides its memory, by name. */
export function instantiateModule(
  module: WasmModule,
  memory: WasmMemory,
  functions: Readonly<Record<string, WasmFunction | (() => void)>> = {},
): Readonly<Record<string, WasmFunction>> {
  return new api.Instance(module, { env: { ...functions, memory } }).exports;
}
