import { tanh } from "../math/elementary.ts";
import type { Design } from "./design.ts";
import type { NetworkPredictor } from "./predictor.ts";

/** Raw scores of a network, row-major. Each row passes through all layers alone, in float64, so it gets the same bits in any batch. */
export function networkScores(predictor: NetworkPredictor, design: Design): Float64Array {
  const { outputs, units, weights, biases, activation } = predictor;
  const widest = units.reduce((most, width) => Math.max(most, width), networkInputs(predictor));
  let inputs = new Float64Array(widest);
  let sums = new Float64Array(widest);
  const scores = new Float64Array(design.nRows * outputs);
  const reach = tableReach(predictor);
  for (let row = 0; row < design.nRows; ++row) {
    let nInputs = readRow(predictor, reach, design, row, inputs);
    let weightsAt = 0;
    let biasesAt = 0;
    for (let layer = 0; layer < units.length; ++layer) {
      const width = units[layer]!;
      for (let u = 0; u < width; ++u) sums[u] = biases[biasesAt + u]!;
      addProducts(weights, weightsAt, inputs, nInputs, sums, width);
      weightsAt += nInputs * width;
      biasesAt += width;
      nInputs = width;
      if (layer + 1 < units.length) bend(activation, sums, width);
      [inputs, sums] = [sums, inputs];
    }
    for (let k = 0; k < outputs; ++k) scores[row * outputs + k] = inputs[k]!;
  }
  return scores;
}

/** sums[u] += weight (i, u) * inputs[i], input after input; four at a time read and write each sum a quarter as often. */
function addProducts(
  weights: NetworkPredictor["weights"], // in: `width` an input, from `at`
  at: number,
  inputs: Float64Array, // in
  nInputs: number,
  sums: Float64Array, // in and out
  width: number,
): void {
  let i = 0;
  for (; i + 3 < nInputs; i += 4) {
    const [w0, w1, w2, w3] = [at + i * width, at + (i + 1) * width, at + (i + 2) * width, at + (i + 3) * width];
    const [x0, x1, x2, x3] = [inputs[i]!, inputs[i + 1]!, inputs[i + 2]!, inputs[i + 3]!];
    for (let u = 0; u < width; ++u) {
      const first = sums[u]! + weights[w0 + u]! * x0 + weights[w1 + u]! * x1;
      sums[u] = first + weights[w2 + u]! * x2 + weights[w3 + u]! * x3;
    }
  }
  for (; i < nInputs; ++i) {
    const x = inputs[i]!;
    for (let u = 0, w = at + i * width; u < width; ++u) sums[u]! += weights[w + u]! * x;
  }
}

/** Numbers the first layer reads: dense columns and what the tables give. */
export function networkInputs({ nDense, tableWidths }: Pick<NetworkPredictor, "nDense" | "tableWidths">): number {
  return tableWidths.reduce((sum, width) => sum + width, nDense);
}

/** Where each sparse column's vector stands, how long it is, and to which inputs it is added. */
interface TableReach {
  readonly at: Uint32Array;
  readonly width: Uint32Array;
  readonly input: Uint32Array;
}

/** The place of every sparse column in the tables. */
export function tableReach({
  nDense,
  nSparse,
  tableColumns,
  tableWidths,
}: Pick<NetworkPredictor, "nDense" | "nSparse" | "tableColumns" | "tableWidths">): TableReach {
  const reach = { at: new Uint32Array(nSparse), width: new Uint32Array(nSparse), input: new Uint32Array(nSparse) };
  let column = 0;
  let at = 0;
  let input = nDense;
  for (let table = 0; table < tableColumns.length; ++table) {
    const width = tableWidths[table]!;
    for (const end = column + tableColumns[table]!; column < end; ++column, at += width) {
      reach.at[column] = at;
      reach.width[column] = width;
      reach.input[column] = input;
    }
    input += width;
  }
  return reach;
}

function readRow(
  { nDense, nSparse, embeddings, tableWidths }: NetworkPredictor, // in
  { at, width, input }: TableReach, // in
  design: Design, // in
  row: number, // in
  out: Float64Array, // out, the inputs of the first layer
): number {
  const nInputs = networkInputs({ nDense, tableWidths });
  for (let j = 0; j < nDense; ++j) out[j] = design.dense[j]!.values[row]!;
  out.fill(0, nDense, nInputs);
  if (nSparse === 0) return nInputs;
  const { offsets, indices, values } = design.sparse;
  for (let e = offsets[row]!; e < offsets[row + 1]!; ++e) {
    const column = indices[e]!;
    const from = at[column]!;
    const to = input[column]!;
    for (let d = 0, n = width[column]!; d < n; ++d) out[to + d]! += embeddings[from + d]! * values[e]!;
  }
  return nInputs;
}

function bend(activation: NetworkPredictor["activation"], values: Float64Array, n: number): void {
  if (activation === "relu") for (let i = 0; i < n; ++i) values[i] = values[i]! > 0 ? values[i]! : 0;
  else for (let i = 0; i < n; ++i) values[i] = tanh(values[i]!);
}
