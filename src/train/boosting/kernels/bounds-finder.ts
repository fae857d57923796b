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

/** Of the linear congruential generator that places a row in its stretch (Numerical Recipes): the next state is factor * state + increment, 32 bits. */
export const placing = { factor: 1664525, increment: 1013904223 } as const;

/** Which rows of a column are looked at: one out of each of `size` equal stretches, where `random` is the generator's first state. */
export interface Sampling {
  readonly nRows: number;
  readonly size: number;
  readonly random: number;
}

/** Is given a column's values in any number of parts, in the order of the rows, and then finds its bounds. */
export interface ColumnSample {
  add(values: Float64Array): void;
  /** The bounds between at most so many bins. */
  bounds(maxBins: number): Float64Array;
}

/** Of a digit of the radix sort. Six of them are 64 bits and more. */
export const digitBits = 11;
/** Digits that are sorted by at a time. */
export const sortedDigits = 3;

/** How far the sample of a column is, by byte offset: where its next value goes, stretches passed and all there are, the generator's state; rows a stretch, a double. */
export const sampleState = { kept: 0, passed: 4, size: 8, random: 12, stretch: 16, bytes: 24 } as const;

/** Values that the kernel is given at once, where there is room for as many. */
const staged = 8192;

/**
 * Byte addresses: a count a value of each digit; the state of the sample; the values and room of the same size to
 * sort them, which rows to be sampled stand in before; the bounds.
 */
export function roomOf({ values, bins }: BoundsRoom): {
  readonly counts: number;
  readonly state: number;
  readonly values: number;
  readonly other: number;
  readonly bounds: number;
  readonly pages: number;
} {
  const state = sortedDigits * 2 ** digitBits * 4;
  const first = state + sampleState.bytes;
  const other = first + values * 8;
  const bounds = other + values * 8;
  return { counts: 0, state, values: first, other, bounds, pages: Math.ceil((bounds + bins * 8) / pageBytes) };
}

/** Finds the bounds of one column after the other, each in memory of this thread's own. */
export class BoundsFinder {
  readonly #room: ReturnType<typeof roomOf>;
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #kernels: ReturnType<typeof instantiateModule>;

  constructor(plan: BoundsPlan) {
    this.#room = roomOf(plan);
    const memory = createMemory(this.#room.pages, false);
    this.#kernels = instantiateModule(plan.module, memory);
    this.#words = new Int32Array(memory.buffer);
    this.#doubles = new Float64Array(memory.buffer);
  }

  /** Begins with the next column, of which at most as many values are sampled as there is room for. */
  open({ nRows, size, random }: Sampling): ColumnSample {
    const { state, values } = this.#room;
    // As in `sampleState`: the first value's place, no stretch passed.
    this.#words.set([values, 0, size, random], state / 4);
    this.#doubles[(state + sampleState.stretch) / 8] = nRows / size;
    let given = 0;
    return {
      add: (some) => {
        this.#add(some, given);
        given += some.length;
      },
      bounds: (maxBins) => this.#find(maxBins),
    };
  }

  /** The rows that follow the first `given`. */
  #add(values: Float64Array, given: number): void {
    const { state, other, bounds } = this.#room;
    const atOnce = Math.min(staged, (bounds - other) / 8);
    for (let from = 0; from < values.length; from += atOnce) {
      const some = values.subarray(from, from + atOnce);
      this.#doubles.set(some, other / 8);
      this.#kernels["sample"]!(other, given + from, given + from + some.length, state);
    }
  }

  #find(maxBins: number): Float64Array {
    const { state, counts, values, other, bounds } = this.#room;
    const end = this.#words[(state + sampleState.kept) / 4]! >>> 0;
    if (end === values) return new Float64Array(0);
    const mostEnd = bounds + (maxBins - 1) * 8;
    const found = this.#kernels["findBounds"]!(values, end, other, counts, bounds, mostEnd) >>> 0;
    return this.#doubles.slice(bounds / 8, found / 8);
  }
}
