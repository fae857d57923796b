import { sharedNumbers } from "../core/shared-memory.ts";
import { type Design, emptySparseBlock, type SparseBlock, type StreamedDesign } from "../model/design.ts";
import { chunkRows } from "./products.ts";

/** Rows in order, a block after the other: one where they are in memory. */
export interface RowBlocks {
  readonly nRows: number;
  blocks(): Iterable<{ readonly from: number; readonly design: Design }>;
}

export function heldBlocks(design: Design): RowBlocks {
  return { nRows: design.nRows, blocks: () => [{ from: 0, design }] };
}

/** All rows of a design that is not in memory, brought there; awaits `pause` after each block. */
export async function gatherRows({ nRows, blocks }: StreamedDesign, pause: () => Promise<void>): Promise<Design> {
  let dense: Design["dense"] = [];
  const sparse: SparseBlock[] = [];
  for (const { from, design } of blocks()) {
    if (from === 0) dense = design.dense.map((column) => ({ ...column, values: sharedNumbers(nRows) }));
    design.dense.forEach(({ values }, j) => dense[j]!.values.set(values, from));
    sparse.push(design.sparse);
    await pause();
  }
  return { nRows, dense, sparse: joinedSparse(sparse) };
}

const alignedRows = 8 * chunkRows;

/**
 * The same rows in blocks that begin at a multiple of `chunkRows`, as sums over chunks of rows want them. A block is valid
 * until the next is asked for. Of dense columns alone.
 */
export function alignedBlocks(rows: RowBlocks): RowBlocks {
  return { nRows: rows.nRows, blocks: () => inAlignedBlocks(rows) };
}

function* inAlignedBlocks({ nRows, blocks }: RowBlocks): Generator<{ readonly from: number; readonly design: Design }> {
  let dense: Design["dense"] = [];
  let from = 0;
  let held = 0;
  for (const { from: first, design } of blocks()) {
    if (first === 0) dense = design.dense.map((column) => ({ ...column, values: new Float64Array(alignedRows) }));
    for (let taken = 0; taken < design.nRows;) {
      const count = Math.min(alignedRows - held, design.nRows - taken);
      for (let j = 0; j < dense.length; ++j)
        dense[j]!.values.set(design.dense[j]!.values.subarray(taken, taken + count), held);
      held += count;
      taken += count;
      if (held < alignedRows && from + held < nRows) continue;
      yield { from, design: firstRows(dense, held) };
      from += held;
      held = 0;
    }
  }
}

function firstRows(dense: Design["dense"], nRows: number): Design {
  const columns = dense.map((column) => ({ ...column, values: column.values.subarray(0, nRows) }));
  return { nRows, dense: columns, sparse: emptySparseBlock(nRows) };
}

/** The sparse rows of all blocks, one after the other. */
export function joinedSparse(blocks: readonly SparseBlock[]): SparseBlock {
  const first = blocks[0] ?? emptySparseBlock(0);
  if (blocks.length < 2) return first;
  const sum = (lengths: readonly number[]): number => lengths.reduce((total, length) => total + length, 0);
  const nEntries = sum(blocks.map(({ values }) => values.length));
  const nRows = sum(blocks.map(({ offsets }) => offsets.length - 1));
  const joined = {
    ...first,
    offsets: new Uint32Array(nRows + 1),
    indices: new Uint32Array(nEntries),
    values: new Float64Array(nEntries),
  };
  let row = 0;
  let entry = 0;
  for (const { offsets, indices, values } of blocks) {
    joined.indices.set(indices, entry);
    joined.values.set(values, entry);
    for (let i = 1; i < offsets.length; ++i) joined.offsets[row + i] = entry + offsets[i]!;
    row += offsets.length - 1;
    entry += values.length;
  }
  return joined;
}
