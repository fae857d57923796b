/** Which keys come again: those of people at any time, ids of requests when one is sent again, soon after. */
export type KeyLife = "long" | "short";

/** Events remembered at a time. */
const mostRemembered = 200_000;

/**
 * Tells which events of a key are its first of their kind, in bounded memory. Of keys of a short life the oldest are forgotten, in
 * favour of new ones; of those of a long life none is, and once there is no place, no event of another key is a first one.
 */
export class SeenEvents {
  readonly #life: KeyLife;
  readonly #most: number;
  #latest = new Set<string>();
  /** Of short-lived keys those before. */
  #earlier: ReadonlySet<string> = new Set();

  constructor(life: KeyLife, most: number = mostRemembered) {
    this.#life = life;
    this.#most = life === "short" ? most / 2 : most;
  }

  isFirst(kind: string, key: string): boolean {
    const event = `${kind} ${key}`;
    if (this.#latest.has(event) || this.#earlier.has(event)) return false;
    if (this.#latest.size >= this.#most) {
      if (this.#life === "long") return false;
      this.#earlier = this.#latest;
      this.#latest = new Set();
    }
    this.#latest.add(event);
    return true;
  }
}
