import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** The header by which a request and its answer are named alike in the logs of all who pass it on. */
export const requestIdHeader = "x-request-id";

/** Visible ASCII, which may stand in any log. */
const usable = /^[\x21-\x7e]{1,128}$/;

/** The id a request came with, where it is one, else a new one. */
export function requestIdOf({ headers }: Pick<IncomingMessage, "headers">): string {
  const given = headers[requestIdHeader];
  return typeof given === "string" && usable.test(given) ? given : randomUUID();
}
