import { mkdirSync, rmdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { Clock } from "../core/clock.ts";
import type { Digest } from "../core/digest.ts";
import { isAbsent } from "../core/errors/absent.ts";
import { MillraceError } from "../core/errors/error.ts";
import type { JsonValue } from "../core/json.ts";
import type { Progress } from "../core/progress.ts";
import type { Rng } from "../core/rng.ts";
import type { StoredArtifact } from "../store/artifacts.ts";
import type { Fence } from "../store/leases.ts";
import type { Store } from "../store/open.ts";
import { readBytes, writeBytes } from "../store/small-file.ts";
import type { Codec, FanOutItem, Step, StepContext } from "./step.ts";
import type { DecodedValues } from "./values.ts";

/** An artifact a step wrote: its file is in the store, its metadata is not yet committed. */
export interface WrittenOutput {
  readonly output: string;
  readonly digest: Digest;
  readonly size: number;
  readonly type: string;
  readonly format: number;
}

/** What a step did, gathered while it runs. */
export interface StepRecord {
  readonly outputs: Map<string, WrittenOutput>;
  readonly metrics: Map<string, number>;
  /** Bytes of outputs whose files do not last yet, until they are committed. */
  readonly unsynced: Map<Digest, Uint8Array>;
}

export function emptyRecord(): StepRecord {
  return { outputs: new Map(), metrics: new Map(), unsynced: new Map() };
}

/** Takes a finished file of an output into the store; it lasts with the record's commit. */
export async function adoptOutput(store: Store, record: StepRecord, path: string): Promise<StoredArtifact> {
  const { digest, size, bytes } = await store.unsynced.adopt(path);
  if (bytes) record.unsynced.set(digest, bytes);
  return { digest, size };
}

/** What the bytes of small artifacts are kept under beside what codecs make of them. */
const bytesType = "(bytes)";

export interface ContextParts {
  readonly store: Store;
  readonly step: Step;
  readonly runId: string;
  readonly fence: Fence;
  readonly inputs: ReadonlyMap<string, Digest>;
  readonly observed: JsonValue;
  readonly values: DecodedValues;
  /** Whether a step after this one reads the artifact. */
  readonly readLater: { digest(digest: Digest): boolean; output(output: string): boolean };
  readonly record: StepRecord;
  readonly progress: Progress;
  readonly rng: Rng;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly item: FanOutItem | null;
  readonly onComputed?: () => Promise<void>;
}

/** What one attempt is given, and what takes away its scratch folder when it is over. */
export interface AttemptContext {
  readonly context: StepContext;
  /** A folder that goes with the attempt, not made yet. */
  staging(): string;
  end(): Promise<void>;
}

export function createAttemptContext(parts: ContextParts): AttemptContext {
  const folders: string[] = [];
  const staging = (): string => {
    const path = parts.store.artifacts.temporaryPath();
    folders.push(path);
    return path;
  };
  let made: string | null = null;
  let isOver = false;
  const scratch = (): string => {
    if (made === null) mkdirSync((made = staging()));
    return made;
  };
  return {
    context: createStepContext(
      parts,
      async () => scratch(),
      () => isOver,
    ),
    staging,
    async end() {
      isOver = true;
      for (const path of folders) await removeFolder(path);
    },
  };
}

/**
 * Mostly empty by now, or never made, which costs one call to see. A step that was given up may still write to it: what
 * cannot be removed is swept away with other temporary files, and is no fault of the attempt.
 */
async function removeFolder(path: string): Promise<void> {
  try {
    rmdirSync(path);
  } catch (error) {
    if (isAbsent(error)) return;
    await rm(path, { recursive: true, force: true }).catch(() => {});
  }
}

function createStepContext(parts: ContextParts, scratch: () => Promise<string>, isOver: () => boolean): StepContext {
  const { store, values, record } = parts;
  const digestOf = inputDigests(parts);
  const writeFile = artifactWriter(parts);
  const pathOf = (digest: Digest): Promise<string> => store.artifacts.verifiedPath(digest);
  const write = <T>(output: string, codec: Codec<T>, value: T): Promise<Digest> =>
    writeFile(output, codec, async (path) => {
      await codec.write(value, path);
      return { value };
    });

  return Object.freeze({
    read: inputReader(parts, digestOf),
    digestOf,
    write,
    writeFile,
    writeBytes: bytesWriter(parts, writeFile, isOver),
    record(numbers: Readonly<Record<string, number>>): void {
      for (const [metric, value] of Object.entries(numbers)) record.metrics.set(metric, value);
    },
    runId: parts.runId,
    fence: parts.fence,
    progress: parts.progress,
    rng: parts.rng,
    clock: parts.clock,
    get signal() {
      return parts.signal;
    },
    observed: parts.observed,
    pathOf,
    bytesOf: async (digest: Digest) =>
      (values.get(digest, bytesType) as Uint8Array | undefined) ?? readBytes(await pathOf(digest)),
    item: parts.item,
    computed: async () => parts.onComputed?.(),
    scratch,
  });
}

function inputDigests({ step, inputs }: ContextParts): StepContext["digestOf"] {
  return (input) => {
    const digest = inputs.get(input);
    if (digest !== undefined) return digest;
    const rule = `may only read its declared inputs (${step.inputs.join(", ") || "none"})`;
    throw new MillraceError("WORKFLOW_INVALID", { step: step.name, rule, actual: `"${input}"` });
  };
}

function inputReader(
  { store, values, readLater }: ContextParts,
  digestOf: StepContext["digestOf"],
): StepContext["read"] {
  return async <T>(input: string, codec: Codec<T>): Promise<T> => {
    const digest = digestOf(input);
    // The codec's type stands for T: what was kept under this digest and type went through the same codec.
    const decode = async (): Promise<T> => codec.read(await store.artifacts.verifiedPath(digest));
    const value = (await values.load(digest, codec.type, decode)) as T;
    values.keep(digest, codec.type, value, readLater.digest(digest));
    return value;
  };
}

function artifactWriter({ store, step, record, values, readLater }: ContextParts): StepContext["writeFile"] {
  return async (output, codec, produce) => {
    requireWritable(step, output, record);
    const path = store.artifacts.temporaryPath();
    try {
      const atHand = await produce(path);
      const { digest, size } = await adoptOutput(store, record, path);
      record.outputs.set(output, { output, digest, size, type: codec.type, format: codec.format });
      if (atHand && readLater.output(output)) values.keep(digest, codec.type, atHand.value, true);
      return digest;
    } catch (error) {
      await rm(path, { recursive: true, force: true });
      throw error;
    }
  };
}

function bytesWriter(
  parts: ContextParts,
  writeFile: StepContext["writeFile"],
  isOver: () => boolean,
): StepContext["writeBytes"] {
  const { store, step, record, item, values, readLater } = parts;
  return async (output, codec, bytes) => {
    requireWritable(step, output, record);
    // Those of a thousand elements are not to wait in memory, nor what a step writes that was given up: nobody commits it.
    const placed = item === null && !isOver() ? store.unsynced.announce(bytes) : store.unsynced.place(bytes);
    if (placed === null) return writeFile(output, codec, (path) => writeBytes(path, bytes));
    const { digest, size } = placed;
    record.unsynced.set(digest, placed.bytes);
    record.outputs.set(output, { output, digest, size, type: codec.type, format: codec.format });
    if (item === null && readLater.output(output)) values.keep(digest, bytesType, placed.bytes, true);
    return digest;
  };
}

function requireWritable(step: Step, output: string, record: StepRecord): void {
  if (!step.outputs.includes(output)) {
    const rule = `may only write its declared outputs (${step.outputs.join(", ") || "none"})`;
    throw new MillraceError("WORKFLOW_INVALID", { step: step.name, rule, actual: `"${output}"` });
  }
  if (record.outputs.has(output)) {
    throw new MillraceError("WORKFLOW_INVALID", {
      step: step.name,
      rule: "must write each output once",
      actual: `"${output}" twice`,
    });
  }
}

/** Throws WORKFLOW_INVALID where a step ended without writing every declared output. */
export function requireAllWritten(step: Step, written: Pick<ReadonlySet<string>, "has">): void {
  const unwritten = step.outputs.filter((output) => !written.has(output));
  if (unwritten.length === 0) return;
  throw new MillraceError("WORKFLOW_INVALID", {
    step: step.name,
    rule: "must write every declared output",
    actual: `nothing for "${unwritten.join('", "')}"`,
  });
}
