import { type WasmMemory, createMemory, pageBytes } from "../../math/wasm/webassembly.ts";
import type { DenseColumn } from "../design.ts";
import type { TreesPredictor } from "../predictor.ts";
import {
  type QuickKernels,
  boundsLength,
  createQuickKernels,
  groupRows,
  mostLeaves,
  planeBytes,
  segmentRecord,
  splitRecord,
} from "./kernels.ts";
import { type QuickSplit, type QuickTables, tabulate } from "./tables.ts";

/** Rows scored at a time: what they are asked about then stays in the first cache. */
export const quickRows = 512;

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
    this.#place = placesOf(trees, tables, levels);
    const pages = Math.ceil(this.#place.end / pageBytes);
    this.#memory = createMemory(pages, false);
    this.#kernels = createQuickKernels(this.#memory, pages, trees.outputs);
    writeTables(this.#memory, this.#place, trees, tables, levels);
  }

  /** Adds the trees' values to the scores (row-major, `outputs` a row) of rows `start` to `start + n`; n <= quickRows. */
  score(columns: readonly BlockColumn[], start: number, n: number, scores: Float64Array): void {
    const place = this.#place;
    const kernels = this.#kernels;
    const doubles = new Float64Array(this.#memory.buffer);
    this.#read(columns, n, doubles);
    const own = scores.subarray(start * this.#outputs, (start + n) * this.#outputs);
    doubles.set(own, place.scores / 8);
    for (let row = 0; row < n; row += groupRows) {
      kernels.open(place.planes, place.planesEnd);
      if (place.numbers < place.numbersEnd) kernels.numbers(place.numbers, place.numbersEnd, row);
      if (place.categories < place.categoriesEnd) {
        kernels.categories(place.categories, place.categoriesEnd, row, place.scratch);
      }
      const to = place.scores + row * this.#outputs * 8;
      kernels.leaves(place.planes, place.planesEnd, place.values, place.treeOutputs, to);
    }
    own.set(doubles.subarray(place.scores / 8, place.scores / 8 + own.length));
  }

  #read(columns: readonly BlockColumn[], n: number, doubles: Float64Array): void {
    const { input, ranks, bounds, codes } = this.#place;
    const end = input + n * 8;
    const copy = (feature: number): void => {
      const { values, base } = columns[feature]!;
      doubles.set(values.subarray(base, base + n), input / 8);
    };
    for (const [i, { feature }] of this.#tables.numbers.entries()) {
      copy(feature);
      const high = ranks + i * 2 * quickRows;
      this.#kernels.rank(input, end, bounds + i * boundsLength * 8, high, high + quickRows);
    }
    for (const [i, { feature }] of this.#tables.categories.entries()) {
      copy(feature);
      this.#kernels.codes(input, end, this.#levels[i]!, codes + i * 2 * quickRows);
    }
  }
}

/** Byte addresses in a scorer's memory. */
interface Place {
  readonly scratch: number;
  readonly numbers: number;
  readonly numbersEnd: number;
  readonly categories: number;
  readonly categoriesEnd: number;
  readonly splits: number;
  readonly tables: number;
  readonly planes: number;
  readonly planesEnd: number;
  readonly values: number;
  readonly treeOutputs: number;
  readonly bounds: number;
  readonly input: number;
  /** Two planes a feature of numbers, then one of 16-bit codes a category. */
  readonly ranks: number;
  readonly codes: number;
  readonly scores: number;
  readonly end: number;
}

function placesOf(trees: TreesPredictor, tables: QuickTables, levels: readonly number[]): Place {
  let end = 0;
  const take = (bytes: number): number => {
    const at = end;
    end = Math.ceil((end + bytes) / 64) * 64;
    return at;
  };
  const nTrees = trees.treeOffsets.length;
  const { numbers, categories } = tables;
  const segments = numbers.flatMap(({ splits }) => splits.filter((own) => own.length > 0)).length;
  const nSplits = trees.feature.reduce((count, feature) => count + Number(feature >= 0), 0);
  const tableBytes = categories.reduce((total, { splits }, i) => total + splits.length * (levels[i]! + 1), 0);
  const scratch = take(64);
  const numbersAt = take(segments * segmentRecord.bytes);
  const categoriesAt = take(categories.length * segmentRecord.bytes);
  const planes = take(nTrees * planeBytes);
  return {
    scratch,
    numbers: numbersAt,
    numbersEnd: numbersAt + segments * segmentRecord.bytes,
    categories: categoriesAt,
    categoriesEnd: categoriesAt + categories.length * segmentRecord.bytes,
    planes,
    planesEnd: planes + nTrees * planeBytes,
    splits: take(nSplits * splitRecord.bytes),
    tables: take(tableBytes),
    values: take(nTrees * mostLeaves * 8),
    treeOutputs: take(nTrees * 4),
    bounds: take(numbers.length * boundsLength * 8),
    input: take(quickRows * 8),
    ranks: take(numbers.length * 2 * quickRows),
    codes: take(categories.length * 2 * quickRows),
    scores: take(quickRows * trees.outputs * 8),
    end,
  };
}

/** Writes everything that does not change from block to block. */
function writeTables(
  memory: WasmMemory,
  place: Place,
  trees: TreesPredictor,
  tables: QuickTables,
  levels: readonly number[],
): void {
  const bytes = new Uint8Array(memory.buffer);
  const words = new Uint32Array(memory.buffer);
  const doubles = new Float64Array(memory.buffer);
  doubles.set(tables.values, place.values / 8);
  words.set(
    trees.treeOutput.map((output) => output * 8),
    place.treeOutputs / 4,
  );
  let split = place.splits;
  let segment = place.numbers;
  const writeSegment = (values: number, own: readonly QuickSplit[], rankOf: (split: QuickSplit) => number): void => {
    words.set([values, split, split + own.length * splitRecord.bytes], segment / 4);
    segment += segmentRecord.bytes;
    for (const one of own) {
      writeSplit(bytes, words, split, one, rankOf(one), place.planes);
      split += splitRecord.bytes;
    }
  };
  for (const [i, { bounds, splits }] of tables.numbers.entries()) {
    const at = place.bounds / 8 + i * boundsLength;
    doubles.fill(Infinity, at, at + boundsLength).set(bounds, at);
    const rankOf = new Map(Array.from(bounds, (bound, rank) => [bound, rank]));
    for (const [which, own] of splits.entries()) {
      const values = place.ranks + (i * 2 + which) * quickRows;
      if (own.length > 0) writeSegment(values, own, ({ node }) => rankOf.get(trees.threshold[node]! + 0)!);
    }
  }
  segment = place.categories;
  let table = place.tables;
  for (const [i, { splits }] of tables.categories.entries()) {
    writeSegment(place.codes + i * 2 * quickRows, splits, ({ node }) => {
      const at = table;
      for (let code = 0; code < levels[i]!; ++code) bytes[at + code] = goesLeft(trees, node, code) ? 0 : 255;
      bytes[at + levels[i]!] = trees.missingLeft[node] === 1 ? 0 : 255;
      table += levels[i]! + 1;
      return at;
    });
  }
}

function goesLeft({ categoryOffset, categorySets }: TreesPredictor, node: number, code: number): boolean {
  return ((categorySets[categoryOffset[node]! + (code >> 5)]! >>> (code & 31)) & 1) === 1;
}

/** One record: which bits of which planes close for rows that go right. */
function writeSplit(
  bytes: Uint8Array,
  words: Uint32Array,
  at: number,
  { tree, firstLeaf, endLeaf }: QuickSplit,
  rank: number,
  planes: number,
): void {
  const firstPlane = firstLeaf >> 3;
  const endPlane = (endLeaf + 7) >> 3;
  words[(at + splitRecord.rank) / 4] = rank;
  words[(at + splitRecord.plane) / 4] = planes + tree * planeBytes + firstPlane * 16;
  bytes[at + splitRecord.planes] = endPlane - firstPlane;
  for (let leaf = firstLeaf; leaf < endLeaf; ++leaf) {
    bytes[at + splitRecord.clear + (leaf >> 3) - firstPlane]! |= 1 << (leaf & 7);
  }
}
