import type { JsonValue } from "../core/json.ts";
import type { AuditEntry } from "./audit.ts";
import { championsOf } from "./champions.ts";

/** A version as the audit log tells it. */
export interface VersionState {
  readonly version: number;
  readonly digest: string;
  readonly runId: string;
  readonly registeredAt: number;
  readonly gatePassed: boolean;
  readonly isArchived: boolean;
  readonly tags: Readonly<Record<string, string>>;
}

/** A rollout at one of its steps. */
export interface RolloutState {
  readonly version: number;
  readonly kind: string;
  /** Its share of the requests. */
  readonly percent: number;
}

/** A model as it was at a time. */
export interface ModelState {
  readonly model: string;
  readonly champion: number | null;
  /** When the champion became it. */
  readonly championSince: number | null;
  /** Versions by the names people gave them. */
  readonly aliases: Readonly<Record<string, number>>;
  /** What got a share of the requests beside the champion; null where nothing did. */
  readonly rollout: RolloutState | null;
  /** Ascending. */
  readonly versions: readonly VersionState[];
}

/** The registry as its audit log tells it up to `at` (UTC milliseconds, inclusive), models by name. */
export function stateAt(entries: readonly AuditEntry[], at: number): readonly ModelState[] {
  const bySubject = new Map<string, AuditEntry[]>();
  for (const entry of entries) {
    if (entry.at > at) continue;
    const own = bySubject.get(entry.subject) ?? [];
    bySubject.set(entry.subject, own);
    own.push(entry);
  }
  return [...bySubject]
    .filter(([, own]) => own.some(({ action }) => action === "register"))
    .map(([model, own]) => modelState(model, own))
    .sort((a, b) => (a.model < b.model ? -1 : 1));
}

function modelState(model: string, entries: readonly AuditEntry[]): ModelState {
  const champion = championsOf(entries).at(-1) ?? null;
  const moved = entries.findLast(({ action }) => action === "promote" || action === "rollback");
  return {
    model,
    champion,
    championSince: champion === null ? null : moved!.at,
    aliases: Object.fromEntries(aliasesOf(entries)),
    rollout: rolloutOf(entries),
    versions: versionStates(entries),
  };
}

/** The aliases of one model as its entries tell them. */
export function aliasesOf(history: readonly AuditEntry[]): ReadonlyMap<string, number> {
  const aliases = new Map<string, number>();
  for (const { action, details } of history) {
    const { alias, version } = details;
    if (action === "alias" && typeof alias === "string") {
      if (typeof version === "number") aliases.set(alias, version);
      else aliases.delete(alias);
    }
    if (action === "archive") for (const [name, at] of aliases) if (at === version) aliases.delete(name);
  }
  return aliases;
}

/** The rollout that the entries of one model leave under way. */
function rolloutOf(entries: readonly AuditEntry[]): RolloutState | null {
  const last = entries.findLast(({ action }) => action.startsWith("rollout"));
  const begun = entries.findLast(({ action }) => action === "rollout");
  if (!last || !begun || last.action === "rolloutEnd") return null;
  const { version, kind, percents } = begun.details;
  const first = Array.isArray(percents) ? percents[0] : undefined;
  return { version: Number(version), kind: textOf(kind), percent: Number(last.details["percent"] ?? first) };
}

/** The versions of one model by what its entries say of them, ascending. */
export function versionStates(entries: readonly AuditEntry[]): readonly VersionState[] {
  const versions = new Map<number, VersionState>();
  for (const { at, action, details } of entries) {
    const version = Number(details["version"]);
    const gatePassed = details["gatePassed"] === true;
    const known = versions.get(version);
    if (action === "register") {
      const { digest, runId } = details;
      const fresh = { isArchived: false, tags: {}, registeredAt: at, gatePassed };
      versions.set(version, { version, digest: textOf(digest), runId: textOf(runId), ...fresh });
    } else if (known) versions.set(version, { ...known, ...changeOf(known, action, details) });
  }
  return [...versions.values()].sort((a, b) => a.version - b.version);
}

function changeOf(known: VersionState, action: string, details: AuditEntry["details"]): Partial<VersionState> {
  if (action === "judge") return { gatePassed: details["gatePassed"] === true };
  if (action === "archive") return { isArchived: true };
  if (action !== "tag") return {};
  const tag = textOf(details["tag"]);
  const { [tag]: _former, ...others } = known.tags;
  const value = details["value"];
  return { tags: typeof value === "string" ? { ...others, [tag]: value } : others };
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}
