import {
  type Code,
  constant,
  f64,
  f64Load,
  f64Store,
  get,
  i32,
  i32Store8,
  isBelow,
  type KernelFunction,
  loop,
  move,
  op,
} from "../../math/wasm/assembler.ts";
import { assemble } from "../../math/wasm/module.ts";
import { put } from "../../math/wasm/code.ts";
import { compileModule, createMemory, instantiateModule } from "../../math/wasm/webassembly.ts";
import { stretch } from "../../math/stretch.ts";

const places = { given: 0, kept: 8 * stretch, bits: 16 * stretch } as const;

/**
 * `keep(at, end)`: puts the numbers from `at` to `end`, eight at a time and at least eight, to `kept` where they are not NaN,
 * one after the other, and which they are to `bits`; where the kept ones end. Nothing branches: each is written, and the next
 * one over it where it does not count.
 */
const keepKernel: KernelFunction = ((): KernelFunction => {
  const [at, end, to, bitsTo, present, byte, value] = [0, 1, 2, 3, 4, 5, 6];
  const keepOne = (i: number): Code => [
    put(value, get(at), f64Load(8 * i)),
    [get(to), get(value), f64Store(0)],
    put(present, get(value), get(value), op.f64Eq),
    put(to, get(to), get(present), constant(3), op.i32Shl, op.i32Add),
    put(byte, i === 0 ? get(present) : [get(byte), get(present), constant(i), op.i32Shl, op.i32Or]),
  ];
  return {
    name: "keep",
    parameters: [i32, i32],
    result: i32,
    locals: [i32, i32, i32, i32, f64],
    body: [
      put(to, constant(places.kept)),
      put(bitsTo, constant(places.bits)),
      loop(
        ...Array.from({ length: 8 }, (_, i) => keepOne(i)),
        [get(bitsTo), get(byte), i32Store8(0)],
        move(bitsTo, 1),
        move(at, 64),
        isBelow(at, end),
      ),
      get(to),
    ],
  };
})();

/** The kernel, with memory for a stretch of numbers. */
export interface PresenceKernel {
  /** How many of the first `n` that were given are kept, which is a multiple of 8. */
  keep(n: number): number;
  readonly given: Float64Array;
  readonly kept: Float64Array;
  /** A bit for each that was given, the lowest first: 1 where it was kept. */
  readonly bits: Uint8Array;
}

let opened: PresenceKernel | null = null;

/** Compiled once a thread. */
export function presenceKernel(): PresenceKernel {
  opened ??= open();
  return opened;
}

function open(): PresenceKernel {
  const memory = createMemory(1, false);
  const { keep } = instantiateModule(compileModule(assemble([keepKernel], { pages: 1, shared: false })), memory);
  return {
    keep: (n) => (keep!(places.given, places.given + 8 * n) - places.kept) / 8,
    given: new Float64Array(memory.buffer, places.given, stretch),
    kept: new Float64Array(memory.buffer, places.kept, stretch),
    bits: new Uint8Array(memory.buffer, places.bits, stretch / 8),
  };
}
