import {
  createMemory,
  maximumPages,
  pageBytes,
  type WasmMemory,
  type WasmModule,
} from "../../math/wasm/webassembly.ts";
import { sharedBuffer, sharedNumbers } from "../../core/shared-memory.ts";
import type { Design } from "../../model/design.ts";
import type { Measures } from "./assign.ts";
import { writeDrift } from "./bounds-kernel.ts";
import { type PointRows, roomForRows } from "./nearest.ts";
import { centreBlocks, leftLength, placesOf, rankedAtOnce, type RankingShape } from "./places.ts";
import { plainRanking } from "./plain-ranking.ts";
import { compileRanking, instantiateRanking, touchedAtOnce } from "./ranking-kernel.ts";

/** Lists rows and finds the nearest two centres of those listed. What was found of the i-th row listed stands at position i. */
export interface Ranking {
  /** Row numbers, for the caller to write where `listLoose` does not. */
  readonly listed: Uint32Array;
  readonly nearest: Float64Array;
  /** Scores at the nearest centre and at the next, as `nearestTwo` has them. */
  readonly best: Float64Array;
  readonly second: Float64Array;
  /** Positions of listed rows, in order. */
  readonly moved: Uint32Array;
  /** Takes the centres, and how far they moved, that rows are listed and ranked by from now on. */
  aim(measures: Measures): void;
  /** Lists the rows from one to before another, up to `rankedAtOnce`, that the bounds do not hold where they are; says how many. */
  listLoose(from: number, to: number): number;
  /** Ranks the first `count` rows listed. */
  rank(count: number): void;
  /** Writes the bounds of the rows ranked, and lists in `moved` those that are not assigned to their nearest centre; says how many. */
  bound(count: number): number;
}

/** A kernel over the memory the rows stand in; plain, for every thread to instantiate. */
export interface RankingPlan {
  readonly memory: WasmMemory;
  readonly module: WasmModule;
  readonly shape: RankingShape;
}

/** Rows and what is known of each, in memory that the threads of a team share. */
export interface RankingRoom {
  readonly rows: PointRows;
  /** By row: its squared length. */
  readonly norms: Float64Array;
  /** By row: its centre, -1 before it has one. */
  readonly assignment: Int32Array;
  /** By row: what is at least its distance from its own centre, and by how much the others are farther: see `Drift`. */
  readonly upper: Float64Array;
  readonly slack: Float64Array;
  /** By row and candidate for a first centre: what its squared distance from the nearest centre would be. See `leftAt`. */
  readonly left: Float64Array;
  /** Over all of these; null where there is none. */
  readonly kernel: RankingPlan | null;
}

/**
 * Room for the rows of a design, with a kernel over it for so many threads; without one (null) where there are sparse
 * columns, more values than one memory holds or no vector instructions.
 */
export function roomForRanking(design: Design, clusters: number, threads: number): RankingRoom {
  const { nRows, dense, sparse } = design;
  const shape = { nRows, nDense: dense.length, clusters };
  const pages = Math.ceil(placesOf(shape, threads).scratch / pageBytes);
  if (sparse.names.length > 0 || dense.length === 0 || pages >= maximumPages) return plainRoom(design, clusters);
  const isShared = threads > 1;
  try {
    const module = compileRanking(shape, { pages, shared: isShared });
    const memory = createMemory(pages, isShared);
    const { norms, assignment, upper, slack, left } = placesOf(shape, 0);
    const numbers = (at: number, length = nRows): Float64Array => new Float64Array(memory.buffer, at, length);
    return {
      rows: { points: numbers(0, nRows * dense.length), nDense: dense.length, sparse: null },
      norms: numbers(norms),
      assignment: new Int32Array(memory.buffer, assignment, nRows),
      upper: numbers(upper),
      slack: numbers(slack),
      left: numbers(left, leftLength(nRows, clusters)),
      kernel: { memory, module, shape },
    };
  } catch {
    return plainRoom(design, clusters);
  }
}

/** Without a kernel. */
export function plainRoom(design: Design, clusters: number): RankingRoom {
  const { nRows } = design;
  return {
    rows: roomForRows(design),
    norms: sharedNumbers(nRows),
    assignment: new Int32Array(sharedBuffer(4 * nRows)),
    upper: sharedNumbers(nRows),
    slack: sharedNumbers(nRows),
    left: sharedNumbers(leftLength(nRows, clusters)),
    kernel: null,
  };
}

/** The ranking of one thread. */
export function createRanking(room: RankingRoom, thread: number): Ranking {
  return room.kernel === null ? plainRanking(room) : kernelRanking(room.kernel, thread);
}

function kernelRanking({ memory, module, shape }: RankingPlan, thread: number): Ranking {
  const { bound, list, rank, touch } = instantiateRanking(module, memory);
  const place = placesOf(shape, thread);
  const listed = new Uint32Array(memory.buffer, place.listed, rankedAtOnce + 1);
  const numbers = (at: number): Float64Array => new Float64Array(memory.buffer, at, rankedAtOnce);
  return {
    listed: listed.subarray(0, rankedAtOnce),
    nearest: numbers(place.nearest),
    best: numbers(place.best),
    second: numbers(place.second),
    moved: new Uint32Array(memory.buffer, place.moved, rankedAtOnce),
    aim: ({ centres, halves, error, drift }) => {
      writeCentres(memory, shape, place.centres, centres, halves);
      writeDrift(memory.buffer, place.drift, error, drift);
    },
    listLoose: (from, to) => entriesFrom(place.listed, list(from, to, place.listed, place.drift)),
    rank: (count) => {
      if (count === 0) return;
      if (count % 2 === 1) listed[count] = listed[count - 1]!;
      const even = count + (count % 2);
      for (let from = 0; from < even; from += touchedAtOnce) {
        const [at, end] = [place.listed + 4 * from, place.listed + 4 * Math.min(even, from + touchedAtOnce)];
        touch(at, end);
        rank(at, end, place.centres, place.centresEnd, place.best + 8 * from);
      }
    },
    bound: (count) => {
      if (count === 0) return 0;
      const end = bound(place.listed, place.listed + 4 * count, place.best, place.moved, place.drift);
      return entriesFrom(place.moved, end);
    },
  };
}

/** How many there are from one address to another that a kernel gives: from 2 GiB on as a negative number. */
function entriesFrom(start: number, end: number): number {
  return ((end >>> 0) - start) / 4;
}

/** Block after block: minus the halves of its centres, then their values column by column. Places too many are never nearest. */
function writeCentres(
  memory: WasmMemory,
  { nDense, clusters }: RankingShape,
  from: number,
  centres: Float64Array,
  halves: Float64Array,
): void {
  const { blocks, wide } = centreBlocks(clusters);
  const cells = new Float64Array(memory.buffer, from, blocks * wide * (nDense + 1));
  for (let block = 0; block < blocks; ++block) {
    const at = block * wide * (nDense + 1);
    for (let i = 0; i < wide; ++i) {
      const c = block * wide + i;
      cells[at + i] = c < clusters ? -halves[c]! : -Infinity;
      for (let j = 0; j < nDense; ++j) cells[at + (j + 1) * wide + i] = c < clusters ? centres[c * nDense + j]! : 0;
    }
  }
}
