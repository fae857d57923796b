import { MillraceError } from "../core/errors/error.ts";
import { parseTimestamp } from "../frame/timestamp.ts";
import type { ApprovalState } from "../registry/approvals.ts";
import type { AuditEntry } from "../registry/audit.ts";
import type { ModelState } from "../registry/state.ts";
import { userName } from "./models.ts";
import type { Project } from "./project.ts";

/** UTC milliseconds of an ISO 8601 text. Throws USAGE. */
export function instantOf(what: string, text: string): number {
  const at = parseTimestamp(text);
  if (Number.isNaN(at))
    throw new MillraceError("USAGE", { reason: `${what} must be a time such as 2026-01-31T12:00:00Z, got "${text}"` });
  return at;
}

/** The registry as it is, or as it was at a time. */
export async function registryAt(
  project: Project,
  at: string | undefined,
): Promise<{ readonly at: string; readonly models: readonly ModelState[] }> {
  const time = at === undefined ? project.clock.now() : instantOf("--at", at);
  return { at: new Date(time).toISOString(), models: await project.registry.stateAt(time) };
}

/** What happened, oldest first: all of it, or what is about one model. Throws MODEL_NOT_FOUND. */
export async function auditEntries(project: Project, model: string | undefined): Promise<readonly AuditEntry[]> {
  return model === undefined ? project.registry.audit() : project.registry.history(model);
}

/** Puts a version away for good. */
export async function archiveVersion(
  project: Project,
  model: string,
  version: number,
  reason: string | undefined,
): Promise<{ readonly model: string; readonly version: number; readonly archived: true }> {
  await project.registry.archive(model, version, { by: userName(), reason: reason ?? "" });
  return { model, version, archived: true };
}

/** Sets ("name=value") or takes off ("name=") tags of a version. Throws USAGE. */
export async function tagVersion(
  project: Project,
  model: string,
  version: number,
  tags: readonly string[],
): Promise<{ readonly model: string; readonly version: number; readonly tags: Readonly<Record<string, string>> }> {
  const pairs = tags.map((tag) => {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(tag) ?? [];
    if (name === undefined) throw new MillraceError("USAGE", { reason: `a tag is written name=value, got "${tag}"` });
    return [name, value === "" ? null : value!] as const;
  });
  for (const pair of pairs) await project.registry.tag(model, version, pair, { by: userName(), reason: "" });
  const [state] = (await project.registry.stateAt(project.clock.now())).filter((known) => known.model === model);
  return { model, version, tags: state?.versions.find((known) => known.version === version)?.tags ?? {} };
}

/** Approves a version as a reviewer, or takes the approval back; gives how it stands then. */
export async function approveVersion(
  project: Project,
  model: string,
  version: number,
  options: { readonly by: string | undefined; readonly reason: string | undefined; readonly isWithdrawn: boolean },
): Promise<ApprovalState> {
  const authority = { by: options.by ?? userName(), reason: options.reason ?? "" };
  return project.registry.approve(model, version, authority, options.isWithdrawn);
}

/** Lets an alias stand at a version, or at none. */
export async function setAlias(
  project: Project,
  model: string,
  alias: string,
  version: number | null,
  reason: string | undefined,
): Promise<{ readonly model: string; readonly alias: string; readonly version: number | null }> {
  await project.registry.setAlias(model, alias, version, { by: userName(), reason: reason ?? "" });
  return { model, alias, version };
}
