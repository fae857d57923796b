import { parseDuration } from "../core/duration.ts";
import { invalidDefinition } from "../frame/definition-fault.ts";
import type { Roles, Task } from "../model/model.ts";
import type { SplitPlan } from "./split.ts";
import { roleOf } from "./roles.ts";

/** What a definition may say about its split; everything left out is chosen by completeSplit(). */
export interface SplitOptions {
  readonly by?: SplitPlan["by"];
  readonly test?: number;
  readonly validation?: number;
  /** A duration such as "7d". */
  readonly gap?: string;
  readonly column?: string;
  /** The column that names each row's fold; it is no part of the plan, for it moves no row between train and test. */
  readonly folds?: string;
}

/**
 * A whole split plan. `by` follows the roles: time, else group, else target (classification), else random. `test` is 0.2 of the
 * rows, `validation` 0.1 or half of what is left. Throws DEFINITION_INVALID on shares or roles that cannot be.
 */
export function completeSplit(options: SplitOptions, roles: Roles, task: Task): SplitPlan {
  const by = options.by ?? naturalSplit(roles, task);
  if (task === "ranking" && (by === "random" || by === "target"))
    throw invalidDefinition(
      "split.by",
      "must keep the rows of a group together where they are ranked",
      JSON.stringify(by),
    );
  if (by === "hash") roleOf(roles, roles.group === null ? "id" : "group");
  else if (by !== "random" && by !== "column") roleOf(roles, by);
  const test = share("split.test", options.test ?? 0.2);
  // Whether there are rows for early stopping is for the column to say.
  const validation =
    by === "column" ? 0 : share("split.validation", options.validation ?? Math.min(0.1, (1 - test) / 2));
  if (test + validation >= 1)
    throw invalidDefinition("split.test + split.validation", "must leave rows to train on", String(test + validation));
  return Object.freeze({ by, test, validation, ...gapOf(options, by), ...columnOf(options, by) });
}

function gapOf({ gap }: SplitOptions, by: SplitPlan["by"]): { readonly gapMs?: number } {
  if (gap === undefined) return {};
  const gapMs = parseDuration(gap);
  if (gapMs === undefined) throw invalidDefinition("split.gap", 'must be a duration such as "7d"', JSON.stringify(gap));
  if (by !== "time") throw invalidDefinition("split.gap", "is for a split by time", `split.by: "${by}"`);
  return { gapMs };
}

function columnOf({ column }: SplitOptions, by: SplitPlan["by"]): { readonly column?: string } {
  if (by !== "column") {
    if (column !== undefined) throw invalidDefinition("split.column", 'is for split.by: "column"', `split.by: "${by}"`);
    return {};
  }
  if (column === undefined)
    throw invalidDefinition("split.column", 'must name the column that split.by: "column" goes by', "none");
  return { column };
}

function naturalSplit(roles: Roles, task: Task): SplitPlan["by"] {
  if (roles.time !== null) return "time";
  if (roles.group !== null) return "group";
  return task === "binary" || task === "multiclass" ? "target" : "random";
}

function share(subject: string, value: number): number {
  if (!(value >= 0 && value < 1))
    throw invalidDefinition(subject, "must be a share from 0 up to, not including, 1", String(value));
  return value;
}
