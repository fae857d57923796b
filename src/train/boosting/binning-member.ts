import type { DenseColumn } from "../../model/design.ts";
import { findCollectorInTurns, isWorthReclaiming, reclaimMemory } from "../../threads/reclaim-memory.ts";
import type { Team } from "../../threads/team.ts";
import { withoutValues } from "../training-columns.ts";
import {
  type BoundBins,
  type BoundsOrder,
  type InfiniteRows,
  type RowsOrder,
  boundsOf,
  writeColumns,
  writeValidationRows,
} from "./binning.ts";

/** What a worker runs to bin its share: gives the bins it found, or what it found infinite in the rows it wrote. */
export async function runMember(payload: unknown, team: Team): Promise<(BoundBins | null)[] | InfiniteRows | void> {
  const order = payload as BoundsOrder | RowsOrder;
  return order.kind === "bounds" ? finished(boundsOf(order, team), team) : writeRows(order, team);
}

/**
 * Of a large table some columns are given back before the others are binned: bins take an eighth of what values do, so that the
 * table is never in memory beside more bins than those of its first columns.
 */
function writeRows(order: RowsOrder, team: Team): InfiniteRows {
  const { columns, validationColumns, plan } = order;
  const isLarge = isWorthReclaiming(plan.nRows, columns.length);
  const first = isLarge ? firstOf(columns) : columns.length;
  if (isLarge) findCollectorInTurns(team);
  const eighth = finished(writeColumns(order, team, [0, first]), team) ?? [];
  letGo(columns, first);
  if (first < columns.length) reclaimMemory();
  const others = finished(writeColumns(order, team, [first, columns.length]), team) ?? [];
  const validation = finished(writeValidationRows(order, team), team) ?? [];
  letGo(columns, columns.length);
  letGo(validationColumns, validationColumns.length);
  if (isLarge) reclaimMemory();
  return { train: [...eighth, ...others], validation };
}

function letGo(columns: DenseColumn[], end: number): void {
  for (let f = 0; f < end; ++f) columns[f] = withoutValues(columns[f]!);
}

/** An eighth of the columns, and those that share a buffer with the last of them. */
function firstOf(columns: readonly DenseColumn[]): number {
  const eighth = Math.ceil(columns.length / 8);
  const next = columns.findIndex(({ values }, f) => f >= eighth && values.buffer !== columns[f - 1]!.values.buffer);
  return next < 0 ? columns.length : next;
}

/** What the steps give; nothing where the team is to stop before. */
function finished<Result>(steps: Generator<void, Result>, team: Team): Result | void {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    if (team.stopRequested()) return;
  }
}
