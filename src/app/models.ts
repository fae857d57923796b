import { MillraceError } from "../core/errors/error.ts";
import type { ModelVersion } from "../registry/version.ts";
import { loadVersion } from "./champion.ts";
import type { Project } from "./project.ts";

export interface DescribedModel {
  readonly model: string;
  readonly champion: number | null;
  readonly versions: readonly ModelVersion[];
}

/** All models, or the one asked for, with their versions, newest first. Throws MODEL_NOT_FOUND. */
export async function describeModels(project: Project, name?: string): Promise<DescribedModel[]> {
  const all = (await project.registry.models()).map((entry) => entry.model);
  const described: DescribedModel[] = [];
  for (const model of name === undefined ? all : [name]) {
    const versions = await project.registry.versions(model);
    const champion = await project.registry.champion(model);
    described.push({
      model,
      champion: champion?.version ?? null,
      versions: [...versions].sort((a, b) => b.version - a.version),
    });
  }
  return described;
}

/** Makes a version the champion after loading it: a damaged model is never promoted. */
export async function promoteVersion(
  project: Project,
  model: string,
  version: number,
  options: { readonly reason: string | undefined; readonly force: boolean },
): Promise<{ readonly model: string; readonly version: number }> {
  await loadVersion(project, model, version);
  if (options.force && !options.reason) throw new MillraceError("USAGE", { reason: "--force needs a --reason" });
  await project.registry.promote(model, version, {
    by: userName(),
    reason: options.reason ?? "",
    force: options.force,
  });
  return { model, version };
}

/** Makes the version that was champion before the champion again. */
export async function rollBack(
  project: Project,
  model: string,
  reason: string | undefined,
): Promise<{ readonly model: string; readonly version: number }> {
  await loadVersion(project, model);
  const { version } = await project.registry.rollback(model, { by: userName(), reason: reason ?? "" });
  return { model, version };
}

/** Who acts, for the audit log. */
export function userName(): string {
  return process.env["USER"] ?? process.env["USERNAME"] ?? "unknown";
}
