/** Time as an argument: wall time for people and records, monotonic time for durations. */
export interface Clock {
  /** Milliseconds since 1970 UTC. */
  now(): number;
  /** Milliseconds from an arbitrary start, never backwards. */
  monotonic(): number;
}

/** The machine's own clock; the only place that reads it. */
export const systemClock: Clock = Object.freeze({
  now: () => Date.now(),
  monotonic: () => performance.now(),
});

/** A clock that stands still until it is moved, for tests. */
export function fixedClock(startMs = 0): Clock & { advance(ms: number): void } {
  let time = startMs;
  return {
    now: () => time,
    monotonic: () => time,
    advance(ms) {
      time += ms;
    },
  };
}
