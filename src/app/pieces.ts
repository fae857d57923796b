import { setImmediate } from "node:timers/promises";
import type { Clock } from "../core/clock.ts";

/** So long may a piece of work hold up requests, and one piece more. */
const sliceMs = 0.5;

/** Does work that comes in pieces, and lets the event loop turn between them as often as it takes. */
export async function inPieces<T>(pieces: Generator<undefined, T, undefined>, clock: Clock): Promise<T> {
  for (let since = clock.monotonic(); ;) {
    const { done, value } = pieces.next();
    if (done) return value;
    if (clock.monotonic() - since < sliceMs) continue;
    await setImmediate();
    since = clock.monotonic();
  }
}
