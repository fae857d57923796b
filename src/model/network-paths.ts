import type { NetworkPredictor } from "./predictor.ts";
import { networkInputs, tableReach } from "./score-network.ts";

/** For each design column the sum over all ways from it to a score of the products of the weights' sizes. */
export function pathSizes(predictor: NetworkPredictor): Float64Array {
  const { nDense, nSparse, units, weights, embeddings } = predictor;
  const widths = [networkInputs(predictor), ...units];
  let sizes: Float64Array = new Float64Array(predictor.outputs).fill(1);
  let end = weights.length;
  for (let layer = units.length - 1; layer >= 0; --layer) {
    const nUnits = units[layer]!;
    const at = end - widths[layer]! * nUnits;
    const after = sizes;
    sizes = new Float64Array(widths[layer]!).map((_, i) =>
      after.reduce((sum, size, u) => sum + size * Math.abs(weights[at + i * nUnits + u]!), 0),
    );
    end = at;
  }
  const out = new Float64Array(nDense + nSparse);
  out.set(sizes.subarray(0, nDense));
  const { at, width, input } = tableReach(predictor);
  for (let s = 0; s < nSparse; ++s)
    for (let d = 0; d < width[s]!; ++d) out[nDense + s]! += Math.abs(embeddings[at[s]! + d]!) * sizes[input[s]! + d]!;
  return out;
}
