import type { DenseColumn } from "../../model/design.ts";
import { runCrew } from "../../threads/crew.ts";
import { workerModule } from "../../threads/location.ts";
import {
  type BoundBins,
  type BoundsOrder,
  type InfiniteCounts,
  type InfiniteRows,
  type RowsOrder,
  boundsOf,
  writeColumns,
  writeValidationRows,
} from "./binning.ts";

/** Columns in memory, of the rows to learn from and of those to watch. */
export interface HeldColumns {
  readonly columns: DenseColumn[];
  readonly validationColumns: DenseColumn[];
}

/** How binning is done: by workers that read the columns where they stand, or here with pauses. */
export interface Work {
  readonly threads: number;
  readonly pause: () => Promise<void>;
}

/** The bins of all columns. */
export async function binAll(order: BoundsOrder, work: Work): Promise<BoundBins[]> {
  if (work.threads === 1) {
    return (await finished(boundsOf(order, { thread: 0, threads: 1 }), work.pause)) as BoundBins[];
  }
  const found = (await runBinning(order, work)) as (BoundBins | null)[][];
  return order.columns.map((_, f) => found[f % work.threads]![f]!);
}

/** Writes the bins of all rows; gives how many infinite values each column has, of which there is no bin. */
export async function writeAll(order: RowsOrder, work: Work): Promise<InfiniteRows> {
  if (work.threads > 1) return ((await runBinning(order, work)) as InfiniteRows[]).reduce(bothCounts);
  const alone = { thread: 0, threads: 1 };
  return {
    train: await finished(writeColumns(order, alone, [0, order.columns.length]), work.pause),
    validation: await finished(writeValidationRows(order, alone), work.pause),
  };
}

function bothCounts(one: InfiniteRows, other: InfiniteRows): InfiniteRows {
  const added = (some: InfiniteCounts, more: InfiniteCounts): number[] => some.map((count, f) => count + more[f]!);
  return { train: added(one.train, other.train), validation: added(one.validation, other.validation) };
}

/** Runs steps to their end, with pauses. */
export async function finished<Result>(steps: Generator<void, Result>, pause: () => Promise<void>): Promise<Result> {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    await pause();
  }
}

async function runBinning(payload: BoundsOrder | RowsOrder, { threads, pause }: Work): Promise<unknown[]> {
  const fileOf = (name: string): string => workerModule(name, import.meta.url) ?? "";
  const [module, next] = [fileOf("binning-member"), fileOf("member")];
  const results = await runCrew({ module, next, payload, threads, watch: () => {}, watchMs: 1000 });
  await pause();
  return results;
}
