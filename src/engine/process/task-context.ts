import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../core/clock.ts";
import type { Digest } from "../../core/digest.ts";
import { MillraceError } from "../../core/errors/error.ts";
import type { Progress } from "../../core/progress.ts";
import { createRng } from "../../core/rng.ts";
import { readBytes, writeBytes } from "../../store/small-file.ts";
import type { ArtifactType, Codec, Step, StepContext } from "../step.ts";
import type { StagedContent, StagedOutput, StepTask, ToParent } from "./protocol.ts";

/** Larger outputs are cheaper to pass on as files. */
const mostSentBytes = 16 * 1024;

/** What connects an attempt in a child process with its parent. */
interface Connection {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly send: (message: ToParent) => void;
}

export interface TaskContext {
  readonly context: StepContext;
  /** What the step wrote so far. */
  readonly staged: readonly StagedOutput[];
  /** What it recorded so far. */
  readonly numbers: Map<string, number>;
}

/** What a step in a child process is given: files it was sent the paths of, and a folder to stage its outputs in. */
export function createTaskContext(task: StepTask, step: Step, connection: Connection): TaskContext {
  const staged: StagedOutput[] = [];
  const staging = stagingFolder(task);
  const numbers = new Map<string, number>();
  const inputOf = inputsOf(task, step);
  const stage = stager(step, staged);
  const writeFile = fileWriter(stage, staging);
  const pathOf = pathsOf(task);
  const context: StepContext = Object.freeze({
    read: <T>(input: string, codec: Codec<T>): Promise<T> => codec.read(inputOf(input).path),
    digestOf: (input: string) => inputOf(input).digest,
    write: <T>(output: string, codec: Codec<T>, value: T) =>
      writeFile(output, codec, (path) => codec.write(value, path)),
    writeFile,
    async writeBytes(output: string, codec: ArtifactType, bytes: Uint8Array) {
      if (bytes.length > mostSentBytes) return writeFile(output, codec, (path) => writeBytes(path, bytes));
      return stage(output, codec, () => ({ bytes: Buffer.from(bytes).toString("base64") }));
    },
    record: (given: Readonly<Record<string, number>>) => {
      for (const [name, value] of Object.entries(given)) numbers.set(name, value);
    },
    runId: task.runId,
    fence: task.fence,
    progress: sentProgress(task.id, connection),
    rng: createRng(task.seed).fork(task.stream),
    clock: connection.clock,
    signal: connection.signal,
    // Steps that observe stay in the run's own process.
    observed: null,
    pathOf,
    bytesOf: async (digest: Digest) => readBytes(await pathOf(digest)),
    item: task.item,
    // The parent knows when this process is done.
    computed: async () => {},
    scratch: scratchIn(staging),
  });
  return { context, staged, numbers };
}

function inputsOf(task: StepTask, step: Step): (input: string) => { readonly digest: Digest; readonly path: string } {
  const known = new Map(task.inputs.map(([input, digest, path]) => [input, { digest, path }]));
  return (input) => {
    const found = known.get(input);
    if (found) return found;
    const rule = `may only read its declared inputs (${step.inputs.join(", ") || "none"})`;
    throw new MillraceError("WORKFLOW_INVALID", { step: step.name, rule, actual: `"${input}"` });
  };
}

function pathsOf(task: StepTask): StepContext["pathOf"] {
  const paths = new Map([...task.inputs.map(([, digest, path]) => [digest, path] as const), ...task.elements]);
  return async (digest) => {
    const path = paths.get(digest);
    if (path === undefined) throw new MillraceError("ARTIFACT_MISSING", { digest });
    return path;
  };
}

/** Notes an output with what `produce` makes of it. */
type Stage = (
  output: string,
  codec: ArtifactType,
  produce: () => Promise<StagedContent> | StagedContent,
) => Promise<Digest>;

function stager(step: Step, staged: StagedOutput[]): Stage {
  return async (output, { type, format }, produce) => {
    if (!step.outputs.includes(output) || staged.some((one) => one.output === output)) {
      const rule = `must write each declared output once (${step.outputs.join(", ") || "none"})`;
      throw new MillraceError("WORKFLOW_INVALID", { step: step.name, rule, actual: `"${output}"` });
    }
    staged.push({ output, type, format, ...(await produce()) });
    // The parent knows the digest once it has taken the output over.
    return "sha256:";
  };
}

function fileWriter(stage: Stage, staging: () => string): StepContext["writeFile"] {
  let nFiles = 0;
  return (output, codec, produce) =>
    stage(output, codec, async () => {
      const path = join(staging(), `output-${nFiles++}`);
      await produce(path);
      return { path };
    });
}

/** The folder of the attempt, made when first asked for: most steps write nothing but what fits a message. */
function stagingFolder({ staging }: StepTask): () => string {
  let isMade = false;
  return () => {
    if (!isMade) mkdirSync(staging);
    isMade = true;
    return staging;
  };
}

/** Sent at most ten times a second, but always at the end. */
function sentProgress(id: number, { clock, send }: Connection): Progress {
  let last = -Infinity;
  return {
    report(done, total, unit) {
      const now = clock.monotonic();
      if (now - last < 100 && done < total) return;
      last = now;
      send({ kind: "progress", id, done, total, unit });
    },
  };
}

function scratchIn(staging: () => string): StepContext["scratch"] {
  let made: string | null = null;
  return async () => {
    if (made !== null) return made;
    made = join(staging(), "files");
    mkdirSync(made);
    return made;
  };
}
