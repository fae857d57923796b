import { nearestName } from "../../core/nearest.ts";
import type { Loss, Settings } from "./plan.ts";
import { refuse } from "./refusal.ts";

/** What trees must keep to, by feature number. */
export interface Constraints {
  /** 1: the score never falls where the feature rises, -1: it never rises, 0: free; null where all are free. */
  readonly direction: Int8Array | null;
  /** Features that may meet on one path from root to leaf; null where all may. A feature in no group meets none. */
  readonly groups: readonly (readonly number[])[] | null;
}

interface Column {
  readonly source: string;
  readonly cardinality: number;
}

/** Finds the named columns; throws HYPERPARAMETER_INVALID on names there are not, and on orders that cannot be kept. */
export function constraintsOf(settings: Settings, loss: Loss, columns: readonly Column[]): Constraints {
  const { increasing, decreasing, interactions } = settings;
  const isOrdered = increasing.length + decreasing.length > 0;
  if (isOrdered && loss !== "squared" && loss !== "logistic" && loss !== "lambdarank")
    refuse(increasing.length > 0 ? "increasing" : "decreasing", `left out for ${lossText(loss)}`, "names");
  const direction = isOrdered ? new Int8Array(columns.length) : null;
  for (const name of increasing) direction![orderedColumn("increasing", name, columns)] = 1;
  for (const name of decreasing) {
    const column = orderedColumn("decreasing", name, columns);
    if (direction![column] === 1) refuse("decreasing", "columns that are not increasing, too", JSON.stringify(name));
    direction![column] = -1;
  }
  const groups = interactions.map((group) => group.flatMap((name) => columnsOf("interactions", name, columns)));
  return { direction, groups: interactions.length > 0 ? groups : null };
}

function lossText(loss: Loss): string {
  return loss === "softmax" ? "three labels or more" : `the loss "${loss}"`;
}

function orderedColumn(hyperparameter: string, name: string, columns: readonly Column[]): number {
  const [column, more] = columnsOf(hyperparameter, name, columns);
  if (more !== undefined || columns[column!]!.cardinality > 0)
    refuse(hyperparameter, "names of columns that are one number each", JSON.stringify(name));
  return column!;
}

/** The design columns a feature gave. */
function columnsOf(hyperparameter: string, name: string, columns: readonly Column[]): number[] {
  const found = columns.flatMap(({ source }, column) => (source === name ? [column] : []));
  if (found.length > 0) return found;
  const nearest = nearestName(
    name,
    columns.map(({ source }) => source),
  );
  const hint = nearest === undefined ? "" : ` (did you mean "${nearest}"?)`;
  return refuse(hyperparameter, `names of columns the model reads${hint}`, JSON.stringify(name));
}
