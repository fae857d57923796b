import { partitionPlainly } from "../boosting/kernels/plain-partition.ts";
import { everyCut } from "./cuts.ts";
import type { ForestKernels } from "./kernels.ts";
import type { ForestView } from "./view.ts";

/** The kernels in plain steps, for any number of outputs: what runs where WebAssembly does not. */
export function naiveKernels(view: ForestView): ForestKernels {
  const { bytes, words, doubles, outputs } = view;
  const width = 1 + outputs;
  const addPair = (pair: number, into: number): void => {
    const weight = doubles[pair]!;
    doubles[into]! += weight;
    if (outputs === 1) doubles[into + 1]! += doubles[pair + 1]!;
    else doubles[into + 1 + doubles[pair + 1]!]! += weight;
  };
  return {
    total(at, end, pairs, totals) {
      doubles.fill(0, totals / 8, totals / 8 + width);
      for (let i = at / 4; i < end / 4; ++i) addPair(pairs / 8 + 2 * words[i]!, totals / 8);
    },
    sum(at, end, column, pairs, sums) {
      for (let i = at / 4; i < end / 4; ++i) {
        const bin = bytes[column + words[i]!]!;
        view.counts[bin]! += 1;
        view.seen[bin] = 128;
        addPair(pairs / 8 + 2 * words[i]!, sums / 8 + bin * width);
      }
    },
    cut: (_sums, _state, missing, nRows, minRows) => Number(everyCut(view, missing, nRows, minRows)),
    partition: (at, end, target, column, routes, scratch) =>
      partitionPlainly({ words, bytes, cells: bytes }, at, end, target, column, routes, scratch),
    copyBins(at, end, column, out) {
      for (let i = at / 4, to = out; i < end / 4; ++i) bytes[to++] = bytes[column + words[i]!]!;
    },
    copyPairs(at, end, pairs, out) {
      for (let i = at / 4, to = out / 8; i < end / 4; ++i, to += 2) {
        doubles[to] = doubles[pairs / 8 + 2 * words[i]!]!;
        doubles[to + 1] = doubles[pairs / 8 + 2 * words[i]! + 1]!;
      }
    },
  };
}
