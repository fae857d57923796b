import { MillraceError } from "../../core/errors/error.ts";
import { sharedBuffer } from "../../core/shared-memory.ts";
import {
  createMemory,
  maximumPages,
  pageBytes,
  type WasmMemory,
  type WasmModule,
} from "../../math/wasm/webassembly.ts";
import { sidesBytes, writeSides } from "../boosting/kernels/rows.ts";
import { compileForest } from "./kernels.ts";

/** What the memory of a forest depends on. */
export interface ForestShape {
  readonly nRows: number;
  readonly nColumns: number;
  readonly outputs: number;
  /** Columns tried at a split. */
  readonly tried: number;
}

/** Bytes of the memory that are read one by one. */
export const mostBytes: number = maximumPages * pageBytes;

/** Nodes of at most so many rows work on a copy of them, which stays in the cache while all below is grown. */
export const nearRows = 1024;

/** Levels below a node of `nearRows`, about: a row is read so often, by as many columns as are tried. */
const nearLevels = 10;

/** Whether the copy, which is of all columns, costs less than it saves. */
export const copiesRows = ({ nColumns, tried }: ForestShape): boolean => tried * nearLevels >= nColumns;

/**
 * Byte addresses. What comes before `nearBins` all threads share, the rest is a thread's own: first what is small, so that all that is
 * read byte by byte lies before the rows.
 */
export interface ForestPlaces {
  /** The number of the next tree that nobody has begun. */
  readonly next: number;
  /** What rows are parted by: see `writeSides`. */
  readonly sides: number;
  /** Bins, column by column. */
  readonly bins: number;
  /** Bins and pairs of the rows of a small node, by their number in it; and which rows they are. */
  readonly nearBins: number;
  readonly nearPairs: number;
  readonly nearRows: number;
  /** By bin: weight and sums; 256 counts (4 bytes); 256 bytes, 128 where the bin has rows. */
  readonly sums: number;
  readonly counts: number;
  readonly seen: number;
  /** The best cut so far and the totals of the node: see `cutState`. */
  readonly state: number;
  /** 256 bytes, 4 where a bin goes left. */
  readonly routes: number;
  /** The rows a tree drew, by node, and room to part them. */
  readonly rows: number;
  readonly scratch: number;
  /** By row: its weight, and its weight times its value (one output) or its label (several). */
  readonly pairs: number;
  readonly end: number;
}

/** In doubles: score of the best cut; its bin and its rows on the left (4 bytes each); weight and sums of the node. */
export const cutState = { score: 0, found: 1, totals: 2 } as const;

export function placesOf(shape: ForestShape, thread: number): ForestPlaces {
  const { nRows, nColumns, outputs } = shape;
  const near = copiesRows(shape) ? nearRows : 0;
  let end = 0;
  const take = (bytes: number): number => {
    const at = end;
    end = Math.ceil((end + bytes) / 64) * 64;
    return at;
  };
  const shared = { next: take(64), sides: take(sidesBytes), bins: take(nRows * nColumns) };
  const own = (): Omit<ForestPlaces, "next" | "sides" | "bins" | "end"> => ({
    nearBins: take(near * nColumns),
    nearPairs: take(near * 16),
    nearRows: take(near * 4),
    sums: take(256 * 8 * (1 + outputs)),
    counts: take(256 * 4),
    seen: take(256),
    state: take(8 * (cutState.totals + 1 + outputs)),
    routes: take(256),
    rows: take(nRows * 4),
    scratch: take(nRows * 4),
    pairs: take(nRows * 16),
  });
  const first = own();
  const ownBytes = end - first.nearBins;
  end = first.nearBins + thread * ownBytes;
  return { ...shared, ...own(), end };
}

/** How many of the threads, one at least, have room in memory that kernels address. */
export function threadsWithin(shape: ForestShape, threads: number): number {
  let within = threads;
  while (within > 1 && pagesFor(shape, within) >= maximumPages) --within;
  return within;
}

const pagesFor = (shape: ForestShape, threads: number): number =>
  Math.ceil(placesOf(shape, threads - 1).end / pageBytes);

/**
 * Memory for so many threads, zeroed but for `sides`, with kernels over it; without them (null) where they do not apply. Throws TRAINING_TOO_LARGE where
 * the bins alone take more than 4 GiB, the most that an array of bytes holds everywhere.
 */
export function forestMemory(
  shape: ForestShape,
  threads: number,
): { readonly memory: WasmMemory; readonly module: WasmModule | null } {
  if (placesOf(shape, 0).rows > mostBytes)
    throw new MillraceError("TRAINING_TOO_LARGE", { rows: shape.nRows, columns: shape.nColumns });
  const bytes = placesOf(shape, threads - 1).end;
  const isShared = threads > 1;
  const plain = (): WasmMemory => ({ buffer: sharedBuffer(bytes) });
  const pages = pagesFor(shape, threads);
  if (shape.outputs > 1 || pages >= maximumPages) return { memory: plain(), module: null };
  try {
    const made = { module: compileForest({ pages, shared: isShared }), memory: createMemory(pages, isShared) };
    writeSides(new Uint8Array(made.memory.buffer), placesOf(shape, 0).sides);
    return made;
  } catch {
    return { memory: plain(), module: null };
  }
}
