import { createRng } from "../../core/rng.ts";
import { sharedNumbers } from "../../core/shared-memory.ts";
import { type Design, emptySparseBlock } from "../../model/design.ts";
import type { Target } from "../../model/estimator.ts";

export interface RankingData {
  readonly design: Design;
  readonly target: Target;
}

/** Groups of 1 to `most` rows, dealt out in turn; a row's relevance rises with a * b and a level of the group says nothing. */
export function plantedRanking(nGroups: number, most: number, seed: number): RankingData {
  const rng = createRng(seed);
  const groups: number[] = [];
  for (let g = 0; g < nGroups; ++g) for (let i = 1 + rng.integer(most); i > 0; --i) groups.push(g);
  const nRows = groups.length;
  const order = Uint32Array.from(groups.keys()).sort((a, b) => ((a * 7919) % nRows) - ((b * 7919) % nRows));
  const [a, b, level] = [sharedNumbers(nRows), sharedNumbers(nRows), sharedNumbers(nRows)];
  const relevance = new Float64Array(nRows);
  const codes = new Uint32Array(nRows);
  order.forEach((from, row) => {
    const group = (codes[row] = groups[from]!);
    a[row] = rng.next();
    b[row] = rng.next();
    level[row] = ((group * 37) % 11) + rng.next();
    const merit = 5 * a[row]! * b[row]! + 0.5 * (rng.next() - 0.5);
    relevance[row] = Math.max(0, Math.min(4, Math.floor(merit)));
  });
  const dense = [a, b, level].map((values, j) => ({ name: `x${j}`, source: `x${j}`, values, cardinality: 0 }));
  return {
    design: { nRows, dense, sparse: emptySparseBlock(nRows) },
    target: { task: "ranking", values: relevance, nLabels: 0, weights: null, groups: codes },
  };
}
