import {
  createMemory,
  maximumPages,
  pageBytes,
  type WasmMemory,
  type WasmModule,
} from "../../math/wasm/webassembly.ts";
import type { Design } from "../../model/design.ts";
import type { Measures } from "./assign.ts";
import { createNearestTwo, nearestTwo, type PointRows, pointRows, writePoints } from "./nearest.ts";
import {
  type RankingShape,
  centreBlocks,
  compileRanking,
  instantiateRanking,
  placesOf,
  rankedAtOnce,
  touchedAtOnce,
} from "./ranking-kernel.ts";

/** Finds the nearest two centres of listed rows. What was found of the i-th row listed stands at position i. */
export interface Ranking {
  /** Row numbers, for the caller to write. */
  readonly listed: Uint32Array;
  readonly nearest: Float64Array;
  /** Scores at the nearest centre and at the next, as `nearestTwo` has them. */
  readonly best: Float64Array;
  readonly second: Float64Array;
  /** Takes the centres that rows are ranked by from now on. */
  aim(centres: Float64Array, halves: Float64Array): void;
  /** Ranks the first `count` rows listed. */
  rank(count: number): void;
}

/** A kernel over the memory the rows stand in; plain, for every thread to instantiate. */
export interface RankingPlan {
  readonly memory: WasmMemory;
  readonly module: WasmModule;
  readonly shape: RankingShape;
}

/**
 * Rows of a design as points, with a kernel over them for so many threads; without one (null) where there are sparse
 * columns, more values than one memory holds or no vector instructions.
 */
export function rankedRows(
  design: Design,
  clusters: number,
  threads: number,
): { readonly rows: PointRows; readonly kernel: RankingPlan | null } {
  const { nRows, dense, sparse } = design;
  const shape = { nRows, nDense: dense.length, clusters };
  const pages = Math.ceil(placesOf(shape, threads).scratch / pageBytes);
  if (sparse.names.length > 0 || dense.length === 0 || pages >= maximumPages)
    return { rows: pointRows(design), kernel: null };
  const isShared = threads > 1;
  try {
    const module = compileRanking(shape, { pages, shared: isShared });
    const memory = createMemory(pages, isShared);
    const points = new Float64Array(memory.buffer, 0, nRows * dense.length);
    writePoints(design, points);
    return { rows: { points, nDense: dense.length, sparse: null }, kernel: { memory, module, shape } };
  } catch {
    return { rows: pointRows(design), kernel: null };
  }
}

/** The ranking of one thread. */
export function createRanking(rows: PointRows, kernel: RankingPlan | null, thread: number): Ranking {
  return kernel === null ? plainRanking(rows) : kernelRanking(kernel, thread);
}

/** The naive twin, with the same bits. */
function plainRanking(rows: PointRows): Ranking {
  const numbers = (): Float64Array => new Float64Array(rankedAtOnce);
  const ranking = { listed: new Uint32Array(rankedAtOnce), nearest: numbers(), best: numbers(), second: numbers() };
  const found = createNearestTwo();
  let aimed: Pick<Measures, "centres" | "halves"> = { centres: numbers(), halves: numbers() };
  return {
    ...ranking,
    aim: (centres, halves) => {
      aimed = { centres, halves };
    },
    rank: (count) => {
      const { listed, nearest, best, second } = ranking;
      for (let i = 0; i < count; ++i) {
        nearestTwo(rows, listed[i]!, aimed.centres, aimed.halves, found);
        nearest[i] = found.nearest;
        best[i] = found.best;
        second[i] = found.second;
      }
    },
  };
}

function kernelRanking({ memory, module, shape }: RankingPlan, thread: number): Ranking {
  const { rank, touch } = instantiateRanking(module, memory);
  const place = placesOf(shape, thread);
  const listed = new Uint32Array(memory.buffer, place.listed, rankedAtOnce);
  const numbers = (at: number): Float64Array => new Float64Array(memory.buffer, at, rankedAtOnce);
  return {
    listed,
    nearest: numbers(place.nearest),
    best: numbers(place.best),
    second: numbers(place.second),
    aim: (centres, halves) => writeCentres(memory, shape, place.centres, centres, halves),
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
  };
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
