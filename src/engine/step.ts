import type { Clock } from "../core/clock.ts";
import type { Digest } from "../core/digest.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import type { Progress } from "../core/progress.ts";
import type { Rng } from "../core/rng.ts";

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
  /** Names of the artifacts it writes; every one must be written. */
  readonly outputs: readonly string[];
  readonly params: JsonObject;
  /** Changes whenever the step's code computes something else. */
  readonly code: string;
  /** State outside the workflow the result depends on (a file's digest, the champion); part of the cache key. */
  readonly observe?: (inputs: ReadonlyMap<string, Digest>) => Promise<JsonValue>;
  run(context: StepContext): Promise<void>;
}

export interface StepContext {
  /** The input "step.output", decoded; values stay decoded in memory while the run lasts, by digest. */
  read<T>(input: string, codec: Codec<T>): Promise<T>;
  digestOf(input: string): Digest;
  write<T>(output: string, codec: Codec<T>, value: T): Promise<Digest>;
  /** An output that is produced straight into a file: `produce` gets a temporary path to write to. */
  writeFile(
    output: string,
    codec: { readonly type: string; readonly format: number },
    produce: (path: string) => Promise<void>,
  ): Promise<Digest>;
  /** Records numbers of this step (metrics, counts). */
  record(values: Readonly<Record<string, number>>): void;
  readonly runId: string;
  readonly progress: Progress;
  readonly rng: Rng;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface Workflow {
  readonly name: string;
  readonly seed: number;
  readonly steps: readonly Step[];
}

export type StepStatus = "ran" | "cached" | "failed" | "skipped";

export interface StepResult {
  readonly step: string;
  readonly status: StepStatus;
  readonly durationMs: number;
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
  stepStarted?(event: { readonly step: string; readonly index: number; readonly count: number }): void;
  stepProgress?(event: {
    readonly step: string;
    readonly done: number;
    readonly total: number;
    readonly unit: string;
    readonly elapsedMs: number;
  }): void;
  stepFinished?(event: StepResult & { readonly index: number; readonly count: number }): void;
  runFinished?(result: RunResult): void;
}
