import type { Design, SparseBlock } from "../../model/design.ts";
import { countMissing, refuseInfiniteEntries, requireNone } from "../completeness.ts";
import { joinedSparse, type RowBlocks } from "../row-blocks.ts";
import type { Network } from "./network.ts";

/** Rows as batches read them: dense columns as float32, row after row. */
export interface PackedRows {
  readonly nRows: number;
  readonly nDense: number;
  readonly dense: Float32Array;
  readonly sparse: SparseBlock;
}

/**
 * Packs rows, so that a row's numbers stand together, and awaits `pause` after each block. Throws DEFINITION_INVALID where
 * a dense column lacks values or a sparse one has infinite ones.
 */
export async function packRows({ nRows, blocks }: RowBlocks, pause: () => Promise<void>): Promise<PackedRows> {
  let dense = new Float32Array(0);
  let columns: Design["dense"] = [];
  let nMissing: number[] = [];
  const sparse: SparseBlock[] = [];
  for (const { from, design } of blocks()) {
    if (from === 0) {
      columns = design.dense.map((column) => ({ ...column, values: new Float64Array(0) }));
      dense = new Float32Array(nRows * columns.length);
      nMissing = columns.map(() => 0);
    }
    nMissing = nMissing.map((count, j) => count + countMissing(design.dense[j]!.values));
    refuseInfiniteEntries("mlp", design.sparse);
    packBlock(design, dense.subarray(from * columns.length));
    sparse.push(design.sparse);
    await pause();
  }
  columns.forEach(({ name }, j) => requireNone({ estimator: "mlp", column: name, nMissing: nMissing[j]!, nRows }));
  return { nRows, nDense: columns.length, dense, sparse: joinedSparse(sparse) };
}

function packBlock({ nRows, dense }: Design, packed: Float32Array): void {
  const nDense = dense.length;
  const block = 1024;
  for (let start = 0; start < nRows; start += block)
    for (let j = 0; j < nDense; ++j) {
      const { values } = dense[j]!;
      for (let row = start, end = Math.min(nRows, start + block); row < end; ++row)
        packed[row * nDense + j] = values[row]!;
    }
}

/** Writes the inputs of rows order[start] to order[end - 1] into the batch: dense numbers, then what the tables give. */
export function fillBatch(network: Network, rows: PackedRows, order: Uint32Array, start: number, end: number): void {
  const { cells, parameters, layout } = network;
  const { nDense, dense, sparse } = rows;
  const { paddedInputs, nInputs, inputs, embeddings, reach } = layout;
  for (let position = start; position < end; ++position) {
    const row = order[position]!;
    const to = inputs + (position - start) * paddedInputs;
    for (let j = 0, from = row * nDense; j < nDense; ++j) cells[to + j] = dense[from + j]!;
    if (nInputs === nDense) continue;
    cells.fill(0, to + nDense, to + nInputs);
    for (let e = sparse.offsets[row]!; e < sparse.offsets[row + 1]!; ++e) {
      const column = sparse.indices[e]!;
      const from = embeddings + reach.at[column]!;
      const at = to + reach.input[column]!;
      for (let d = 0, n = reach.width[column]!; d < n; ++d) cells[at + d]! += parameters[from + d]! * sparse.values[e]!;
    }
  }
}

/** Adds the slopes of the batch's inputs to the gradients of the embeddings they came from. */
export function addEmbeddingGradients(
  { cells, gradients, layout }: Network,
  { sparse }: PackedRows,
  order: Uint32Array,
  start: number,
  end: number,
): void {
  const { paddedInputs, inputSlopes, embeddings, reach } = layout;
  if (sparse.names.length === 0) return;
  for (let position = start; position < end; ++position) {
    const row = order[position]!;
    const from = inputSlopes + (position - start) * paddedInputs;
    for (let e = sparse.offsets[row]!; e < sparse.offsets[row + 1]!; ++e) {
      const column = sparse.indices[e]!;
      const to = embeddings + reach.at[column]!;
      const at = from + reach.input[column]!;
      for (let d = 0, n = reach.width[column]!; d < n; ++d) gradients[to + d]! += cells[at + d]! * sparse.values[e]!;
    }
  }
}
