import type { ForestPlan } from "./plan.ts";
import { cutState, type ForestPlaces, mostBytes, placesOf } from "./memory.ts";

/** One thread's arrays over the memory of a forest. */
export interface ForestView {
  readonly places: ForestPlaces;
  readonly outputs: number;
  /** The whole memory, three times; of the bytes the first 4 GiB. */
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
  readonly doubles: Float64Array;
  readonly next: Int32Array;
  readonly rows: Uint32Array;
  readonly pairs: Float64Array;
  readonly nearRows: Uint32Array;
  readonly sums: Float64Array;
  readonly counts: Uint32Array;
  readonly seen: Uint8Array;
  readonly state: Float64Array;
  /** The best cut's bin and its rows on the left. */
  readonly found: Int32Array;
  readonly routes: Uint8Array;
}

export function openView(plan: Pick<ForestPlan, "memory" | "shape">, thread: number): ForestView {
  const { nRows, outputs } = plan.shape;
  const { buffer } = plan.memory;
  const places = placesOf(plan.shape, thread);
  return {
    places,
    outputs,
    bytes: new Uint8Array(buffer, 0, Math.min(mostBytes, buffer.byteLength)),
    words: new Uint32Array(buffer),
    doubles: new Float64Array(buffer),
    next: new Int32Array(buffer, places.next, 1),
    rows: new Uint32Array(buffer, places.rows, nRows),
    pairs: new Float64Array(buffer, places.pairs, 2 * nRows),
    nearRows: new Uint32Array(buffer, places.nearRows, (places.sums - places.nearRows) / 4),
    sums: new Float64Array(buffer, places.sums, 256 * (1 + outputs)),
    counts: new Uint32Array(buffer, places.counts, 256),
    seen: new Uint8Array(buffer, places.seen, 256),
    state: new Float64Array(buffer, places.state, cutState.totals + 1 + outputs),
    found: new Int32Array(buffer, places.state + 8 * cutState.found, 2),
    routes: new Uint8Array(buffer, places.routes, 256),
  };
}
