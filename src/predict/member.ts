import { rowRange, type Design } from "../model/design.ts";
import type { Predictor } from "../model/predictor.ts";
import { outputsOf } from "../model/score.ts";

/** Rows a thread takes at a time: few enough that a thread with a busy neighbour leaves more to the others. */
export const rowsAtOnce = 8192;

/** What every thread reads and writes where it stands: all arrays are in shared memory. */
export interface Scoring {
  readonly predictor: Predictor;
  /** The same for the same predictor, so that a thread lays it out once. */
  readonly key: number;
  readonly design: Design;
  /** Row-major, `predictor.outputs` a row. */
  readonly outputs: Float64Array;
  /** One number: the first row that no thread has taken. */
  readonly next: Int32Array;
}

let latest: Pick<Scoring, "predictor" | "key"> | null = null;

/** Takes rows until there are none left. */
export async function runMember(payload: unknown): Promise<void> {
  scoreRows(payload as Scoring);
}

function scoreRows({ predictor, key, design, outputs, next }: Scoring): void {
  if (latest?.key !== key) latest = { predictor, key };
  const { predictor: known } = latest;
  for (;;) {
    const from = Atomics.add(next, 0, rowsAtOnce);
    if (from >= design.nRows) return;
    const rows = rowRange(design, from, Math.min(design.nRows, from + rowsAtOnce));
    outputs.set(outputsOf(known, rows), from * known.outputs);
  }
}
