import { type Place, type Range, turnOf } from "./shard.ts";

/** Bytes a thread of what is left to sum: a cache line. */
export const leftBytes = 64;

/**
 * What of a thread's rows others may take, as byte offsets: how many turns are taken; where its listed rows begin and end that
 * are not (32 bits each, in one word of 64).
 */
export const leftRows = { turns: 0, listed: 8 } as const;

/**
 * All rows, in turns, as the threads of a team take them to sum: each its own (`shardOf`) first, then what others have left. So none waits
 * while another, whose processor is slower or has more to do, has rows left; sums are integers, and the same by whomever they are added.
 */
export class Turns {
  readonly #nRows: number;
  readonly #place: Place;
  /** Turns taken, `leftBytes` from one thread's to the next one's. */
  readonly #taken: Int32Array;

  /** `taken`: from the first thread's on. */
  constructor(nRows: number, place: Place, taken: Int32Array) {
    this.#nRows = nRows;
    this.#place = place;
    this.#taken = taken;
  }

  /** Takes the next rows; null where all are taken. */
  take(): Range | null {
    const { thread, threads } = this.#place;
    for (let ahead = 0; ahead < threads; ++ahead) {
      const owner = { thread: (thread + ahead) % threads, threads };
      const range = turnOf(this.#nRows, owner, Atomics.add(this.#taken, this.#wordOf(owner.thread), 1));
      if (range !== null) return range;
    }
    return null;
  }

  /** Gives this thread's back, for the next time: when all threads have found all taken, and before any takes the next. */
  restart(): void {
    Atomics.store(this.#taken, this.#wordOf(this.#place.thread), 0);
  }

  #wordOf(thread: number): number {
    return (thread * leftBytes + leftRows.turns) / 4;
  }
}
