import type { Digest } from "../../core/digest.ts";
import { catalogue, isMillraceError, MillraceError } from "../../core/errors/error.ts";
import type { ErrorCode, ErrorContext } from "../../core/errors/error.ts";
import type { Fence } from "../../store/leases.ts";
import type { FanOutItem } from "../step.ts";

/** Where the code of steps is. */
export interface StepModule {
  /** The module that defines them. */
  readonly file: string;
  /** Folder of the store, for what is compiled once. */
  readonly store: string;
}

/** All that a process needs to try a step: ids, digests, paths and where the code is. */
export interface StepTask extends StepModule {
  readonly id: number;
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
  /** A folder of this attempt alone, to be made where it is needed: outputs are staged here, the parent takes them over. */
  readonly staging: string;
}

export type ToChild =
  /** A task of this module is likely to come. */
  | { readonly kind: "load"; readonly module: StepModule }
  | { readonly kind: "run"; readonly task: StepTask }
  | { readonly kind: "abort"; readonly id: number };

/** Where a finished output lies: in a file of the staging folder, or, in base64, in the message itself. */
export type StagedContent = { readonly path: string } | { readonly bytes: string };

export type StagedOutput = StagedContent & {
  readonly output: string;
  readonly type: string;
  readonly format: number;
};

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
