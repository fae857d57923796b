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

/** A module of one function that gives a vector. */
const vectorProbe = Uint8Array.from([
  0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7b, 3, 2, 1, 0, 10, 10, 1, 8, 0, 0x41, 0, 0xfd, 0x0f, 0xfd,
  0x62, 0x0b,
]);

/** Gives what `open` gives when it is first asked for; null from then on where that throws, as it does without vector instructions. */
export function openedOnce<T>(open: () => T): () => T | null {
  let opened: T | null | undefined;
  return () => {
    if (opened === undefined) {
      try {
        opened = open();
      } catch {
        opened = null;
      }
    }
    return opened;
  };
}

const probe = openedOnce(() => compileModule(vectorProbe));

/**
 * Whether modules of vector instructions can be compiled here: not in an engine without them or without WebAssembly, nor where
 * a page's policy forbids it.
 */
export function hasKernels(): boolean {
  return probe() !== null;
}

/** Bytes of a memory page. */
export const pageBytes = 65536;
/** A memory has 32-bit addresses. */
export const maximumPages = 65536;

/**
 * Zeroed memory that never grows, for kernels where there are any; the system backs its pages when they are first written. To be
 * shared only where threads can.
 */
export function createMemory(pages: number, shared: boolean): WasmMemory {
  const bytes = pages * pageBytes;
  if (!hasKernels()) return { buffer: shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes) };
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
