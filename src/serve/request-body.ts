import { MillraceError } from "../core/errors/error.ts";
import type { ServerLimits } from "./limits.ts";

const quote = 0x22;
const backslash = 0x5c;

/** Deepest nesting of a JSON text: brackets and braces open at one time, outside strings. The text need not be valid. */
export function jsonDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let i = 0; i < text.length; ++i) {
    const unit = text.charCodeAt(i);
    if (unit === quote) {
      while (++i < text.length && text.charCodeAt(i) !== quote) if (text.charCodeAt(i) === backslash) ++i;
    } else if (unit === 0x5b || unit === 0x7b) {
      if (++depth > deepest) deepest = depth;
    } else if (unit === 0x5d || unit === 0x7d) --depth;
  }
  return deepest;
}

/**
 * A body as JSON. Keys such as `__proto__` become plain own members of the result (that is how `JSON.parse` treats
 * them), and rows are read by own members only, so they need no special refusal: they are unknown columns.
 */
export function parseBody(body: Uint8Array, limits: ServerLimits): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    throw new MillraceError("REQUEST_MALFORMED", { reason: "the body is not UTF-8" });
  }
  const depth = jsonDepth(text);
  if (depth > limits.jsonDepth)
    throw new MillraceError("REQUEST_TOO_LARGE", {
      subject: "nesting of the body",
      limit: `${limits.jsonDepth} levels`,
      actual: String(depth),
    });
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new MillraceError("REQUEST_MALFORMED", { reason: "the body is not JSON" }, { cause: error });
  }
}

/** The rows of `{ "rows": [ ... ] }`: at least one, at most `limits.rows`; what the rows hold is the contract's matter. */
export function rowsOf(body: unknown, limits: ServerLimits): readonly unknown[] {
  const refuse = (reason: string): never => {
    throw new MillraceError("REQUEST_MALFORMED", { reason });
  };
  if (body === null || typeof body !== "object" || Array.isArray(body)) return refuse("the body is not an object");
  const stranger = Object.keys(body).find((key) => key !== "rows");
  if (stranger !== undefined)
    return refuse(`the body has a member ${JSON.stringify(stranger.slice(0, 100))}; only "rows" is allowed`);
  const rows: unknown = (body as { rows?: unknown }).rows;
  if (!Array.isArray(rows)) return refuse('the body has no array "rows"');
  if (rows.length === 0) return refuse('"rows" is empty');
  if (rows.length > limits.rows)
    throw new MillraceError("REQUEST_TOO_LARGE", {
      subject: "rows a request",
      limit: String(limits.rows),
      actual: String(rows.length),
    });
  return rows;
}
