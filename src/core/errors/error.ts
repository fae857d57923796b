import { modelErrors } from "./model.ts";
import { objectErrors } from "./objects.ts";
import { pipelineErrors } from "./pipeline.ts";
import { serveErrors } from "./serve.ts";
import { sourceErrors } from "./source.ts";
import { storeErrors } from "./store.ts";

/** Every error Millrace can raise, by code. Codes are documented in docs/errors.md and never reused. */
export const catalogue: typeof sourceErrors &
  typeof pipelineErrors &
  typeof modelErrors &
  typeof storeErrors &
  typeof objectErrors &
  typeof serveErrors = Object.freeze({
  ...sourceErrors,
  ...pipelineErrors,
  ...modelErrors,
  ...storeErrors,
  ...objectErrors,
  ...serveErrors,
});

export type ErrorCode = keyof typeof catalogue;

/** What the message and the remedy of one code need to know. */
export type ErrorContext<C extends ErrorCode> = Parameters<(typeof catalogue)[C]["message"]>[0] &
  (Parameters<(typeof catalogue)[C]["remedy"]> extends [infer R] ? R : unknown);

interface Entry {
  readonly status: number;
  readonly exit: number;
  message(context: unknown): string;
  remedy(context: unknown): string;
}

/**
 * A mistake or a fault with a code, the actual value and a remedy.
 *
 * `status` is the HTTP status it becomes, `exitCode` the exit code of the command line: 1 error, 2 usage, 3 not promoted.
 */
export class MillraceError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = "MillraceError";
  readonly code: C;
  readonly status: number;
  readonly exitCode: number;
  readonly remedy: string;
  readonly context: ErrorContext<C>;

  constructor(code: C, context: ErrorContext<C>, options?: { readonly cause?: unknown }) {
    const entry = catalogue[code] as Entry;
    super(entry.message(context), options);
    this.code = code;
    this.context = context;
    this.status = entry.status;
    this.exitCode = entry.exit;
    this.remedy = entry.remedy(context);
  }
}

/** Tells a MillraceError apart even when two copies of the package are installed. */
export function isMillraceError(error: unknown): error is MillraceError {
  return error instanceof Error && error.name === "MillraceError" && "code" in error && "remedy" in error;
}

/** Any thrown value as a MillraceError: itself, or INTERNAL with the original as cause. */
export function toMillraceError(error: unknown): MillraceError {
  if (isMillraceError(error)) return error;
  return new MillraceError(
    "INTERNAL",
    { reason: error instanceof Error ? error.message : String(error) },
    { cause: error },
  );
}
