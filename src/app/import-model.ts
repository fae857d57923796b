import fs from "node:fs/promises";
import path from "node:path";
import { MillraceError } from "../core/errors/error.ts";
import type { Contract } from "../frame/contract.ts";
import { encodeModel } from "../model/file.ts";
import { importModel } from "../model/import/import-model.ts";
import type { Task } from "../model/model.ts";
import { startTracking, whileTracking } from "../engine/tracking.ts";
import { collectProvenance } from "./provenance.ts";
import type { Project } from "./project.ts";

export interface ImportFileOptions {
  /** The name of the model its version is registered under. */
  readonly name: string;
  readonly target: string | undefined;
  readonly labels: readonly string[] | undefined;
  readonly levels: Readonly<Record<string, readonly string[]>> | undefined;
}

/** What `millrace import` registered. */
export interface ImportedVersion {
  readonly model: string;
  readonly version: number;
  readonly run: string;
  readonly from: string;
  readonly task: Task;
  readonly inputs: readonly string[];
  readonly contract: Contract;
}

const mostBytes = 2 ** 30;

/**
 * Registers the model of another trainer as a version: as challenger, with the contract its file implies, and no gate
 * asked. The file and the model stand in a run called "import". Throws MODEL_IMPORT_REFUSED, SOURCE_NOT_FOUND.
 */
export async function importFile(
  project: Project,
  file: string,
  { name, target, labels, levels }: ImportFileOptions,
): Promise<ImportedVersion> {
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name))
    throw new MillraceError("USAGE", {
      reason: `--as takes a name of lower-case letters, digits and hyphens, got "${name}"`,
    });
  const given = { ...(target && { target }), ...(labels && { labels }), ...(levels && { levels }) };
  const model = importModel({ name, file: await bytesOf(file), subject: path.basename(file), ...given });
  const tracking = await startTracking(project.store, project.clock, {
    name: "import",
    params: { file: path.basename(file), model: name, ...given },
    tags: {},
    provenance: await collectProvenance(project.root, 1),
  });
  const { runId } = tracking;
  const version = await whileTracking(tracking, async () => {
    await tracking.artifact("file", file);
    const digest = await tracking.artifact("model", encodeModel(model));
    const verdict = { passed: true, reasons: [] };
    const registration = { model: name, digest, runId, metrics: {}, verdict, comparedWith: null };
    return (await project.registry.register(registration)).version;
  });
  const { task, inputs, contract, provenance } = model;
  return { model: name, version, run: runId, from: provenance["importedFrom"] as string, task, inputs, contract };
}

async function bytesOf(file: string): Promise<Uint8Array> {
  const found = await fs.stat(file).catch(() => null);
  if (!found?.isFile()) throw new MillraceError("SOURCE_NOT_FOUND", { path: file });
  if (found.size > mostBytes)
    throw new MillraceError("MODEL_IMPORT_REFUSED", {
      subject: path.basename(file),
      reason: `it has ${found.size} bytes; files are read up to ${mostBytes}`,
    });
  return fs.readFile(file);
}

/** The script that exports scikit-learn models, as text. */
export function sklearnExporter(): Promise<string> {
  return fs.readFile(new URL("./assets/millrace_sklearn.py", import.meta.url), "utf8");
}
