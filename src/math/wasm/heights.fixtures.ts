import { createMemory, maximumPages, pageBytes, type WasmMemory } from "./webassembly.ts";

/** A place in memory that kernels are tried at: where so many bytes begin. */
export interface Height {
  readonly name: string;
  readonly isLow: boolean;
  at(bytes: number): number;
}

const unit = 64;
const half = 2 ** 31;
const top = (maximumPages - 1) * pageBytes;
const shareOf = (bytes: number): number => ((Math.floor(bytes / unit) % 8) + 0.5) / 8;

/**
 * From 2 GiB on addresses are negative as the 32-bit integers that kernels take and give. How much lies below is another share
 * for another size, so that now one array and now another reaches across. The last page stays free: the end of memory is 0 as such
 * an integer, and is no end of a range.
 */
export const heights: readonly Height[] = [
  { name: "at the start of memory", isLow: true, at: () => 0 },
  { name: "across 2 GiB", isLow: false, at: (bytes) => half - unit * Math.floor((bytes / unit) * shareOf(bytes)) },
  { name: "up to 4 GiB", isLow: false, at: (bytes) => top - unit * Math.ceil(bytes / unit) },
];

/** Memory, and where in it the bytes asked for begin. */
export interface Placed {
  readonly memory: WasmMemory;
  readonly pages: number;
  readonly at: number;
}

let whole: WasmMemory | null = null;

/**
 * So many zeroed bytes at a height. Beyond the start they are in one memory of 4 GiB, of which only the pages that are touched
 * take room: what was placed there before is written over.
 */
export function placed(height: Height, bytes: number): Placed {
  const at = height.at(bytes);
  if (height.isLow) {
    const pages = Math.ceil(bytes / pageBytes);
    return { memory: createMemory(pages, false), pages, at };
  }
  whole ??= createMemory(maximumPages, false);
  new Uint8Array(whole.buffer, at, bytes).fill(0);
  return { memory: whole, pages: maximumPages, at };
}

/** Addresses by name, none of them below 0 but those of what there is not, raised to a height; `sizes` are no addresses. */
export function raised<Places extends { readonly end: number }>(
  places: Places,
  height: Height,
  sizes: readonly (keyof Places)[] = [],
): Places {
  const by = height.at(places.end);
  const isAddress = (name: string, value: unknown): value is number =>
    typeof value === "number" && value >= 0 && !sizes.includes(name as keyof Places);
  const entries = Object.entries(places).map(([name, value]) => [name, isAddress(name, value) ? value + by : value]);
  return Object.fromEntries(entries) as Places;
}
