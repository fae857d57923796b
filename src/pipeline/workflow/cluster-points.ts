import type { ClusterSample } from "../../evaluate/cluster-sample.ts";
import type { Design } from "../../model/design.ts";
import type { Predictions } from "../../model/model.ts";

/** The silhouette takes time by the square of the rows. */
const mostRows = 2000;

/** Evenly spaced rows of a design as dense points with their clusters, to measure a clustering on. */
export function clusterSample(design: Design, predictions: Predictions): ClusterSample {
  const { dense, sparse } = design;
  const nRows = Math.min(mostRows, design.nRows);
  const nColumns = dense.length + sparse.names.length;
  const points = new Float64Array(nRows * nColumns);
  const assigned = new Int32Array(nRows);
  for (let i = 0; i < nRows; ++i) {
    const row = Math.floor((i * design.nRows) / nRows);
    assigned[i] = predictions.values[row * predictions.width]!;
    for (let j = 0; j < dense.length; ++j) points[i * nColumns + j] = dense[j]!.values[row]!;
    for (let k = sparse.offsets[row]!; k < sparse.offsets[row + 1]!; ++k) {
      points[i * nColumns + dense.length + sparse.indices[k]!] = sparse.values[k]!;
    }
  }
  return { points, nColumns, assigned };
}
