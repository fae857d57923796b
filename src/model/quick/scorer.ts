import { type WasmMemory, createMemory, pageBytes } from "../../math/wasm/webassembly.ts";
import type { DenseColumn } from "../design.ts";
import type { TreesPredictor } from "../predictor.ts";
import { type BoundCells, cellsOf } from "./cells.ts";
import { type QuickKernels, createQuickKernels } from "./kernels.ts";
import { boundsLength, cellCount, groupRows, groups } from "./records.ts";
import { type Place, placesOf, quickRows, writeTables } from "./layout.ts";
import { type QuickTables, tabulate } from "./tables.ts";

/** Where a block's values of one feature stand: row r of the block at values[base + r]. */
interface BlockColumn {
  readonly values: Float64Array;
  readonly base: number;
}

/** Levels a code column may have: codes are 16 bits. */
const mostLevels = 65_535;

/**
 * Scores blocks of rows with QuickScorer (Lucchese et al. 2015) in its vector form (2016): instead of walking down each
 * tree, it asks each feature about all its splits in order and strikes out the leaves that cannot be reached; the first
 * leaf left is the row's. Leaf values are added tree by tree, so that scores are those of walking, bit for bit.
 */
export class QuickScorer {
  readonly #memory: WasmMemory;
  readonly #kernels: QuickKernels;
  readonly #place: Place;
  readonly #tables: QuickTables;
  readonly #outputs: number;
  readonly #levels: readonly number[];
  readonly #cells: readonly (BoundCells | null)[];

  /** Null where the predictor's trees are too large for it, or there are no vector instructions here. */
  static of(trees: TreesPredictor, dense: readonly DenseColumn[]): QuickScorer | null {
    const tables = tabulate(trees);
    const levels = tables?.categories.map(({ feature }) => dense[feature]?.cardinality ?? 0) ?? [];
    if (tables === null || levels.some((count) => count === 0 || count > mostLevels)) return null;
    try {
      return new QuickScorer(trees, tables, levels);
    } catch {
      return null;
    }
  }

  private constructor(trees: TreesPredictor, tables: QuickTables, levels: readonly number[]) {
    this.#tables = tables;
    this.#levels = levels;
    this.#outputs = trees.outputs;
    this.#cells = tables.numbers.map(({ bounds }) => cellsOf(bounds));
    this.#place = placesOf(trees, tables, levels);
    const pages = Math.ceil(this.#place.end / pageBytes);
    this.#memory = createMemory(pages, false);
    const { openBytes } = this.#place;
    this.#kernels = createQuickKernels(this.#memory, pages, trees.outputs, openBytes === 0 ? null : openBytes);
    writeTables(this.#memory, this.#place, trees, tables, levels);
    for (const [i, cells] of this.#cells.entries())
      if (cells) new Uint8Array(this.#memory.buffer).set(cells.before, this.#place.cells + i * cellCount);
  }

  /** Adds the trees' values to the scores (row-major, `outputs` a row) of rows `start` to `start + n`; n <= quickRows. */
  score(columns: readonly BlockColumn[], start: number, n: number, scores: Float64Array): void {
    const place = this.#place;
    const kernels = this.#kernels;
    const doubles = new Float64Array(this.#memory.buffer);
    this.#read(columns, n, doubles);
    const own = scores.subarray(start * this.#outputs, (start + n) * this.#outputs);
    doubles.set(own, place.scores / 8);
    for (let row = 0; row < n; row += groups * groupRows) {
      if (place.openBytes > 0) this.#closeByCodes(row);
      const to = place.scores + row * this.#outputs * 8;
      kernels.trees(place.trees, place.treesEnd, place.records, row, place.open, place.closed, place.values, to);
    }
    own.set(doubles.subarray(place.scores / 8, place.scores / 8 + own.length));
  }

  /** Leaves that splits of codes close for some groups of rows. */
  #closeByCodes(row: number): void {
    const { open, openBytes, categories, categoriesEnd, scratch } = this.#place;
    this.#kernels.open(open, open + groups * openBytes);
    for (let group = 0; group < groups; ++group)
      this.#kernels.categories(categories, categoriesEnd, row + group * groupRows, group * openBytes, scratch);
  }

  #read(columns: readonly BlockColumn[], n: number, doubles: Float64Array): void {
    const { input, ranks, bounds, cells, codes } = this.#place;
    const end = input + n * 8;
    const copy = (feature: number): void => {
      const { values, base } = columns[feature]!;
      doubles.set(values.subarray(base, base + n), input / 8);
    };
    for (const [i, { feature }] of this.#tables.numbers.entries()) {
      copy(feature);
      const high = ranks + i * 2 * quickRows;
      const [low, own, line] = [high + quickRows, bounds + i * boundsLength * 8, this.#cells[i]];
      if (line) this.#kernels.rankByCell(input, end, own, high, low, cells + i * cellCount, line.scale, line.offset);
      else this.#kernels.rank(input, end, own, high, low);
    }
    for (const [i, { feature }] of this.#tables.categories.entries()) {
      copy(feature);
      this.#kernels.codes(input, end, this.#levels[i]!, codes + i * 2 * quickRows);
    }
  }
}
