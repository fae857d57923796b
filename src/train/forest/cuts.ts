import { cutState } from "./memory.ts";
import type { ForestView } from "./view.ts";

/** Rows of a node on the left of a cut. */
interface Side {
  count: number;
  weight: number;
  readonly sums: Float64Array;
}

/** A search for cuts in one column of a node, whose bins are summed. */
export interface CutSearch {
  readonly view: ForestView;
  readonly nRows: number;
  readonly minRows: number;
  /** Bins with rows, ascending. */
  readonly bins: readonly number[];
  readonly left: Side;
}

/** Takes the marks of the bins with rows; `clearBins` is to follow. */
export function openSearch(view: ForestView, nRows: number, minRows: number): CutSearch {
  const { seen, outputs } = view;
  const bins: number[] = [];
  for (let bin = 0; bin < 256; ++bin) if (seen[bin] !== 0) bins.push(bin);
  return { view, nRows, minRows, bins, left: { count: 0, weight: 0, sums: new Float64Array(outputs) } };
}

/** Leaves sums, counts and marks as they are wanted for the next column. */
export function clearBins({ view, bins }: CutSearch): void {
  const { sums, counts, seen, outputs } = view;
  for (const bin of bins) {
    counts[bin] = 0;
    seen[bin] = 0;
    sums.fill(0, bin * (1 + outputs), (bin + 1) * (1 + outputs));
  }
}

/** Takes a bin to the left. */
export function addBin({ view, left }: CutSearch, bin: number): void {
  const { sums, counts, outputs } = view;
  const at = bin * (1 + outputs);
  left.count += counts[bin]!;
  left.weight += sums[at]!;
  for (let k = 0; k < outputs; ++k) left.sums[k]! += sums[at + 1 + k]!;
}

/** Keeps the cut with `left` on the left, as `name`, where it is the best so far; whether it is. */
export function consider({ view, nRows, minRows, left }: CutSearch, name: number): boolean {
  const { state, found, outputs } = view;
  const weight = state[cutState.totals]! - left.weight;
  if (left.count < minRows || nRows - left.count < minRows || !(left.weight > 0) || !(weight > 0)) return false;
  let ofLeft = 0;
  let ofRight = 0;
  for (let k = 0; k < outputs; ++k) {
    const own = left.sums[k]!;
    const rest = state[cutState.totals + 1 + k]! - own;
    ofLeft += own * own;
    ofRight += rest * rest;
  }
  const score = ofLeft / left.weight + ofRight / weight;
  if (!(score > state[cutState.score]!)) return false;
  state[cutState.score] = score;
  found[0] = name;
  found[1] = left.count;
  return true;
}

/** What the kernel `cut` does, for any number of outputs; whether more than one bin has rows. */
export function everyCut(view: ForestView, missing: number, nRows: number, minRows: number): boolean {
  if (view.counts[missing]! > 0) {
    const search = openSearch(view, nRows, minRows);
    addBin(search, missing);
    scan(search, true);
  }
  const search = openSearch(view, nRows, minRows);
  scan(search, false);
  clearBins(search);
  return search.bins.length > 1;
}

function scan(search: CutSearch, isMissingLeft: boolean): void {
  for (const bin of search.bins) {
    addBin(search, bin);
    consider(search, isMissingLeft ? ~bin : bin);
  }
}
