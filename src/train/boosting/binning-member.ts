import type { Team } from "../../threads/team.ts";
import { type BoundsOrder, type RowsOrder, boundsOf, writeRowBins } from "./binning.ts";
import type { ColumnBins } from "./bins.ts";

/** What a worker runs to bin its share: gives the bins it found, or nothing where it wrote rows. */
export async function runMember(payload: unknown, team: Team): Promise<(ColumnBins | null)[] | void> {
  const order = payload as BoundsOrder | RowsOrder;
  const work = order.kind === "bounds" ? boundsOf(order, team) : writeRowBins(order, team);
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
    if (team.stopRequested()) return;
  }
}
