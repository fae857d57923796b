import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { MillraceError } from "../../core/errors/error.ts";
import { compiledModule } from "../../threads/location.ts";
import { type ChildLimits, endOf, forkWithin } from "../child-limits.ts";
import { ParquetFault } from "../parquet-shape.ts";
import type { ParquetHead, WantedColumn } from "./write-lines.ts";

/** What the child process says; the lines themselves go through its standard output. */
export type ChildMessage =
  | { readonly kind: "head"; readonly head: ParquetHead }
  | { readonly kind: "end" }
  | { readonly kind: "fault"; readonly reason: string };

/** The rows of a Parquet file as JSON lines, which are read no faster than they are taken. */
export interface ParquetLines extends ParquetHead {
  /** Throws ParquetFault where the file turns out to be damaged on the way. */
  readonly lines: AsyncIterable<Uint8Array>;
  /** Reads no further. */
  close(): void;
}

/**
 * Opens a Parquet file from anywhere: a process of its own reads it, within limits, as `writeParquetLines` does. Throws ParquetFault
 * where it is none, CANCELLED where an interrupt ended the process, INTERNAL where that failed by itself, and the signal's reason
 * where that stops the opening.
 */
export async function openParquetLines(
  path: string,
  wanted: readonly WantedColumn[],
  limits: ChildLimits,
  signal?: AbortSignal,
): Promise<ParquetLines> {
  signal?.throwIfAborted();
  const child = startChild(path, limits);
  const close = (): void => void child.kill("SIGKILL");
  signal?.addEventListener("abort", close);
  const { head, end } = heard(child, limits);
  // Told again where it is asked for.
  end.catch(() => {});
  // Where there are too many open files no process was started, and there is no channel to it; `head` says so.
  if (child.connected) child.send(wanted);
  const opened = await head.catch((error: unknown) => {
    signal?.throwIfAborted();
    throw error;
  });
  return { ...opened, lines: linesOf(child, end), close };
}

function startChild(path: string, limits: ChildLimits): ChildProcess {
  const entry = compiledModule("child", import.meta.url);
  if (entry === null) throw failedAlone("is not compiled: node tools/build.mjs");
  return forkWithin(fileURLToPath(entry), [path], limits, ["ignore", "pipe", "ignore", "ipc"]);
}

interface Heard {
  readonly head: Promise<ParquetHead>;
  /** Resolves once all lines are out. */
  readonly end: Promise<void>;
}

function heard(child: ChildProcess, limits: ChildLimits): Heard {
  let last: ChildMessage | undefined;
  let tellHead: (head: ParquetHead) => void;
  const headTold = new Promise<ParquetHead>((resolve) => (tellHead = resolve));
  child.on("message", (message: ChildMessage) => {
    if (message.kind === "head") tellHead(message.head);
    else last = message;
  });
  const end = new Promise<void>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (_code, killer) => {
      if (last?.kind === "end") resolve();
      else reject(last?.kind === "fault" ? new ParquetFault(last.reason) : faultOf(killer, limits));
    });
  });
  const noHead = end.then(() => Promise.reject<ParquetHead>(new ParquetFault("it cannot be read")));
  return { head: Promise.race([headTold, noHead]), end };
}

/** Of a process that ended without a word. */
function faultOf(killer: NodeJS.Signals | null, { memoryMb, timeoutMs }: ChildLimits): Error {
  if (killer === null) return failedAlone("failed before it began");
  switch (endOf(killer)) {
    case "interrupt":
      return new MillraceError("CANCELLED", { subject: "reading a Parquet file" });
    case "time":
      return new ParquetFault(`reading it takes more than ${Math.ceil(timeoutMs / 1000)} s of work`);
    case "memory":
      return new ParquetFault(`reading it takes more than ${memoryMb} MB of memory`);
    case null:
      return new ParquetFault("it is damaged");
  }
}

/** Nothing was wrong with the file, as far as anybody knows. */
function failedAlone(how: string): MillraceError {
  return new MillraceError("INTERNAL", { reason: `the process that reads Parquet files ${how}` });
}

async function* linesOf(child: ChildProcess, end: Promise<void>): AsyncGenerator<Uint8Array> {
  try {
    yield* child.stdout as AsyncIterable<Uint8Array>;
    await end;
  } finally {
    child.kill("SIGKILL");
  }
}
