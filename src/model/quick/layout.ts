import type { WasmMemory } from "../../math/wasm/webassembly.ts";
import type { TreesPredictor } from "../predictor.ts";
import {
  boundsLength,
  cellCount,
  codeRecord,
  groupRows,
  groups,
  leastRank,
  mostLeaves,
  numberRecord,
  planeBytes,
  segmentRecord,
  treeRecord,
} from "./records.ts";
import type { QuickSplit, QuickTables } from "./tables.ts";

/** Rows scored at a time, whole groups: what they are asked about then stays in the first cache. */
export const quickRows = 512;

/** Planes a tree has, of eight leaves each. */
const nPlanes = 4;

/** Byte addresses in a scorer's memory. */
export interface Place {
  readonly scratch: number;
  readonly categories: number;
  readonly categoriesEnd: number;
  readonly trees: number;
  readonly treesEnd: number;
  readonly records: number;
  readonly codeRecords: number;
  readonly tables: number;
  /** Planes before the splits of numbers, tree by tree; `openBytes` a group of rows, 0 where no split is of codes. */
  readonly open: number;
  readonly openBytes: number;
  /** Planes of one tree after them, for every group. */
  readonly closed: number;
  readonly values: number;
  readonly bounds: number;
  readonly cells: number;
  readonly input: number;
  /** Two planes a feature of numbers. */
  readonly ranks: number;
  /** 16-bit codes, a row each, a category. */
  readonly codes: number;
  readonly scores: number;
  readonly end: number;
}

export function placesOf(trees: TreesPredictor, tables: QuickTables, levels: readonly number[]): Place {
  let end = 0;
  const take = (bytes: number): number => {
    const at = end;
    end = Math.ceil((end + bytes) / 64) * 64;
    return at;
  };
  const nTrees = trees.treeOffsets.length;
  const { numbers, categories } = tables;
  const nRecords = numbers.flatMap(({ splits }) => splits.flat()).reduce((sum, split) => sum + planesOf(split), 0);
  const nCodeSplits = categories.reduce((sum, { splits }) => sum + splits.length, 0);
  const tableBytes = categories.reduce((total, { splits }, i) => total + splits.length * (levels[i]! + 1), 0);
  const openBytes = categories.length > 0 ? nTrees * planeBytes : 0;
  const categoriesAt = take(categories.length * segmentRecord.bytes);
  const treesAt = take(nTrees * treeRecord.bytes);
  return {
    scratch: take(64),
    categories: categoriesAt,
    categoriesEnd: categoriesAt + categories.length * segmentRecord.bytes,
    trees: treesAt,
    treesEnd: treesAt + nTrees * treeRecord.bytes,
    records: take(nRecords * numberRecord.bytes),
    codeRecords: take(nCodeSplits * codeRecord.bytes),
    tables: take(tableBytes),
    open: take(groups * openBytes),
    openBytes,
    closed: take(groups * planeBytes),
    values: take(nTrees * mostLeaves * 8),
    bounds: take(numbers.length * boundsLength * 8),
    cells: take(numbers.length * cellCount),
    // The kernels take whole pairs of values, and whole groups of rows.
    input: take(quickRows * 8),
    ranks: take(numbers.length * 2 * quickRows),
    codes: take(categories.length * 2 * quickRows),
    scores: take(quickRows * trees.outputs * 8),
    end,
  };
}

/** Writes everything that does not change from block to block, but for cells. */
export function writeTables(
  memory: WasmMemory,
  place: Place,
  trees: TreesPredictor,
  tables: QuickTables,
  levels: readonly number[],
): void {
  new Float64Array(memory.buffer).set(tables.values, place.values / 8);
  writeNumbers(memory, place, trees, tables);
  writeCodes(memory, place, trees, tables, levels);
}

/** A split of numbers as its tree's planes see it. */
interface Question {
  readonly split: QuickSplit;
  /** Where the ranks it asks about stand. */
  readonly ranks: number;
  readonly rank: number;
}

