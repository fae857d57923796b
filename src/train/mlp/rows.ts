import type { Design } from "../../model/design.ts";
import type { NetworkShape } from "./layout.ts";
import { tableReach } from "../../model/score-network.ts";
import type { Network } from "./network.ts";

/** Rows as batches read them: dense columns as float32, row after row. */
export interface PackedRows {
  readonly nRows: number;
  readonly nDense: number;
  readonly dense: Float32Array;
  readonly sparse: Design["sparse"];
  readonly reach: ReturnType<typeof tableReach>;
}

/** Packs a design, so that a row's numbers stand together. */
export function packRows(design: Design, shape: NetworkShape): PackedRows {
  const nDense = design.dense.length;
  const dense = new Float32Array(design.nRows * nDense);
  const block = 1024;
  for (let start = 0; start < design.nRows; start += block)
    for (let j = 0; j < nDense; ++j) {
      const { values } = design.dense[j]!;
      for (let row = start, end = Math.min(design.nRows, start + block); row < end; ++row)
        dense[row * nDense + j] = values[row]!;
    }
  const reach = tableReach({
    nDense,
    nSparse: design.sparse.names.length,
    tableColumns: Uint32Array.from(shape.tableColumns),
    tableWidths: Uint32Array.from(shape.tableWidths),
  });
  return { nRows: design.nRows, nDense, dense, sparse: design.sparse, reach };
}

/** Writes the inputs of rows order[start] to order[end - 1] into the batch: dense numbers, then what the tables give. */
export function fillBatch(network: Network, rows: PackedRows, order: Uint32Array, start: number, end: number): void {
  const { cells, parameters, layout } = network;
  const { nDense, dense, sparse, reach } = rows;
  const { paddedInputs, nInputs, inputs, embeddings } = layout;
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
  { sparse, reach }: PackedRows,
  order: Uint32Array,
  start: number,
  end: number,
): void {
  const { paddedInputs, inputSlopes, embeddings } = layout;
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
