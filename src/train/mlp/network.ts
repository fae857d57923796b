import type { Rng } from "../../core/rng.ts";
import { tanh } from "../../math/elementary.ts";
import { createMemory } from "../../math/wasm/webassembly.ts";
import { type Layout, type LayerPlace, type NetworkShape, layoutOf } from "./layout.ts";
import { type Product, createProduct, plainProduct } from "./product.ts";

/** A network in learning: memory of its own, float32. */
export interface Network {
  readonly shape: NetworkShape;
  readonly layout: Layout;
  /** All of the memory; places of `layout` are positions in it. */
  readonly cells: Float32Array;
  readonly parameters: Float32Array;
  readonly gradients: Float32Array;
  readonly product: Product;
  /** What each hidden unit of a batch was multiplied by, layer after layer; null without dropout. */
  readonly masks: readonly Float32Array[] | null;
}

/** Silences hidden units in a step: draws come from `rng`. */
export interface Dropout {
  readonly share: number;
  readonly rng: Rng;
}

/** A network of zeros; `isPlain` takes the naive products, for tests. */
export function createNetwork(shape: NetworkShape, hasDropout: boolean, isPlain = false): Network {
  const layout = layoutOf(shape);
  const memory = createMemory(layout.pages, false);
  const cells = new Float32Array(memory.buffer);
  const { nParameters, layers, paddedRows } = layout;
  return {
    shape,
    layout,
    cells,
    parameters: cells.subarray(0, nParameters),
    gradients: cells.subarray(nParameters, 2 * nParameters),
    product: isPlain ? plainProduct(cells) : createProduct(memory, layout.pages),
    masks: hasDropout ? layers.slice(0, -1).map((layer) => new Float32Array(paddedRows * layer.paddedUnits)) : null,
  };
}

/**
 * Draws first weights and biases: uniform within 1 / sqrt(inputs of the layer), as PyTorch's linear layers have it. Larger
 * ones (He et al. 2015) learn the training rows sooner and others worse (benchmark mlp/fit). Embeddings within 1/2.
 */
export function drawWeights({ layout, parameters }: Network, rng: Rng): void {
  const { layers, embeddings, nEmbeddings } = layout;
  for (const { inputs, units, paddedUnits, weights, biases } of layers) {
    const reach = 1 / Math.sqrt(Math.max(1, inputs));
    const draw = (): number => (2 * rng.next() - 1) * reach;
    for (let i = 0; i < inputs; ++i) for (let u = 0; u < units; ++u) parameters[weights + i * paddedUnits + u] = draw();
    for (let u = 0; u < units; ++u) parameters[biases + u] = draw();
  }
  for (let i = embeddings; i < embeddings + nEmbeddings; ++i) parameters[i] = rng.next() - 0.5;
}

/** Fills the outputs of every layer from the inputs of `nRows` rows of the batch. */
export function forward(network: Network, nRows: number, dropout: Dropout | null): void {
  const { layout, shape, cells, product, masks } = network;
  const rows = Math.ceil(nRows / 4) * 4;
  let from = layout.inputs;
  layout.layers.forEach((layer, l) => {
    const { outputs, paddedInputs, paddedUnits, weights, biases, inputs } = layer;
    for (let row = 0; row < rows; ++row) cells.copyWithin(outputs + row * paddedUnits, biases, biases + paddedUnits);
    product({
      a: from * 4,
      rowStep: paddedInputs * 4,
      innerStep: 4,
      b: weights * 4,
      c: outputs * 4,
      rows,
      inner: inputs,
      columns: paddedUnits,
    });
    if (l + 1 < layout.layers.length) {
      const own = cells.subarray(outputs, outputs + nRows * paddedUnits);
      if (shape.activation === "relu") for (let i = 0; i < own.length; ++i) own[i] = own[i]! > 0 ? own[i]! : 0;
      else for (let i = 0; i < own.length; ++i) own[i] = tanh(own[i]!);
      if (dropout && masks) silence(own, masks[l]!, dropout);
    }
    from = outputs;
  });
}

