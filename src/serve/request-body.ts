import { MillraceError } from "../core/errors/error.ts";
import { jsonDepth } from "../core/json.ts";
import { mayBeAnotherNumber, numberOf } from "../ingest/delimited/cell-values.ts";
import type { ServerLimits } from "./limits.ts";

/** A body as text; throws REQUEST_MALFORMED where it is not UTF-8. */
export function textOf(body: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    throw new MillraceError("REQUEST_MALFORMED", { reason: "the body is not UTF-8" });
  }
}

/**
 * A body as JSON. Keys such as `__proto__` become plain own members of the result (that is how `JSON.parse` treats
 * them), and rows are read by own members only, so they need no special refusal: they are unknown columns.
 */
export function parseBody(body: Uint8Array, limits: ServerLimits): unknown {
  return parseText(textOf(body), limits);
}

/** The same of a body that was read as text. */
export function parseText(text: string, limits: ServerLimits): unknown {
  const depth = jsonDepth(text);
  if (depth > limits.jsonDepth)
    throw new MillraceError("REQUEST_TOO_LARGE", {
      subject: "nesting of the body",
      limit: `${limits.jsonDepth} levels`,
      actual: String(depth),
    });
  const value = jsonOf(text);
  requireExactNumbers(text);
  return value;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new MillraceError("REQUEST_MALFORMED", { reason: "the body is not JSON" }, { cause: error });
  }
}

/**
 * The parser rounds a whole number that a double does not hold, and makes 0 of one that is too small, without a word; where
 * data is read from files such numbers are refused, and what a model is asked must be what it would have learned from. The
 * text is JSON: in one that is not, the search for the end of each string could go through all of it.
 */
function requireExactNumbers(text: string): void {
  if (!mayBeAnotherNumber.test(text)) return;
  for (const [token] of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g)) {
    // Infinity is the contract's matter, which names row and column.
    if (token.startsWith('"') || !Number.isFinite(Number(token)) || !Number.isNaN(numberOf(token))) continue;
    const rule = Number(token) === 0 ? "is too small for a double" : "has more digits than a double holds";
    throw new MillraceError("REQUEST_MALFORMED", { reason: `the number ${token.slice(0, 40)} ${rule}` });
  }
}

/** What a predict request asks for. */
export interface PredictRequest {
  readonly rows: readonly unknown[];
  /** Answer what each feature contributed, too. */
  readonly explain: boolean;
  /** The rows as the body holds them, flat JSON objects without newlines, where they are at hand. */
  readonly texts?: readonly string[];
}

const members: ReadonlySet<string> = new Set(["rows", "explain"]);

/**
 * Reads `{ "rows": [ ... ], "explain": true }`: at least one row, at most `limits.rows` (`limits.explainedRows` to
 * explain); what the rows hold is the contract's matter.
 */
export function predictRequestOf(body: unknown, limits: ServerLimits): PredictRequest {
  const refuse = (reason: string): never => {
    throw new MillraceError("REQUEST_MALFORMED", { reason });
  };
  if (body === null || typeof body !== "object" || Array.isArray(body)) return refuse("the body is not an object");
  const stranger = Object.keys(body).find((key) => !members.has(key));
  if (stranger !== undefined)
    return refuse(
      `the body has a member ${JSON.stringify(stranger.slice(0, 100))}; only "rows" and "explain" are allowed`,
    );
  const { rows, explain = false }: { rows?: unknown; explain?: unknown } = body;
  if (typeof explain !== "boolean") return refuse('"explain" is neither true nor false');
  if (!Array.isArray(rows)) return refuse('the body has no array "rows"');
  if (rows.length === 0) return refuse('"rows" is empty');
  const most = explain ? limits.explainedRows : limits.rows;
  if (rows.length > most)
    throw new MillraceError("REQUEST_TOO_LARGE", {
      subject: explain ? "rows to explain a request" : "rows a request",
      limit: String(most),
      actual: String(rows.length),
    });
  return { rows, explain };
}
