import type { Candidate, Totals } from "./candidate.ts";
import type { KernelShape } from "./kernels/shape.ts";
import { type Layout, candidateNumbers } from "./plan.ts";
import type { View } from "./view.ts";

/** Totals of the leaf whose histogram begins at word `at`: the bins of any feature sum up to them. */
export function totalsAt(words: Int32Array, at: number, shape: KernelShape): Totals {
  const shift = shape.countShift - 32;
  const mask = 2 ** shift - 1;
  let [gradient, hessian, count] = [0, 0, 0];
  for (let cell = at; cell < at + shape.binOffsets[1]! * 4; cell += 4) {
    gradient += words[cell + 1]! * 4294967296 + (words[cell]! >>> 0);
    hessian += (words[cell + 3]! & mask) * 4294967296 + (words[cell + 2]! >>> 0);
    count += words[cell + 3]! >>> shift;
  }
  return { gradient, hessian, count };
}

/** Writes a thread's best split where all threads can read it. */
export function publish({ candidates, bytes }: View, layout: Layout, place: number, best: Candidate): void {
  const at = place * candidateNumbers;
  candidates[at] = best.score;
  candidates[at + 1] = best.feature;
  candidates[at + 2] = best.bin;
  candidates[at + 3] = best.missingLeft;
  candidates[at + 4] = best.gradient;
  candidates[at + 5] = best.hessian;
  candidates[at + 6] = best.count;
  bytes.set(best.routes, layout.candidateRoutes + place * best.routes.length);
}

/** Copies the best of what the threads found to `into`; false where none found any. Ties go to the lowest thread, which has the lowest features. */
export function takeBest(
  { candidates, bytes }: View,
  layout: Layout,
  threads: number,
  which: 0 | 1,
  into: Candidate,
): boolean {
  let chosen = -1;
  for (let place = which; place < threads * 2; place += 2) {
    const at = place * candidateNumbers;
    if (candidates[at + 1]! < 0) continue;
    if (chosen < 0 || candidates[at]! > candidates[chosen * candidateNumbers]!) chosen = place;
  }
  if (chosen < 0) return false;
  const at = chosen * candidateNumbers;
  into.score = candidates[at]!;
  into.feature = candidates[at + 1]!;
  into.bin = candidates[at + 2]!;
  into.missingLeft = candidates[at + 3]!;
  into.gradient = candidates[at + 4]!;
  into.hessian = candidates[at + 5]!;
  into.count = candidates[at + 6]!;
  const room = into.routes.length;
  const routesAt = layout.candidateRoutes + chosen * room;
  into.routes.set(bytes.subarray(routesAt, routesAt + room));
  return true;
}

/** The first feature whose bins start at or after a share of all bins: divides the search evenly among threads. */
export function featureAt(binOffsets: Uint32Array, nFeatures: number, share: number): number {
  const limit = binOffsets[nFeatures]! * share;
  let feature = 0;
  while (feature < nFeatures && binOffsets[feature]! < limit) ++feature;
  return feature;
}
