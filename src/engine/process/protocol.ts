import type { Digest } from "../../core/digest.ts";
import { catalogue, isMillraceError, MillraceError } from "../../core/errors/error.ts";
import type { ErrorCode, ErrorContext } from "../../core/errors/error.ts";
import type { Fence } from "../../store/leases.ts";
import type { FanOutItem } from "../step.ts";

/** All that a process needs to try a step: ids, digests, paths and where the code is. */
export interface StepTask {
  readonly id: number;
  /** The module that defines the step. */
  readonly file: string;
  readonly step: string;
  readonly runId: string;
  readonly fence: Fence;
  readonly seed: number;
  /** Name of the random stream. */
  readonly stream: string;
  /** By "step.output": digest and verified file. */
  readonly inputs: readonly (readonly [input: string, digest: Digest, path: string])[];
  readonly item: FanOutItem | null;
  /** Artifacts that the inputs name and the step reads: digest and verified file. */
  readonly elements: readonly (readonly [digest: Digest, path: string])[];
  /** Folder of the store, for what is compiled once. */
  readonly store: string;
  /** A folder of this attempt alone: outputs are staged here, the parent takes them over. */
  readonly staging: string;
}

export type ToChild =
  | { readonly kind: "run"; readonly task: StepTask }
  | { readonly kind: "abort"; readonly id: number };

/** An output that lies finished in the staging folder. */
export interface StagedOutput {
  readonly output: string;
  readonly type: string;
  readonly format: number;
  readonly path: string;
}

export type ToParent =
  | { readonly kind: "ready"; readonly heapMb: number }
  | {
      readonly kind: "progress";
      readonly id: number;
      readonly done: number;
      readonly total: number;
      readonly unit: string;
    }
  | { readonly kind: "begun"; readonly id: number }
  | {
      readonly kind: "done";
      readonly id: number;
      readonly outputs: readonly StagedOutput[];
      readonly numbers: readonly (readonly [string, number | null])[];
    }
  | { readonly kind: "failed"; readonly id: number; readonly error: SentError };

/** An error as it passes from process to process. */
export interface SentError {
  readonly message: string;
  readonly stack: string | null;
  readonly code: string | null;
  readonly context: unknown;
}

export function sendError(error: unknown): SentError {
  const message = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? (error.stack ?? null) : null;
  if (!isMillraceError(error)) return { message, stack, code: null, context: null };
  return { message, stack, code: error.code, context: error.context };
}

export function receiveError({ message, stack, code, context }: SentError): Error {
  if (code !== null && Object.hasOwn(catalogue, code))
    return new MillraceError(code as ErrorCode, context as ErrorContext<ErrorCode>);
  const error = new Error(message);
  if (stack !== null) error.stack = stack;
  return error;
}

/** Ends what a task wrote to a stream, so that lines are told apart by task. */
export function endOfLines(id: number): string {
  return `\u0000millrace end of task ${id}`;
}
