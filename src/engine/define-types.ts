import type { Clock } from "../core/clock.ts";
import type { Duration } from "../core/duration.ts";
import type { JsonObject } from "../core/json.ts";
import type { Problem } from "../core/problem.ts";
import type { Progress } from "../core/progress.ts";
import type { Rng } from "../core/rng.ts";
import type { Workflow } from "./step.ts";

/** How an output is kept: JSON text, bytes as they are, a typed array, or a file the step wrote. */
export type OutputKind = "json" | "bytes" | "array" | "file";

export type NumberArray =
  | Float64Array
  | Float32Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray;

/** A file by its path: what a step returns for an output of kind "file", and what a reader of it is given. */
export interface FileReference {
  readonly path: string;
}

declare const valueType: unique symbol;

/** An output of a step, to be named as an input of others. What it holds is known once the step has run. */
export interface Handle<out T> {
  readonly step: StepDefinitionRecord;
  readonly output: string;
  readonly [valueType]?: T;
}

/** A condition on an output; made by `onlyIf()`. */
export interface Condition {
  readonly handle: Handle<unknown>;
  readonly predicate: (value: never) => boolean | Promise<boolean>;
  readonly reason: string | null;
}

export type Inputs = Readonly<Record<string, Handle<unknown>>>;
export type Outputs = Readonly<Record<string, OutputKind>>;
export type ValuesOf<I> = { readonly [K in keyof I]: I[K] extends Handle<infer T> ? T : never };

/** What a step's `run` is given. */
export interface StepTools<I, P> {
  /** The inputs, each a copy of its own. */
  readonly inputs: ValuesOf<I>;
  readonly params: P;
  /** The only randomness a step may use: the same in every run of the same seed. */
  readonly rng: Rng;
  readonly clock: Clock;
  readonly progress: Progress;
  /** Aborted when the run is cancelled or the step's time is up. */
  readonly signal: AbortSignal;
  readonly runId: string;
  /** Records numbers of this step, shown with the run. */
  record(numbers: Readonly<Record<string, number>>): void;
  /** A folder of this attempt alone, removed afterwards; the place to write a file that is returned. */
  scratch(): Promise<string>;
}

/** How often a failing step is tried, and how long is waited in between. */
export interface Retry {
  /** Attempts in all, at most 20. */
  readonly attempts: number;
  /** Wait before the second attempt; default "1s". */
  readonly delay?: Duration;
  /** Each further wait is so many times as long; default 2. */
  readonly factor?: number;
  /** No wait is longer; default "1m". */
  readonly maxDelay?: Duration;
}

/** What JSON cannot say is refused where it is returned. */
export type Serialisable<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends bigint | symbol | ((...args: never[]) => unknown)
    ? Problem<"JSON cannot say this value">
    : T extends
          | Date
          | Map<never, never>
          | ReadonlyMap<never, never>
          | Set<never>
          | ReadonlySet<never>
          | NumberArray
          | RegExp
      ? Problem<"JSON cannot say this value; declare the output as bytes, array or file, or return plain values">
      : T extends object
        ? { readonly [K in keyof T]: Serialisable<T[K]> }
        : unknown;

type ReturnedAs<K extends OutputKind, T> = K extends "json"
  ? Serialisable<T>
  : K extends "bytes"
    ? Uint8Array
    : K extends "array"
      ? NumberArray
      : FileReference;

/** What `run` must return: the value itself, or one member an output where outputs are declared. */
type Returned<O extends Outputs, R> = [O] extends [never]
  ? Serialisable<R>
  : { readonly [K in keyof O]: ReturnedAs<O[K], K extends keyof R ? R[K] : never> } & {
      readonly [K in Exclude<keyof R, keyof O>]: Problem<"this output is not declared">;
    };

/** Nothing where `R` is what the outputs ask for; else what it should be, at `run`. */
export type CheckedReturn<O extends Outputs, R> = [R] extends [Returned<O, R>]
  ? unknown
  : { readonly run: () => Returned<O, R> | Promise<Returned<O, R>> };

export interface StepDefinition<I extends Inputs, P extends JsonObject, O extends Outputs, R> {
  /** Letters, digits, "-" and "_", a letter first, at most 64; unique in its workflow. */
  readonly name: string;
  /** Outputs of other steps, under the names `run` reads them by. */
  readonly inputs?: I;
  /** Plain JSON the result depends on. */
  readonly params?: P;
  /** Named outputs and how each is kept. Left out: what `run` returns is the one output, kept as JSON. */
  readonly outputs?: O;
  /** Skips the step, and what needs it, unless the condition holds. */
  readonly when?: Condition;
  /** Default: one attempt. */
  readonly retry?: Retry;
  /** An attempt that takes longer is ended. */
  readonly timeout?: Duration;
  /** Working memory of an attempt, in MiB; default: as much as Node gives. */
  readonly memory?: number;
  /** Of the slots that `--jobs` gives; default 1. */
  readonly slots?: number | "all";
  readonly tags?: readonly string[];
  /** Environment variables it may see; the result must not depend on them. */
  readonly env?: readonly string[];
  /** Runs in a process of its own (default), or in the run's. */
  readonly runner?: "process" | "inline";
  readonly run: (tools: StepTools<I, P>) => R | Promise<R>;
}

/** A step as `step()` keeps it, without its types. */
export interface StepDefinitionRecord {
  readonly name: string;
  readonly definition: StepDefinition<Inputs, JsonObject, Outputs, unknown>;
  /** The list it is fanned out over, and the input by which `run` reads an element; null for one that is not. */
  readonly over: Handle<readonly unknown[]> | null;
}

/** What a step's outputs hold. */
export type OutputValues<O extends Outputs, R> = [O] extends [never]
  ? { readonly output: R }
  : { readonly [K in keyof O]: K extends keyof R ? R[K] : never };

/** Any step of a workflow. */
export interface AnyStep {
  readonly record: StepDefinitionRecord;
}

/** A step of a workflow; its outputs are inputs of others. */
export interface DefinedStep<V> extends AnyStep {
  readonly outputs: { readonly [K in keyof V]: Handle<V[K]> };
  /** The one output of a step that declares none. */
  readonly output: V extends { readonly output: infer T } ? Handle<T> : Problem<"this step's outputs are at .outputs">;
}

/** A step that ran once for each element of a list: each output is the list of theirs. */
export type MappedStep<V> = DefinedStep<{ readonly [K in keyof V]: readonly V[K][] }>;

/** A workflow as its file exports it. */
export interface DefinedWorkflow {
  readonly name: string;
  /** What the engine runs; `file` is the module that default-exports it, where it is known. */
  compile(source: WorkflowSource | null): Workflow;
  readonly isWorkflow: true;
}

/** Where a workflow was loaded from, and what each of its steps' code consists of. */
export interface WorkflowSource {
  readonly file: string;
  /** Names of the steps that stand in it for its own use, whether or not the workflow takes them in. */
  readonly defined: readonly string[];
  codeOf(step: string): { readonly digest: string; readonly parts: Readonly<Record<string, string>> };
}
