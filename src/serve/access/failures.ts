import type { Clock } from "../../core/clock.ts";

const windowMs = 60_000;
/** More addresses than this are not told apart: the oldest make room. */
const mostAddresses = 10_000;

interface Tally {
  readonly since: number;
  count: number;
}

/**
 * Counts refused keys by address. Holders of a good key are never held up by others behind the same address, a proxy or an
 * office: a good key is not slowed, and a bad one is told to come back later.
 */
export class FailureLimit {
  readonly #clock: Clock;
  readonly #most: number;
  readonly #tallies = new Map<string, Tally>();

  /** `most` failures a minute and address. */
  constructor(clock: Clock, most: number) {
    this.#clock = clock;
    this.#most = most;
  }

  /** Counts a failure; gives the seconds to wait, or 0 where the address may try again at once. */
  failed(address: string): number {
    const now = this.#clock.monotonic();
    let tally = this.#tallies.get(address);
    if (!tally || now - tally.since >= windowMs) {
      tally = { since: now, count: 0 };
      this.#tallies.delete(address);
      this.#tallies.set(address, tally);
      if (this.#tallies.size > mostAddresses) this.#tallies.delete(this.#tallies.keys().next().value!);
    }
    return ++tally.count > this.#most ? Math.ceil((tally.since + windowMs - now) / 1000) : 0;
  }
}
