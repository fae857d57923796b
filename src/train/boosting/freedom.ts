import type { Candidate, Penalties } from "./candidate.ts";
import type { Constraints } from "./constraints.ts";
import { boundedStep, type StepBounds } from "./search-bounded.ts";

/** What the constraints leave to one leaf. */
export interface Freedom {
  readonly bounds: StepBounds;
  /** Features it may be split on. */
  readonly used: Uint8Array;
  /** Features its path has asked about. */
  readonly path: readonly number[];
}

/** The freedom of the children of a leaf split by `split`; `right` are the sums of the rows that go right. */
export function childFreedom(
  constraints: Constraints,
  freedom: Freedom,
  split: Candidate,
  right: { readonly gradient: number; readonly hessian: number },
  args: { readonly penalties: Penalties; readonly nValues: number; readonly used: Uint8Array },
): readonly [left: Freedom, right: Freedom] {
  const own = descent(constraints, freedom, split.feature, args.used);
  const direction = constraints.direction?.[split.feature] ?? 0;
  // A cut behind the last value parts the missing ones alone, which have no place in the order.
  if (direction === 0 || split.bin >= args.nValues - 1) return [own, own];
  const { bounds } = freedom;
  const ofLeft = boundedStep(split.gradient, split.hessian, args.penalties, bounds);
  const middle = (ofLeft + boundedStep(right.gradient, right.hessian, args.penalties, bounds)) / 2;
  const below = { ...own, bounds: { ...bounds, high: middle } };
  const above = { ...own, bounds: { ...bounds, low: middle } };
  return direction > 0 ? [below, above] : [above, below];
}

/** Features allowed together with all of the path: those of the groups that hold all of it, and the path itself. */
function descent({ groups }: Constraints, freedom: Freedom, feature: number, drawn: Uint8Array): Freedom {
  if (groups === null || freedom.path.includes(feature)) return freedom;
  const path = [...freedom.path, feature];
  const used = new Uint8Array(drawn.length);
  for (const f of path) used[f] = 1;
  for (const group of groups) {
    if (!path.every((f) => group.includes(f))) continue;
    for (const f of group) used[f] = drawn[f]!;
  }
  return { ...freedom, used, path };
}
