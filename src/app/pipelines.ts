import fs from "node:fs/promises";
import path from "node:path";
import { MillraceError, isMillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import type { AnyPipeline } from "../pipeline/types.ts";
import type { PipelineSpec } from "../pipeline/spec.ts";

/** A pipeline as its file defines it. */
export interface LoadedPipeline {
  readonly file: string;
  readonly spec: PipelineSpec;
}

const folderName = "pipelines";

/** Names of the pipeline files of a project (`pipelines/*.ts`, `.js`, `.mjs`, `.mts`), without their ending, sorted. */
export async function pipelineNames(root: string): Promise<string[]> {
  const entries = await fs.readdir(path.join(root, folderName)).catch(() => [] as string[]);
  const names = entries.filter((entry) => /\.(ts|mts|js|mjs)$/.test(entry) && !/\.(d|test)\.m?ts$/.test(entry));
  return names.map((entry) => entry.replace(/\.(ts|mts|js|mjs)$/, "")).sort();
}

/**
 * Loads a pipeline by the name of its file in `pipelines/`, or by path. TypeScript is compiled on the fly; `millrace` is
 * always this package, wherever the file lies.
 */
export async function loadPipeline(root: string, nameOrPath: string): Promise<LoadedPipeline> {
  const file = await findFile(root, nameOrPath);
  const exported = await importFile(file);
  const pipeline = exported["default"];
  if (!isPipeline(pipeline)) {
    const names = Object.keys(exported).filter((name) => name !== "default");
    const found =
      pipeline === undefined
        ? `it exports ${names.join(", ") || "nothing"}`
        : `its default export is a ${typeof pipeline}`;
    throw new MillraceError("PIPELINE_FILE_EXPORTS_NOTHING", { path: path.relative(root, file), found });
  }
  return { file, spec: pipeline.spec };
}

async function findFile(root: string, nameOrPath: string): Promise<string> {
  const candidates = /[/\\.]/.test(nameOrPath)
    ? [path.resolve(root, nameOrPath)]
    : [".ts", ".mts", ".js", ".mjs"].map((ending) => path.join(root, folderName, `${nameOrPath}${ending}`));
  for (const candidate of candidates) {
    if (
      await fs.stat(candidate).then(
        (stat) => stat.isFile(),
        () => false,
      )
    )
      return candidate;
  }
  const found = await pipelineNames(root);
  throw new MillraceError("PIPELINE_NOT_FOUND", {
    name: nameOrPath,
    folder: path.join(root, folderName),
    found,
    nearest: nearestName(nameOrPath, found),
  });
}

async function importFile(file: string): Promise<Record<string, unknown>> {
  const { createJiti } = await import("jiti");
  const jiti = createJiti(import.meta.url, {
    alias: { millrace: publicSurface() },
    fsCache: false,
    moduleCache: false,
    interopDefault: false,
  });
  try {
    return await jiti.import<Record<string, unknown>>(file);
  } catch (error) {
    if (isMillraceError(error)) throw error;
    throw new MillraceError("PIPELINE_FILE_BROKEN", { path: file, reason: reasonOf(error) }, { cause: error });
  }
}

/** What went wrong and where: the first place outside node_modules that the parser or the stack names. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return `it throws ${String(error)}`;
  const message = error.message.split("\n")[0]!.trim();
  const places = `${error.message}\n${error.stack ?? ""}`.matchAll(
    /(?:^|[\s(])(?:file:\/\/)?([^\s()]+\.[cm]?[jt]s):(\d+):(\d+)/g,
  );
  for (const [, path, line, column] of places) {
    if (!path!.includes("node_modules") && !message.includes(`${path}:${line}`))
      return `${message} (${path}:${line}:${column})`;
  }
  return message;
}

/** Path of this package's public surface, compiled or not. */
function publicSurface(): string {
  const ending = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return new URL(`../index.${ending}`, import.meta.url).pathname;
}

/** By its members, not by its class: the file may have loaded a second copy of this package. */
function isPipeline(value: unknown): value is AnyPipeline & { readonly spec: PipelineSpec } {
  if (typeof value !== "object" || value === null || !("spec" in value)) return false;
  const { spec } = value;
  const members = ["name", "source", "contract", "roles", "split", "model", "gate", "steps"];
  return typeof spec === "object" && spec !== null && members.every((member) => member in spec);
}
