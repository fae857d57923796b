import { log } from "../../math/elementary.ts";
import type { TreesPredictor } from "../../model/predictor.ts";
import { emptyTable } from "../boosting/predictor.ts";
import type { IsolationTree } from "./grower.ts";
import { meanPathLength } from "./path-length.ts";

const ln2 = log(2);

/**
 * Trees whose sum is the logarithm of the anomaly score 2^(-E[h] / c(sampleRows)): each leaf holds its share of it, from its
 * depth and the mean path length of the rows that stay together there. A row among one or none scores 0.5, as in
 * scikit-learn. A split's gain is how much it lowers the squared deviation of these values, so that importance is told by
 * columns that part early from late isolated rows.
 */
export function isolationPredictor(trees: readonly IsolationTree[], sampleRows: number): TreesPredictor {
  const table = emptyTable(trees.reduce((total, tree) => total + tree.feature.length, 0));
  const sets: number[] = [];
  const treeOffsets = new Uint32Array(trees.length);
  let offset = 0;
  trees.forEach((tree, t) => {
    treeOffsets[t] = offset;
    const lengths = lengthsOf(tree, sampleRows);
    // Children stand after their parent: from the last node on, both are finished when it is reached.
    for (let node = tree.feature.length - 1; node >= 0; --node) {
      const at = offset + node;
      table.feature[at] = tree.feature[node]!;
      table.cover[at] = tree.rows[node]!;
      if (tree.feature[node]! < 0) table.value[at] = (-ln2 * lengths[node]!) / trees.length;
      else writeSplit(table, sets, tree, node, offset);
    }
    offset += tree.feature.length;
  });
  return {
    kind: "trees",
    link: "log",
    outputs: 1,
    base: new Float64Array(1),
    treeOffsets,
    treeOutput: new Uint32Array(trees.length),
    ...table,
    categorySets: Uint32Array.from(sets),
  };
}

function writeSplit(
  table: ReturnType<typeof emptyTable>,
  sets: number[],
  tree: IsolationTree,
  node: number,
  offset: number,
): void {
  const at = offset + node;
  const left = (table.left[at] = offset + tree.left[node]!);
  const right = (table.right[at] = offset + tree.right[node]!);
  const [a, b] = [table.cover[left]!, table.cover[right]!];
  const difference = table.value[left]! - table.value[right]!;
  table.value[at] = (a * table.value[left]! + b * table.value[right]!) / (a + b);
  table.gain[at] = ((a * b) / (a + b)) * difference * difference;
  table.missingLeft[at] = tree.missingLeft[node]!;
  const levels = tree.levels.get(node);
  if (levels === undefined) table.threshold[at] = tree.threshold[node]!;
  else {
    table.categoryOffset[at] = sets.length;
    sets.push(...levels);
  }
}

/** Path lengths to each node, of a row that ends there, as shares of the usual one. */
function lengthsOf(tree: IsolationTree, sampleRows: number): Float64Array {
  const usual = meanPathLength(sampleRows);
  const depths = depthsOf(tree);
  return Float64Array.from(depths, (depth, node) =>
    usual > 0 ? (depth + meanPathLength(tree.rows[node]!)) / usual : 1,
  );
}

function depthsOf({ feature, left, right }: IsolationTree): Int32Array {
  const depths = new Int32Array(feature.length);
  for (let node = 0; node < feature.length; ++node) {
    if (feature[node]! < 0) continue;
    depths[left[node]!] = depths[node]! + 1;
    depths[right[node]!] = depths[node]! + 1;
  }
  return depths;
}
