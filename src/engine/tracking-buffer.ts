import type { Compilable } from "kysely";
import { keepLease } from "../store/leases.ts";
import type { Store } from "../store/open.ts";
import type { HeldRun } from "./run-record.ts";

/** Buffered numbers are written after so many, or so long: that much a crash can lose. */
const most = 500;
const flushMs = 500;

interface MetricRow {
  readonly run_id: string;
  readonly step: string;
  readonly attempt: number;
  readonly metric: string;
  readonly value: number | null;
}

interface PointRow {
  readonly run_id: string;
  readonly metric: string;
  readonly position: number;
  readonly value: number | null;
}

/** What waits to be written of a tracked run. */
export interface TrackingBuffer {
  add(query: Compilable): void;
  number(last: MetricRow, point: PointRow): void;
  /** Resolves once all that was added is written. Throws what kept it from being. */
  flush(): Promise<void>;
  end(): Promise<void>;
}

/** Writes what is tracked in lots, one after another, as long as this process holds the run. */
export function createTrackingBuffer(store: Store, held: HeldRun): TrackingBuffer {
  let queries: Compilable[] = [];
  let last = new Map<string, MetricRow>();
  let points = new Map<string, PointRow>();
  let current: Promise<unknown> = Promise.resolve();
  const write = async (): Promise<void> => {
    const lot = [...queries, ...numberQueries(store, [...last.values()], [...points.values()])];
    [queries, last, points] = [[], new Map(), new Map()];
    if (lot.length > 0) await store.write(lot, held.fence);
  };
  const flush = (): Promise<void> => {
    const next = current.then(write);
    // A lot that could not be written stays lost: nothing after it may look as if all were there.
    current = next;
    next.catch(() => {});
    return next;
  };
  const timer = setInterval(() => {
    if (queries.length + points.size > 0) void flush();
  }, flushMs);
  timer.unref();
  const heartbeat = keepLease(store, held.fence, () => clearInterval(timer));
  return {
    add: (query) => void queries.push(query),
    number(metric, point) {
      last.set(metric.metric, metric);
      points.set(`${point.position} ${point.metric}`, point);
      if (points.size >= most) void flush();
    },
    flush,
    async end() {
      clearInterval(timer);
      heartbeat.stop();
      await flush();
    },
  };
}

function numberQueries({ database }: Store, last: readonly MetricRow[], points: readonly PointRow[]): Compilable[] {
  if (points.length === 0) return [];
  return [
    database
      .insertInto("metrics")
      .values(last)
      .onConflict((conflict) =>
        conflict
          .columns(["run_id", "step", "attempt", "metric"])
          .doUpdateSet((e) => ({ value: e.ref("excluded.value") })),
      ),
    database
      .insertInto("series")
      .values(points)
      .onConflict((conflict) =>
        conflict.columns(["run_id", "metric", "position"]).doUpdateSet((e) => ({ value: e.ref("excluded.value") })),
      ),
  ];
}
