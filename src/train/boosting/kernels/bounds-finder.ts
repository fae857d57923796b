import { createMemory, instantiateModule, pageBytes, type WasmModule } from "../../../math/wasm/webassembly.ts";

/** What bounds are found of: at most so many values of a column, for at most so many bins. */
export interface BoundsRoom {
  readonly values: number;
  readonly bins: number;
}

/** How bounds are found by kernels, for every thread; see `compileBounds`. */
export interface BoundsPlan extends BoundsRoom {
  readonly module: WasmModule;
}

/** Of a digit of the radix sort. Six of them are 64 bits and more. */
export const digitBits = 11;
/** Digits that are sorted by at a time. */
export const sortedDigits = 3;

/** Byte addresses: a count a value of each digit; the values and room of the same size to sort them; the bounds. */
export function roomOf({ values, bins }: BoundsRoom): {
  readonly counts: number;
  readonly values: number;
  readonly other: number;
  readonly bounds: number;
  readonly pages: number;
} {
  const counts = 0;
  const first = counts + sortedDigits * 2 ** digitBits * 4;
  const other = first + values * 8;
  const bounds = other + values * 8;
  return { counts, values: first, other, bounds, pages: Math.ceil((bounds + bins * 8) / pageBytes) };
}

/** Finds the bounds of one column after the other, each in memory of this thread's own. */
export class BoundsFinder {
  /** Where the values are to be written. */
  readonly values: Float64Array;
  readonly #bounds: Float64Array;
  readonly #find: (count: number, maxBins: number) => number;

  constructor(plan: BoundsPlan) {
    const room = roomOf(plan);
    const memory = createMemory(room.pages, false);
    const findBounds = instantiateModule(plan.module, memory)["findBounds"]!;
    this.values = new Float64Array(memory.buffer, room.values, plan.values);
    this.#bounds = new Float64Array(memory.buffer, room.bounds, plan.bins);
    this.#find = (count, maxBins) => {
      const mostEnd = room.bounds + (maxBins - 1) * 8;
      return findBounds(room.values, room.values + count * 8, room.other, room.counts, room.bounds, mostEnd) >>> 0;
    };
  }

  /** The bounds between at most `maxBins` bins of the first `count` of `values`, none NaN, which are then scrambled. */
  find(count: number, maxBins: number): Float64Array {
    if (count === 0) return new Float64Array(0);
    const end = this.#find(count, maxBins);
    return this.#bounds.slice(0, (end - this.#bounds.byteOffset) / 8);
  }
}
