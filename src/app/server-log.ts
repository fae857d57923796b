import type { Clock } from "../core/clock.ts";
import { toMillraceError } from "../core/errors/error.ts";
import type { AnsweredRequest } from "../serve/guard.ts";

/** Where a server says what happens to it. */
export interface ServerLog {
  /** A sentence: a swap, a rollout that ended, a message set aside. */
  event(text: string): void;
  /** A fault of the server's own, and the request it hit, where it hit one. */
  fault(error: unknown, requestId?: string): void;
  /** Every answer; absent where nobody reads of each. */
  readonly request?: (answered: AnsweredRequest) => void;
  /** Says what waits. */
  close(): void;
}

/** Sentences for people: requests that went well are not told. */
export function sentenceLog(say: (text: string) => void): ServerLog {
  return {
    event: say,
    fault(error, requestId) {
      const which = requestId === undefined ? "" : ` (request ${requestId})`;
      say(`fault: ${toMillraceError(error).message}${which}`);
    },
    close: () => {},
  };
}

/** Lines of requests wait so long, or until they are so many characters: a write each would cost as much as an answer. */
const waitMs = 100;
const mostCharacters = 64 * 1024;

/**
 * JSON lines for programs, an object each with `time`, `level` and `event`. Neither paths, which callers write, nor headers, where keys
 * stand, nor rows are in any.
 */
export function jsonLog(write: (text: string) => void, clock: Clock): ServerLog {
  let waiting = "";
  let timer: NodeJS.Timeout | undefined;
  const close = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (waiting !== "") write(waiting);
    waiting = "";
  };
  const say = (level: "info" | "error", event: string, members: object): void => {
    const time = new Date(clock.now()).toISOString();
    waiting += `${JSON.stringify({ time, level, event, ...members })}\n`;
    // What goes wrong is said at once, after all that came before.
    if (level === "error" || waiting.length >= mostCharacters) return close();
    timer ??= setTimeout(close, waitMs).unref();
  };
  return {
    event: (text) => say("info", "server", { message: text }),
    fault(error, requestId) {
      const { code, message, cause, stack } = toMillraceError(error);
      say("error", "fault", { requestId, code, message, stack: cause instanceof Error ? cause.stack : stack });
    },
    request: (answered) => say("info", "request", { ...answered }),
    close,
  };
}