/** Silences a share of the units and strengthens the others, so that their expected sum stays. */
function silence(values: Float32Array, mask: Float32Array, { share, rng }: Dropout): void {
  const strength = 1 / (1 - share);
  for (let i = 0; i < values.length; ++i) {
    mask[i] = rng.next() < share ? 0 : strength;
    values[i]! *= mask[i]!;
  }
}

/**
 * Fills the gradients of all weights, biases and (where there are tables) inputs from the slopes of the last layer: the
 * gradient of the loss by each score, a row of the batch each. `share` is that of the dropout of the forward pass, or 0.
 */
export function backward(network: Network, nRows: number, share: number): void {
  const { layout, shape, cells, product, masks } = network;
  const { layers } = layout;
  network.gradients.fill(0);
  for (let l = layers.length - 1; l >= 0; --l) {
    const layer = layers[l]!;
    const before = l > 0 ? layers[l - 1]! : null;
    gradientsOfLayer(network, layer, before?.outputs ?? layout.inputs, nRows);
    if (before === null && shape.tableColumns.length === 0) return;
    const target = before?.slopes ?? layout.inputSlopes;
    const rows = Math.ceil(nRows / 4) * 4;
    swap(cells, layer);
    cells.fill(0, target, target + rows * layer.paddedInputs);
    product({
      a: layer.slopes * 4,
      rowStep: layer.paddedUnits * 4,
      innerStep: 4,
      b: layer.swapped * 4,
      c: target * 4,
      rows,
      inner: layer.units,
      columns: layer.paddedInputs,
    });
    if (before === null) return;
    const slopes = cells.subarray(before.slopes, before.slopes + nRows * before.paddedUnits);
    const outputs = cells.subarray(before.outputs, before.outputs + nRows * before.paddedUnits);
    const mask = share > 0 && masks ? masks[l - 1]! : null;
    if (shape.activation === "relu") unbendRelu(slopes, outputs, mask);
    else unbendTanh(slopes, outputs, mask, 1 - share);
  }
}

function gradientsOfLayer(
  { layout, cells, product }: Network,
  { weights, biases, slopes, paddedInputs, paddedUnits }: LayerPlace,
  from: number,
  nRows: number,
): void {
  product({
    a: from * 4,
    rowStep: 4,
    innerStep: paddedInputs * 4,
    b: slopes * 4,
    c: (layout.gradients + weights) * 4,
    rows: paddedInputs,
    inner: nRows,
    columns: paddedUnits,
  });
  const at = layout.gradients + biases;
  for (let row = 0; row < nRows; ++row)
    for (let u = 0; u < paddedUnits; ++u) cells[at + u]! += cells[slopes + row * paddedUnits + u]!;
}

function swap(cells: Float32Array, { weights, swapped, paddedInputs, paddedUnits }: LayerPlace): void {
  for (let i = 0; i < paddedInputs; ++i)
    for (let u = 0; u < paddedUnits; ++u) cells[swapped + u * paddedInputs + i] = cells[weights + i * paddedUnits + u]!;
}

function unbendRelu(slopes: Float32Array, outputs: Float32Array, mask: Float32Array | null): void {
  if (mask) for (let i = 0; i < slopes.length; ++i) slopes[i]! *= outputs[i]! > 0 ? mask[i]! : 0;
  else for (let i = 0; i < slopes.length; ++i) if (!(outputs[i]! > 0)) slopes[i] = 0;
}

/** The slope of tanh is 1 - tanh^2; outputs were strengthened by 1 / kept. */
function unbendTanh(slopes: Float32Array, outputs: Float32Array, mask: Float32Array | null, kept: number): void {
  for (let i = 0; i < slopes.length; ++i) {
    const bent = outputs[i]! * kept;
    slopes[i]! *= (1 - bent * bent) * (mask ? mask[i]! : 1);
  }
}
