import type { Socket } from "node:net";

/** Time between two cuts; between them the process reads what lies unread, and answers others. */
const turnMs = 10;
const fewest = 8;
const mostTurns = 64;

/**
 * Cuts connections whose requests are late, some at a time. Those that were opened together are late together, and cutting all of
 * them, and taking those that come in their stead, would keep every other client waiting. None is cut at once: where the
 * process itself got no time, the request may lie unread.
 */
export class LateConnections {
  readonly #waiting = new Map<Socket, () => void>();
  #isScheduled = false;
  #atOnce = fewest;

  add(socket: Socket, cut: () => void): void {
    this.#waiting.set(socket, cut);
    this.#atOnce = Math.max(fewest, Math.ceil(this.#waiting.size / mostTurns));
    if (!this.#isScheduled) this.#schedule();
  }

  /** A request of the connection has come after all. */
  spare(socket: Socket): void {
    if (this.#waiting.size > 0) this.#waiting.delete(socket);
  }

  #schedule(): void {
    this.#isScheduled = true;
    setTimeout(() => {
      this.#cutSome();
      this.#isScheduled = false;
      if (this.#waiting.size > 0) this.#schedule();
    }, turnMs).unref();
  }

  #cutSome(): void {
    let left = this.#atOnce;
    for (const [socket, cut] of this.#waiting) {
      if (left-- === 0) return;
      this.#waiting.delete(socket);
      cut();
    }
  }
}
