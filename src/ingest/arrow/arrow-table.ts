import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { MillraceError } from "../../core/errors/error.ts";
import { formatDuration } from "../../core/duration.ts";
import { type ChildLimits, endOf, forkWithin } from "../child-limits.ts";
import type { LocatedFile } from "../locate.ts";
import { openCells } from "../parts/cells-table.ts";
import { type FileTable, type TableContext, unreadableFile } from "../table.ts";
import { ArrowFault, decodeArrow } from "./decode.ts";

const leastMb = 448;
const mostBytes = 2_000_000_000;
const leastMs = 8_000;
const bytesPerMs = 5_000;

/** A file of Arrow data as a table; it is decoded in a process of its own, within limits that follow from its size. */
export async function openArrow(file: LocatedFile, context: TableContext): Promise<FileTable> {
  await requirePackage();
  if (file.sizeBytes > mostBytes)
    throw unreadableFile(file, "arrow", "it is larger than 2 GB; write it in several files, or as Parquet");
  const path = join(context.folder, `rows-${context.nextFile()}.cells`);
  const limits = {
    memoryMb: Math.round(leastMb + (8 * file.sizeBytes) / 2 ** 20),
    timeoutMs: leastMs + file.sizeBytes / bytesPerMs,
  };
  const fault = await decodeApart(file.path, path, limits, context.signal);
  if (fault !== null) throw unreadableFile(file, "arrow", fault);
  return openCells({ ...file, path }, context);
}

async function requirePackage(): Promise<void> {
  try {
    await import("@uwdata/flechette");
  } catch (error) {
    const packages = ["@uwdata/flechette@2.5.0"];
    throw new MillraceError("PACKAGE_MISSING", { needs: "a source of arrow()", packages }, { cause: error });
  }
}

/** The compiled child; null where this runs from its sources and nothing was compiled yet. */
function childEntry(): string | null {
  const here = new URL("./child.js", import.meta.url);
  const url = import.meta.url.endsWith(".ts")
    ? new URL(here.href.replace(/\/src\/(?=ingest\/arrow\/child\.js$)/, `/${process.env["MILLRACE_DIST"] ?? "dist"}/`))
    : here;
  const path = fileURLToPath(url);
  return existsSync(path) ? path : null;
}

/** Why the file cannot be read, or null where `output` holds its cells; of the clock's time it may take six times the processor's. Throws CANCELLED. */
export async function decodeApart(
  path: string,
  output: string,
  limits: ChildLimits,
  signal?: AbortSignal,
): Promise<string | null> {
  const entry = childEntry();
  if (entry === null) return decodeHere(path, output, signal);
  if (signal?.aborted) throw cancelled(path);
  const child = forkWithin(entry, [path, output], limits, ["ignore", "ignore", "ignore", "ipc"]);
  let isLate = false;
  const kill = (): void => void child.kill("SIGKILL");
  const timer = setTimeout(() => {
    isLate = true;
    kill();
  }, 6 * limits.timeoutMs);
  signal?.addEventListener("abort", kill);
  try {
    return await new Promise<string | null>((resolve, reject) => {
      let answer: { readonly fault: string | null } | undefined;
      child.on("message", (message) => (answer = message as { readonly fault: string | null }));
      child.on("error", reject);
      child.on("close", (code, killer) => {
        const end = endOf(killer);
        if (signal?.aborted) reject(cancelled(path));
        else if (answer) resolve(answer.fault);
        else if (isLate || end === "time") resolve(`decoding it takes longer than ${formatDuration(limits.timeoutMs)}`);
        else if (end === "interrupt") reject(cancelled(path));
        else if (code === 1) reject(failedAlone(path));
        else resolve(`decoding it takes more than ${limits.memoryMb} MB of memory`);
      });
    });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", kill);
  }
}

function cancelled(path: string): MillraceError {
  return new MillraceError("CANCELLED", { subject: `reading "${path}"` });
}

/** Nothing was wrong with the file, as far as anybody knows. */
function failedAlone(path: string): MillraceError {
  return new MillraceError("INTERNAL", { reason: `the process that decodes "${path}" failed before it began` });
}

async function decodeHere(path: string, output: string, signal: AbortSignal | undefined): Promise<string | null> {
  try {
    await decodeArrow(path, output, signal);
    return null;
  } catch (error) {
    if (error instanceof ArrowFault) return error.message;
    throw error;
  }
}
