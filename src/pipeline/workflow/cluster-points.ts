import type { ClusterSample } from "../../evaluate/cluster-sample.ts";
import type { Design } from "../../model/design.ts";
import type { Predictions } from "../../model/model.ts";

/** The silhouette takes time by the square of the rows. */
const mostRows = 2000;

/** Evenly spaced rows of a design as dense points with their clusters, in a second fit too where there is one. */
export function clusterSample(design: Design, predictions: Predictions, second: Predictions | null): ClusterSample {
  const { dense, sparse } = design;
  const nRows = Math.min(mostRows, design.nRows);
  const nColumns = dense.length + sparse.names.length;
  const points = new Float64Array(nRows * nColumns);
  const assigned = new Int32Array(nRows);
  const again = second && new Int32Array(nRows);
  for (let i = 0; i < nRows; ++i) {
    const row = Math.floor((i * design.nRows) / nRows);
    assigned[i] = predictions.values[row * predictions.width]!;
    if (again) again[i] = second!.values[row * second!.width]!;
    for (let j = 0; j < dense.length; ++j) points[i * nColumns + j] = dense[j]!.values[row]!;
    for (let k = sparse.offsets[row]!; k < sparse.offsets[row + 1]!; ++k) {
      points[i * nColumns + dense.length + sparse.indices[k]!] = sparse.values[k]!;
    }
  }
  return { points, nColumns, assigned, again };
}
