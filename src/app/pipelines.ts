import fs from "node:fs/promises";
import path from "node:path";
import { MillraceError, isMillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import { loadJiti } from "../engine/code/jiti.ts";
import type { DefinedWorkflow } from "../engine/define-types.ts";
import type { AnyPipeline } from "../pipeline/types.ts";
import type { PipelineSpec } from "../pipeline/spec.ts";

/** A pipeline as its file defines it. */
export interface LoadedPipeline {
  readonly kind: "pipeline";
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

/** A workflow as its file defines it. */
export interface LoadedWorkflow {
  readonly kind: "workflow";
  readonly file: string;
  readonly workflow: DefinedWorkflow;
}

/**
 * Loads a pipeline or a workflow by the name of its file in `pipelines/`, or by path. TypeScript is compiled on the fly;
 * `millrace` is always this package, wherever the file lies.
 */
export async function loadDefinition(root: string, nameOrPath: string): Promise<LoadedPipeline | LoadedWorkflow> {
  const file = await findFile(root, nameOrPath);
  const store = path.join(root, ".millrace");
  const hasStore = await fs.stat(store).then(
    () => true,
    () => false,
  );
  return definitionIn(file, root, hasStore ? moduleCacheOf(store) : null);
}

/** Where a store keeps the JavaScript of users' modules, so that a step's process need not compile them again. */
export function moduleCacheOf(store: string): string {
  return path.join(store, "cache", "modules");
}

/** What a file exports by default; `cache` is a folder for compiled modules. */
export async function definitionIn(
  file: string,
  root: string,
  cache: string | null,
): Promise<LoadedPipeline | LoadedWorkflow> {
  const exported = await importFile(file, cache);
  const definition = exported["default"];
  if (isPipeline(definition)) return { kind: "pipeline", file, spec: definition.spec };
  if (isWorkflow(definition)) return { kind: "workflow", file, workflow: definition };
  const names = Object.keys(exported).filter((name) => name !== "default");
  const found =
    definition === undefined
      ? `it exports ${names.join(", ") || "nothing"}`
      : `its default export is a ${typeof definition}`;
  throw new MillraceError("PIPELINE_FILE_EXPORTS_NOTHING", { path: path.relative(root, file), found });
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
    nearest: nearestName(path.basename(nameOrPath).replace(/\.[cm]?[jt]sx?$/, ""), found),
  });
}

async function importFile(file: string, cache: string | null): Promise<Record<string, unknown>> {
  const { createJiti } = loadJiti();
  const jiti = createJiti(import.meta.url, {
    alias: { millrace: publicSurface() },
    fsCache: cache ?? false,
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

function isWorkflow(value: unknown): value is DefinedWorkflow {
  return typeof value === "object" && value !== null && "isWorkflow" in value && "compile" in value;
}

/** By its members, not by its class: the file may have loaded a second copy of this package. */
function isPipeline(value: unknown): value is AnyPipeline & { readonly spec: PipelineSpec } {
  if (typeof value !== "object" || value === null || !("spec" in value)) return false;
  const { spec } = value;
  const members = ["name", "source", "contract", "roles", "split", "model", "gate", "steps"];
  return typeof spec === "object" && spec !== null && members.every((member) => member in spec);
}
