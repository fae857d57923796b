import type { ErrorCode } from "../core/errors/error.ts";
import { isMillraceError, MillraceError } from "../core/errors/error.ts";
import type { Issue } from "../frame/contract.ts";
import { formatBytes } from "./limits.ts";
import type { ServerLimits } from "./limits.ts";

export const problemType = "application/problem+json; charset=utf-8";

/** An error on the wire (RFC 9457), with our code and remedy as extension members. */
export interface ProblemDocument {
  readonly type: `urn:millrace:error:${string}`;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly remedy: string;
  /** Rows that break the contract: where, what was expected, what came. */
  readonly issues?: readonly Issue[];
}

/** Codes whose message speaks of the request alone. Every other message may name files or tables and stays inside. */
const speakable: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "REQUEST_INVALID",
  "PREDICTION_UNDEFINED",
  "REQUEST_MALFORMED",
  "REQUEST_TOO_LARGE",
  "REQUEST_TIMEOUT",
  "HEADERS_TOO_LARGE",
  "MEDIA_TYPE_UNKNOWN",
  "HOST_REFUSED",
  "KEY_REQUIRED",
  "KEY_FAILURES",
  "ROLE_INSUFFICIENT",
  "ROUTE_NOT_FOUND",
  "OVERLOADED",
  "NOT_READY",
  "LOG_UNWRITABLE",
  "BATCH_UNWRITABLE",
  "MODEL_NOT_FOUND",
  "MODEL_UNNAMED",
]);

function titleOf(code: string): string {
  const words = code.toLowerCase().replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Hears of a fault of the server's own, and the id of the request that met it, where one did. */
export type OnFault = (error: unknown, requestId?: string) => void;

/** Whether an error is the server's own fault and belongs in its log. */
export function isInternal(error: unknown): boolean {
  return !isMillraceError(error) || !speakable.has(error.code);
}

/** What a client may know about an error: its own mistakes in full, ours without the reason. */
export function problemOf(error: unknown, issues?: readonly Issue[]): ProblemDocument {
  const code: ErrorCode = isMillraceError(error) && speakable.has(error.code) ? error.code : "INTERNAL";
  const known = code === "INTERNAL" ? undefined : (error as MillraceError);
  return {
    type: `urn:millrace:error:${code}`,
    title: titleOf(code),
    status: known?.status ?? 500,
    detail: known?.message ?? "the server failed to answer",
    code,
    remedy: known?.remedy ?? "Try again; if it fails again, the log of the server says why.",
    ...(issues ? { issues } : {}),
  };
}

interface FrameworkError {
  readonly code?: string;
  readonly statusCode?: number;
}

/** An error of the HTTP framework or of Node's parser in our vocabulary; anything unknown stays what it is. */
export function translateError(error: unknown, limits: ServerLimits, contentType: string | undefined): unknown {
  if (isMillraceError(error) || error === null || typeof error !== "object") return error;
  const { code, statusCode } = error as FrameworkError;
  switch (code) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return new MillraceError("REQUEST_TOO_LARGE", {
        subject: "the body",
        limit: formatBytes(limits.bodyBytes),
        actual: "more",
      });
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return new MillraceError("MEDIA_TYPE_UNKNOWN", { actual: JSON.stringify((contentType ?? "").slice(0, 100)) });
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new MillraceError("REQUEST_TIMEOUT", { limitMs: limits.requestMs });
    case "HPE_HEADER_OVERFLOW":
      return new MillraceError("HEADERS_TOO_LARGE", { limit: formatBytes(limits.headerBytes) });
  }
  if (code?.startsWith("HPE_")) return new MillraceError("REQUEST_MALFORMED", { reason: "it is not HTTP/1.1" });
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new MillraceError("REQUEST_MALFORMED", {
      reason: code === "FST_ERR_BAD_URL" ? "its path cannot be decoded" : "its headers and its body do not fit",
    });
  return error;
}
