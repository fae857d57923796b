import type { Clock } from "../core/clock.ts";
import type { Digest } from "../core/digest.ts";
import type { MillraceError } from "../core/errors/error.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import type { Progress } from "../core/progress.ts";
import type { Rng } from "../core/rng.ts";
import type { Fence } from "../store/leases.ts";
import type { WorkflowIssue } from "./lint/rule.ts";

/** How one type of artifact is written to and read from a file. `type` and `format` are recorded with each artifact. */
export interface Codec<T> {
  readonly type: string;
  readonly format: number;
  write(value: T, path: string): Promise<void>;
  read(path: string): Promise<T>;
}

/**
 * One step of a workflow: a pure function of its input artifacts and parameters.
 *
 * Its cache key is the digest of name, code, params, seed, the digests of its inputs and what `observe` returns.
 */
export interface Step {
  readonly name: string;
  /** Artifacts it reads, each as "step.output". */
  readonly inputs: readonly string[];
  /** Inputs that are lists of artifacts, all of which it reads. */
  readonly lists?: readonly string[];
  /** Names of the artifacts it writes; every one must be written. */
  readonly outputs: readonly string[];
  readonly params: JsonObject;
  /** Changes whenever the step's code computes something else. */
  readonly code: string;
  /** State outside the workflow the result depends on (a file's digest, the champion); part of the cache key. */
  readonly observe?: (inputs: ReadonlyMap<string, Digest>) => Promise<JsonValue>;
  /** What the code consists of, part by part, for people who ask why it ran again; the cache key goes by `code` alone. */
  readonly codeParts?: Readonly<Record<string, string>>;
  /** Steps that must have ended before, though it reads nothing of theirs. */
  readonly after?: readonly string[];
  /** Slots it takes of those that `jobs` gives; "all" for a step that uses every core itself. Default 1. */
  readonly slots?: number | "all";
  /** Default: one attempt. */
  readonly retry?: RetryPolicy;
  /** An attempt that takes longer fails with STEP_TIMED_OUT. */
  readonly timeoutMs?: number;
  /** Working memory of an attempt in a process of its own, in MiB. */
  readonly memoryMb?: number;
  readonly tags?: readonly string[];
  /** Decides whether the step runs: null = yes, else the reason for which it is skipped. */
  readonly when?: (context: StepContext) => Promise<string | null>;
  /** Runs once for each element of the list that this input holds; each output becomes a list. */
  readonly over?: string;
  /** Where another process finds this step; a step without stays in the run's own process. */
  readonly task?: TaskReference;
  /** Looks at nothing of the store but its inputs: it may begin before the steps it follows are on record in full. */
  readonly readsInputsOnly?: true;
  run(context: StepContext): Promise<void>;
}

/** How often a failing step is tried, and how long is waited between two attempts. */
export interface RetryPolicy {
  /** Attempts in all, the first included. */
  readonly attempts: number;
  /** Wait before the second attempt; each further wait is `factor` times as long, up to `maxDelayMs`. */
  readonly delayMs: number;
  readonly factor: number;
  readonly maxDelayMs: number;
}

/** A step by the file that defines it: all that another process needs beside ids and digests. */
export interface TaskReference {
  readonly file: string;
  /** Its name in that file. */
  readonly step: string;
  /** Names of the environment variables it may see beside the common ones. */
  readonly env: readonly string[];
}

/** One element of the list a step is fanned out over. */
export interface FanOutItem {
  readonly index: number;
  /** The element itself, where the list is JSON. */
  readonly value: JsonValue;
  /** The element's artifact, where the list was itself fanned out; null otherwise. */
  readonly digest: Digest | null;
}

/** What is recorded of how an artifact is written. */
export type ArtifactType = Pick<Codec<unknown>, "type" | "format">;

/** What an artifact is read as. */
export interface AtHand {
  readonly value: unknown;
}

export interface StepContext {
  /** The input "step.output", decoded; values stay decoded in memory while the run lasts, by digest. */
  read<T>(input: string, codec: Codec<T>): Promise<T>;
  digestOf(input: string): Digest;
  write<T>(output: string, codec: Codec<T>, value: T): Promise<Digest>;
  /**
   * An output that is produced straight into a file: `produce` gets a temporary path to write to. Where it has at hand what
   * reading the file would give, it may say so, and steps after this one need not read it.
   */
  writeFile(output: string, codec: ArtifactType, produce: (path: string) => Promise<void | AtHand>): Promise<Digest>;
  /** An output whose bytes are at hand: a small one takes fewer ways to the disk than a file does. */
  writeBytes(output: string, codec: ArtifactType, bytes: Uint8Array): Promise<Digest>;
  /** Records numbers of this step (metrics, counts). */
  record(values: Readonly<Record<string, number>>): void;
  readonly runId: string;
  /** What a write outside the artifacts (a registration) must carry, so that a run taken over writes nothing more. */
  readonly fence: Fence;
  readonly progress: Progress;
  readonly rng: Rng;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** What `observe` gave when the cache key was made, for a step that must go by the same; null where it has none. */
  readonly observed: JsonValue;
  /** The verified file of an artifact that is an input, or that an input names. */
  pathOf(digest: Digest): Promise<string>;
  /** Its bytes, which may be in memory still; they are not the caller's to change. */
  bytesOf(digest: Digest): Promise<Uint8Array>;
  /** The element this attempt is for; null for a step that is not fanned out. */
  readonly item: FanOutItem | null;
  /** Says that only writing is left, so that another step may compute meanwhile. */
  computed(): Promise<void>;
  /** A folder of this attempt alone, made when first asked for and removed afterwards. */
  scratch(): Promise<string>;
}

export interface Workflow {
  readonly name: string;
  readonly seed: number;
  readonly steps: readonly Step[];
  /** Names of steps defined beside these, which none of these needs. */
  readonly leftOut?: readonly string[];
}

export type StepStatus = "ran" | "cached" | "failed" | "skipped";

export interface StepResult {
  readonly step: string;
  readonly status: StepStatus;
  readonly durationMs: number;
  /** Why it was skipped; null otherwise. */
  readonly reason: string | null;
  /** How often it was tried; 0 where it did not run. */
  readonly attempts: number;
  readonly outputs: ReadonlyMap<string, Digest>;
  readonly metrics: Readonly<Record<string, number>>;
}

export interface RunResult {
  readonly runId: string;
  readonly status: "succeeded" | "failed" | "cancelled";
  readonly durationMs: number;
  readonly steps: readonly StepResult[];
  /** The error of the failed step. */
  readonly error: unknown;
}

/** What a run tells whoever watches it. */
export interface RunListener {
  runStarted?(event: { readonly runId: string; readonly workflow: string; readonly steps: readonly string[] }): void;
  /** Something about the workflow that does not keep it from running. */
  warned?(issue: WorkflowIssue): void;
  stepStarted?(event: { readonly step: string; readonly index: number; readonly count: number }): void;
  stepProgress?(event: {
    readonly step: string;
    readonly done: number;
    readonly total: number;
    readonly unit: string;
    readonly elapsedMs: number;
  }): void;
  /** An attempt failed and another follows after `delayMs`. */
  stepRetried?(event: {
    readonly step: string;
    readonly attempt: number;
    readonly delayMs: number;
    readonly error: MillraceError;
  }): void;
  /** A line that a step in a process of its own wrote. */
  stepLog?(event: { readonly step: string; readonly stream: "stdout" | "stderr"; readonly line: string }): void;
  stepFinished?(event: StepResult & { readonly index: number; readonly count: number }): void;
  runFinished?(result: RunResult): void;
}
