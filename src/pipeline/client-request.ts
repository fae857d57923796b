import type { Clock } from "../core/clock.ts";
import { formatDuration } from "../core/duration.ts";
import { MillraceError } from "../core/errors/error.ts";

/** How the requests of a client are sent. */
export interface Connection {
  readonly base: string;
  /** Of a request with all its tries. */
  readonly timeoutMs: number;
  readonly retries: number;
  readonly clock: Clock;
  /** Asked before each request. */
  headersOf(): Readonly<Record<string, string>>;
}

/** An answer, or why there is none. */
type Outcome = { readonly answer: unknown } | Failure;

interface Failure {
  /** 0 where the server did not answer. */
  readonly status: number;
  readonly detail: string;
  readonly cause?: unknown;
  /** The server's own wish, null where it has none; absent where another try would be no better, or not safe. */
  readonly retryAfterMs?: number | null;
}

/** Of the first pause where the server names none; each further one is twice as long. */
const pauseMs = 100;

/** Sends `body` (POST) or asks (GET) and reads the JSON answer; Dates in the body are ISO 8601 texts by then. Rejects with CLIENT_REFUSED. */
export async function request(connection: Connection, url: string, body?: string): Promise<unknown> {
  const headers = { accept: "application/json", ...connection.headersOf() };
  const init =
    body === undefined
      ? { headers }
      : { method: "POST", body, headers: { ...headers, "content-type": "application/json" } };
  const signal = AbortSignal.timeout(connection.timeoutMs);
  const end = connection.clock.monotonic() + connection.timeoutMs;
  for (let nTries = 1; ; ++nTries) {
    const outcome = await requestOnce(connection, url, { ...init, signal });
    if ("answer" in outcome) return outcome.answer;
    const { status, detail, cause, retryAfterMs } = outcome;
    const isOver = retryAfterMs === undefined || nTries > connection.retries;
    const waitMs = retryAfterMs ?? shaken(pauseMs * 2 ** (nTries - 1));
    // Nobody waits for an answer that cannot come in time.
    if (isOver || connection.clock.monotonic() + waitMs >= end || !(await pause(waitMs, signal)))
      throw new MillraceError("CLIENT_REFUSED", { url, status, detail }, { cause });
  }
}

async function requestOnce({ timeoutMs }: Connection, url: string, init: RequestInit): Promise<Outcome> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, init);
    text = await response.text();
  } catch (error) {
    const isLate = error instanceof Error && error.name === "TimeoutError";
    if (isLate) return { status: 0, detail: `nothing within ${formatDuration(timeoutMs)}`, cause: error };
    return { status: 0, detail: reasonOf(error), cause: error, retryAfterMs: null };
  }
  const answer = jsonOf(text);
  if (response.ok && answer !== undefined) return { answer };
  const { status } = response;
  const detail = response.ok ? "an answer that is not JSON" : problemOf(answer, response.statusText);
  const hasNoPlace = status === 429 || status === 503;
  return { status, detail, ...(hasNoPlace && { retryAfterMs: retryAfterOf(response) }) };
}

/** Milliseconds of a `Retry-After` in seconds; null where there is none, or a date, which needs a clock like the server's. */
function retryAfterOf(response: Response): number | null {
  const text = response.headers.get("retry-after") ?? "";
  return /^\d+$/.test(text) ? 1000 * Number(text) : null;
}

/** From half of it to all, so that clients refused together do not come again together. */
function shaken(ms: number): number {
  const [chance] = crypto.getRandomValues(new Uint32Array(1));
  return ms * (0.5 + chance! / 2 ** 33);
}

/** False where the time is over first. */
function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const end = (isInTime: boolean) => (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", late);
      resolve(isInTime);
    };
    const late = end(false);
    const timer = setTimeout(end(true), ms);
    signal.addEventListener("abort", late);
  });
}

/** fetch says "fetch failed" and keeps the reason in `cause`. */
function reasonOf(error: unknown): string {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error && cause.message) return cause.message;
  return error instanceof Error ? error.message : String(error);
}

/** What a problem+json answer (RFC 9457) says. */
function problemOf(answer: unknown, statusText: string): string {
  const parts = [memberOf(answer, "code"), memberOf(answer, "detail") ?? memberOf(answer, "title")];
  return parts.filter((part) => typeof part === "string").join(": ") || statusText || "no reason given";
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** An own member of an object; undefined where there is none. */
export function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}
