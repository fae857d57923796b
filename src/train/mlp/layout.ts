import { MillraceError } from "../../core/errors/error.ts";
import type { Design } from "../../model/design.ts";
import { tableReach } from "../../model/score-network.ts";
import { maximumPages, pageBytes } from "../../math/wasm/webassembly.ts";
import { blockColumns, blockRows } from "./product.ts";

/** What a network is made of; hyperparameters and the design decide it. */
export interface NetworkShape {
  readonly nDense: number;
  /** Sparse columns of each table of embeddings, and the numbers each of its columns has. */
  readonly tableColumns: readonly number[];
  readonly tableWidths: readonly number[];
  /** Units of every layer, the scores last. */
  readonly units: readonly number[];
  readonly activation: "relu" | "tanh";
  readonly batchRows: number;
}

/** One layer's place in memory, in float32 cells. Matrices are padded with zeros to whole blocks. */
export interface LayerPlace {
  readonly inputs: number;
  readonly units: number;
  readonly paddedInputs: number;
  readonly paddedUnits: number;
  /** Within the parameters and the gradients: `paddedInputs` rows of `paddedUnits`, then as many biases. */
  readonly weights: number;
  readonly biases: number;
  /** The weights with rows and columns swapped. */
  readonly swapped: number;
  /** What the layer gives, and the gradients of that: one row a row of the batch. */
  readonly outputs: number;
  readonly slopes: number;
}

/** Where everything stands, in cells from the start of memory. */
export interface Layout {
  readonly layers: readonly LayerPlace[];
  readonly nInputs: number;
  readonly paddedInputs: number;
  readonly paddedRows: number;
  readonly inputs: number;
  readonly inputSlopes: number;
  readonly embeddings: number;
  readonly nEmbeddings: number;
  /** Where each sparse column's vector stands among the embeddings, and to which inputs it is added. */
  readonly reach: ReturnType<typeof tableReach>;
  readonly gradients: number;
  readonly nParameters: number;
  readonly pages: number;
}

const padded = (count: number, to: number): number => Math.ceil(count / to) * to;

/** Tables of embeddings of a design: one for each run of sparse columns of one source. */
export function tablesOf(
  { sparse: { sources } }: Pick<Design, "sparse">,
  most: number,
): Pick<NetworkShape, "tableColumns" | "tableWidths"> {
  const tableColumns: number[] = [];
  sources.forEach((source, column) => {
    if (column > 0 && sources[column - 1] === source) tableColumns[tableColumns.length - 1]! += 1;
    else tableColumns.push(1);
  });
  return { tableColumns, tableWidths: tableColumns.map((columns) => Math.min(most, Math.ceil(columns / 2))) };
}

/** Lays parameters, gradients and the values of a batch side by side. Throws HYPERPARAMETER_INVALID beyond 4 GB. */
export function layoutOf(shape: NetworkShape): Layout {
  const { nDense, tableColumns, tableWidths, units, batchRows } = shape;
  const paddedRows = padded(batchRows, blockRows);
  const nInputs = tableWidths.reduce((sum, width) => sum + width, nDense);
  let nParameters = 0;
  const take = (cells: number): number => (nParameters += cells) - cells;
  const bare = units.map((own, layer) => {
    const inputs = layer === 0 ? nInputs : units[layer - 1]!;
    const paddedInputs = padded(inputs, blockColumns);
    const paddedUnits = padded(own, blockColumns);
    const weights = take(paddedInputs * paddedUnits);
    return { inputs, units: own, paddedInputs, paddedUnits, weights, biases: take(paddedUnits) };
  });
  const nEmbeddings = tableColumns.reduce((sum, columns, table) => sum + columns * tableWidths[table]!, 0);
  const embeddings = take(nEmbeddings);
  nParameters = padded(nParameters, blockColumns);
  let end = 2 * nParameters;
  const reserve = (cells: number): number => (end += cells) - cells;
  const paddedInputs = padded(nInputs, blockColumns);
  const inputs = reserve(paddedRows * paddedInputs);
  const inputSlopes = reserve(paddedRows * paddedInputs);
  const layers = bare.map((layer) => ({
    ...layer,
    swapped: reserve(layer.paddedInputs * layer.paddedUnits),
    outputs: reserve(paddedRows * layer.paddedUnits),
    slopes: reserve(paddedRows * layer.paddedUnits),
  }));
  const pages = Math.max(1, Math.ceil((end * 4) / pageBytes));
  if (pages >= maximumPages) refuseSize(units, batchRows);
  return {
    layers,
    nInputs,
    paddedInputs,
    paddedRows,
    inputs,
    inputSlopes,
    embeddings,
    nEmbeddings,
    reach: tableReach({
      nDense,
      nSparse: tableColumns.reduce((sum, columns) => sum + columns, 0),
      tableColumns: Uint32Array.from(tableColumns),
      tableWidths: Uint32Array.from(tableWidths),
    }),
    gradients: nParameters,
    nParameters,
    pages,
  };
}

function refuseSize(units: readonly number[], batchRows: number): never {
  throw new MillraceError("HYPERPARAMETER_INVALID", {
    estimator: "mlp",
    name: "layers",
    rule: "small enough, with batchRows and embedding, for a network of 4 GB",
    actual: `${JSON.stringify(units)} with ${batchRows} rows`,
  });
}