function writeNumbers(memory: WasmMemory, place: Place, trees: TreesPredictor, { numbers }: QuickTables): void {
  const bytes = new Uint8Array(memory.buffer);
  const words = new Uint32Array(memory.buffer);
  const doubles = new Float64Array(memory.buffer);
  const questions = Array.from(trees.treeOffsets, (): Question[] => []);
  for (const [i, { bounds, splits }] of numbers.entries()) {
    const at = place.bounds / 8 + i * boundsLength;
    doubles.fill(Infinity, at, at + boundsLength).set(bounds, at);
    const rankOf = new Map(Array.from(bounds, (bound, rank) => [bound, rank]));
    for (const [which, own] of splits.entries())
      for (const split of own) {
        const rank = rankOf.get(trees.threshold[split.node]! + 0)!;
        questions[split.tree]!.push({ split, ranks: place.ranks + (i * 2 + which) * quickRows, rank });
      }
  }
  let record = place.records;
  for (const [tree, own] of questions.entries()) {
    const at = place.trees + tree * treeRecord.bytes;
    for (let plane = 0; plane < nPlanes; ++plane) {
      for (const { split, ranks, rank } of own) {
        const closed = closedIn(split, plane);
        if (closed === 0) continue;
        words[(record + numberRecord.ranks) / 4] = ranks;
        bytes[record + numberRecord.above] = rank + 1 + leastRank;
        bytes[record + numberRecord.keep] = ~closed;
        record += numberRecord.bytes;
      }
      words[(at + treeRecord.ends) / 4 + plane] = record;
    }
    words[(at + treeRecord.output) / 4] = trees.treeOutput[tree]! * 8;
  }
}

function writeCodes(
  memory: WasmMemory,
  place: Place,
  trees: TreesPredictor,
  { categories }: QuickTables,
  levels: readonly number[],
): void {
  const bytes = new Uint8Array(memory.buffer);
  const words = new Uint32Array(memory.buffer);
  let record = place.codeRecords;
  let table = place.tables;
  for (const [i, { splits }] of categories.entries()) {
    const codes = place.codes + i * 2 * quickRows;
    const segment = (place.categories + i * segmentRecord.bytes) / 4;
    words.set([codes, record, record + splits.length * codeRecord.bytes], segment);
    for (const split of splits) {
      const nLevels = levels[i]!;
      for (let code = 0; code < nLevels; ++code) bytes[table + code] = goesLeft(trees, split.node, code) ? 0 : 255;
      bytes[table + nLevels] = trees.missingLeft[split.node] === 1 ? 0 : 255;
      writeCodeRecord(bytes, words, record, split, table, place.open);
      table += nLevels + 1;
      record += codeRecord.bytes;
    }
  }
}

function goesLeft({ categoryOffset, categorySets }: TreesPredictor, node: number, code: number): boolean {
  return ((categorySets[categoryOffset[node]! + (code >> 5)]! >>> (code & 31)) & 1) === 1;
}

function writeCodeRecord(
  bytes: Uint8Array,
  words: Uint32Array,
  at: number,
  split: QuickSplit,
  table: number,
  open: number,
): void {
  const firstPlane = split.firstLeaf >> 3;
  words[(at + codeRecord.table) / 4] = table;
  words[(at + codeRecord.plane) / 4] = open + split.tree * planeBytes + firstPlane * groupRows;
  bytes[at + codeRecord.planes] = planesOf(split);
  for (let plane = 0; plane < planesOf(split); ++plane)
    bytes[at + codeRecord.clear + plane] = closedIn(split, firstPlane + plane);
}

/** How many planes a split's leaves are in. */
function planesOf({ firstLeaf, endLeaf }: QuickSplit): number {
  return ((endLeaf + 7) >> 3) - (firstLeaf >> 3);
}

/** Bits of the leaves that a split closes in a plane. */
function closedIn({ firstLeaf, endLeaf }: QuickSplit, plane: number): number {
  const from = Math.max(0, firstLeaf - 8 * plane);
  const to = Math.min(8, endLeaf - 8 * plane);
  return to > from ? (1 << to) - (1 << from) : 0;
}
