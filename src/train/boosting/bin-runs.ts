import type { KernelShape } from "./kernels/shape.ts";

/** Bins, counted over all features, of which threads keep packed sums until they are added up, or do not: `from` to before `to`. */
export interface BinRun {
  readonly isKept: boolean;
  readonly from: number;
  readonly to: number;
}

/** The bins of features `first` to before `end` as runs, in their order. */
export function runsOf(
  { binOffsets }: Pick<KernelShape, "binOffsets">,
  kept: readonly boolean[],
  first: number,
  end: number,
): readonly BinRun[] {
  const runs: BinRun[] = [];
  for (let f = first, next = f; f < end; f = next) {
    while (next < end && kept[next] === kept[f]) next += 1;
    runs.push({ isKept: kept[f]!, from: binOffsets[f]!, to: binOffsets[next]! });
  }
  return runs;
}

/** The largest number of rows in any bin of a feature, of a histogram that begins at word `at`. */
export function mostRowsOf(
  words: Int32Array,
  at: number,
  { countShift, binOffsets }: KernelShape,
  feature: number,
): number {
  const end = at + binOffsets[feature + 1]! * 4;
  let most = 0;
  for (let cell = at + binOffsets[feature]! * 4; cell < end; cell += 4) {
    most = Math.max(most, words[cell + 3]! >>> (countShift - 32));
  }
  return most;
}
