import { MillraceError } from "../../core/errors/error.ts";
import { firstIrrelevance, mostRelevance } from "../../metrics/ndcg.ts";
import { type RowGroups, meanWeight, rowsByGroup } from "../../metrics/row-groups.ts";
import type { Target } from "../../model/estimator.ts";

/**
 * The rows of each group of a target of ranking, null for other tasks. Throws DEFINITION_INVALID without groups, and where a value is no
 * relevance.
 */
export function groupsOf({ task, values, groups }: Target): RowGroups | null {
  if (task !== "ranking") return null;
  if (groups === undefined)
    throw new MillraceError("DEFINITION_INVALID", {
      subject: "group",
      rule: "must name the column whose rows are ranked among each other",
      actual: "none",
    });
  const wrong = firstIrrelevance(values);
  if (wrong !== undefined)
    throw new MillraceError("DEFINITION_INVALID", {
      subject: "the target",
      rule: `must be whole numbers from 0 to ${mostRelevance} for ranking`,
      actual: String(wrong),
      remedy: "Give each row its relevance: 0 for none, 1, 2, ... for more.",
    });
  return rowsByGroup(groups);
}

/** What the losses of a target are divided by: the weight of all rows, or of all groups with a relevant row. */
export function totalWeight(target: Target): number {
  const { task, values, weights, groups } = target;
  let total = 0;
  if (task !== "ranking" || groups === undefined) {
    if (weights === null) return values.length;
    for (const weight of weights) total += weight;
    return total;
  }
  const { order, starts } = rowsByGroup(groups);
  for (let g = 1; g < starts.length; ++g) {
    const [from, to] = [starts[g - 1]!, starts[g]!];
    if (!order.subarray(from, to).some((row) => values[row]! > 0)) continue;
    total += weights === null ? 1 : meanWeight(order, from, to, weights);
  }
  return total;
}
