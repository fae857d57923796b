import type { Target } from "../../model/estimator.ts";
import type { NetworkPredictor } from "../../model/predictor.ts";
import type { Network } from "./network.ts";
import type { TargetScale } from "./scale.ts";

/** The learned network without its padding; the last layer gives the target's own scale. */
export function predictorOf(
  { shape, layout, parameters }: Network,
  { task }: Pick<Target, "task">,
  { mean, deviation }: TargetScale,
): NetworkPredictor {
  const weights: number[] = [];
  const biases: number[] = [];
  layout.layers.forEach((layer, l) => {
    const isLast = l + 1 === layout.layers.length;
    const factor = isLast ? deviation : 1;
    for (let i = 0; i < layer.inputs; ++i)
      for (let u = 0; u < layer.units; ++u)
        weights.push(factor * parameters[layer.weights + i * layer.paddedUnits + u]!);
    for (let u = 0; u < layer.units; ++u) biases.push(factor * parameters[layer.biases + u]! + (isLast ? mean : 0));
  });
  const { embeddings, nEmbeddings } = layout;
  return Object.freeze({
    kind: "network",
    link: task === "regression" ? "identity" : task === "binary" ? "sigmoid" : "softmax",
    outputs: shape.units.at(-1)!,
    nDense: shape.nDense,
    nSparse: shape.tableColumns.reduce((sum, columns) => sum + columns, 0),
    activation: shape.activation,
    units: Uint32Array.from(shape.units),
    tableColumns: Uint32Array.from(shape.tableColumns),
    tableWidths: Uint32Array.from(shape.tableWidths),
    embeddings: Float64Array.from(parameters.subarray(embeddings, embeddings + nEmbeddings)),
    weights: Float64Array.from(weights),
    biases: Float64Array.from(biases),
  });
}
