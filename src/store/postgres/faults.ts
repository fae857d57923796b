import { MillraceError } from "../../core/errors/error.ts";
import { unwritableError } from "../unwritable.ts";

/** How long a writer waits for the write lock, and how long the server waits for a writer that stands still. */
export const lockWaitMs = 30_000;
export const idleLimitMs = 15_000;

/** The server's SQLSTATE of five characters, or the system's code of a connection that broke; "" for any other error. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function reasonOf(error: unknown): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  return first instanceof Error ? first.message : String(first);
}

/** The way to the server broke, or it was shut down, crashed, is starting, is full, or ended a connection that stood still. */
const broken: ReadonlySet<string> = new Set(
  (
    "ECONNREFUSED ECONNRESET EPIPE ETIMEDOUT EHOSTUNREACH ENETUNREACH ENOTFOUND EAI_AGAIN " +
    "57P01 57P02 57P03 57P05 55000 53300 25P03"
  ).split(" "),
);

/** Whether the connection is gone, or there never was one. */
export function isConnectionLost(error: unknown): boolean {
  const code = codeOf(error);
  if (broken.has(code) || code.startsWith("08")) return true;
  // What the driver itself says has no code.
  return (
    code === "" && error instanceof Error && /connection|timeout expired|read timeout|queryable/i.test(error.message)
  );
}

/** Whether a transaction that failed so surely changed nothing and may be tried again. */
export function isWorthRepeating(error: unknown): boolean {
  return isConnectionLost(error) || ["40001", "40P01"].includes(codeOf(error));
}

/** Whether a server that is not there now may be there in a moment. */
export function mayComeBack(error: unknown): boolean {
  return isConnectionLost(error) && !["ENOTFOUND", "EAI_AGAIN"].includes(codeOf(error));
}

const deniedCodes = ["28000", "28P01", "3D000", "42501"];
const fullOrReadOnly = ["53100", "53200", "25006", "58030"];

/** An error of the server or of the way to it in our words, where a person can mend its cause; any other as it is. */
export function serverError(place: string, error: unknown): unknown {
  if (error instanceof MillraceError) return error;
  const [code, reason] = [codeOf(error), reasonOf(error)];
  const cause = { cause: error };
  if (code === "55P03") return new MillraceError("STORE_BUSY", { path: place, seconds: lockWaitMs / 1000 }, cause);
  if (isConnectionLost(error)) return new MillraceError("STORE_UNREACHABLE", { place, reason }, cause);
  if (deniedCodes.includes(code)) return new MillraceError("STORE_DENIED", { place, reason }, cause);
  if (fullOrReadOnly.includes(code)) return new MillraceError("STORE_UNWRITABLE", { path: place, reason }, cause);
  if (/^XX00[12]$/.test(code)) return new MillraceError("STORE_DAMAGED", { path: place, reason }, cause);
  return unwritableError(place, error);
}

/** Like {@link serverError}, where nothing but the connection can be at fault. */
export function connectError(place: string, error: unknown): unknown {
  const coded = serverError(place, error);
  if (coded instanceof MillraceError) return coded;
  return new MillraceError("STORE_UNREACHABLE", { place, reason: reasonOf(error) }, { cause: error });
}
