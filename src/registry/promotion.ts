import type { Transaction } from "kysely";
import { MillraceError } from "../core/errors/error.ts";
import type { ContractBreak } from "../frame/contract-breaks.ts";
import type { Fence } from "../store/leases.ts";
import type { Database } from "../store/schema.ts";
import { appendAudit, readAudit } from "./audit.ts";
import type { AuditEntry } from "./audit.ts";
import { requireApprovals } from "./approvals.ts";
import { championsOf } from "./champions.ts";
import { aliasOf, moveAlias, requireVersion, versionsOf } from "./lookup.ts";
import { versionStates } from "./state.ts";
import type { ModelVersion } from "./version.ts";

/** Who moves an alias, and why. */
export interface Authority {
  readonly by: string;
  readonly reason: string;
  /** Of the run that moves it: once it was taken over, nothing moves and FENCED is thrown. */
  readonly fence?: Fence;
}

export interface PromotionAuthority extends Authority {
  /** Promotes although the gate failed or callers of the champion would be refused; needs a reason. */
  readonly force?: boolean;
}

/** What a version would refuse of the requests that the champion takes. */
export interface Compatibility {
  readonly champion: number | null;
  readonly breaks: readonly ContractBreak[];
}

/**
 * Makes a version the champion. Undefined where the champion is no longer the one that `compatibility` speaks of:
 * another promotion came between.
 */
export async function promote(
  transaction: Transaction<Database>,
  [model, version]: readonly [model: string, version: number],
  authority: PromotionAuthority,
  compatibility: Compatibility,
  nowMs: number,
): Promise<ModelVersion | undefined> {
  const previous = await aliasOf(transaction, model, "champion");
  if (previous !== compatibility.champion) return undefined;
  const candidate = await requirePromotable(transaction, [model, version], authority, compatibility);
  if (previous === version) return candidate;
  const { breaks } = compatibility;
  await moveAlias(transaction, model, "champion", version, nowMs);
  const challenger = { model, alias: "challenger", version };
  await transaction
    .deleteFrom("aliases")
    .where((e) => e.and(challenger))
    .execute();
  const forced = !candidate.gatePassed || breaks.length > 0;
  const broken = breaks.length > 0 ? { breaks: breaks.map((one) => ({ ...one })) } : {};
  const details = { version, previous, reason: authority.reason, forced, ...broken };
  await appendAudit(transaction, { actor: authority.by, action: "promote", subject: model, details }, nowMs);
  return candidate;
}

/** The version, where it may become champion. Throws as `Registry.promote`. */
export async function requirePromotable(
  transaction: Transaction<Database>,
  [model, version]: readonly [model: string, version: number],
  authority: PromotionAuthority,
  compatibility: Compatibility,
): Promise<ModelVersion> {
  const candidate = await requireVersion(transaction, model, version);
  const history = await readAudit(transaction, model);
  refuseArchived(history, model, version);
  requirePermission(candidate, authority, compatibility);
  if (compatibility.champion !== version) requireApprovals(history, model, version);
  return candidate;
}

function requirePermission(
  { model, version, gatePassed }: ModelVersion,
  { force = false, reason }: PromotionAuthority,
  { champion, breaks }: Compatibility,
): void {
  if (force && reason.trim() !== "") return;
  const needsReason = force ? ", and a forced promotion needs a reason" : "";
  if (!gatePassed)
    throw new MillraceError("PROMOTION_REFUSED", { model, version, reason: `the gate failed${needsReason}` });
  if (breaks.length > 0 && champion !== null)
    throw new MillraceError("CONTRACT_INCOMPATIBLE", { model, version, champion, breaks });
}

/** Throws VERSION_ARCHIVED. */
export function refuseArchived(history: readonly AuditEntry[], model: string, version: number): void {
  if (versionStates(history).some((state) => state.version === version && state.isArchived))
    throw new MillraceError("VERSION_ARCHIVED", { model, version });
}

/** Makes the version champion that was before the present one. */
export async function rollback(
  transaction: Transaction<Database>,
  model: string,
  authority: Authority,
  nowMs: number,
): Promise<ModelVersion> {
  await versionsOf(transaction, model);
  const history = await readAudit(transaction, model);
  const champions = championsOf(history);
  const present = champions.at(-1);
  const before = champions.at(-2);
  if (present === undefined || before === undefined) {
    const reason = present === undefined ? "it has no champion" : `version ${present} is its first champion`;
    throw new MillraceError("ROLLBACK_IMPOSSIBLE", { model, reason });
  }
  refuseArchived(history, model, before);
  await moveAlias(transaction, model, "champion", before, nowMs);
  const details = { version: before, previous: present, reason: authority.reason };
  await appendAudit(transaction, { actor: authority.by, action: "rollback", subject: model, details }, nowMs);
  return requireVersion(transaction, model, before);
}

/** Puts a version away for good: it stays readable, is never champion again, and its aliases go. Throws ARCHIVE_REFUSED for the champion. */
export async function archive(
  transaction: Transaction<Database>,
  [model, version]: readonly [model: string, version: number],
  { by, reason }: Authority,
  nowMs: number,
): Promise<void> {
  await requireVersion(transaction, model, version);
  if ((await aliasOf(transaction, model, "champion")) === version)
    throw new MillraceError("ARCHIVE_REFUSED", { model, version });
  const states = versionStates(await readAudit(transaction, model));
  if (states.some((state) => state.version === version && state.isArchived)) return;
  await transaction.deleteFrom("aliases").where("model", "=", model).where("version", "=", version).execute();
  const details = { version, reason };
  await appendAudit(transaction, { actor: by, action: "archive", subject: model, details }, nowMs);
}

/** Puts a tag on a version, or takes it off where `value` is null. */
export async function tagVersion(
  transaction: Transaction<Database>,
  [model, version]: readonly [model: string, version: number],
  [tag, value]: readonly [tag: string, value: string | null],
  { by, reason }: Authority,
  nowMs: number,
): Promise<void> {
  await requireVersion(transaction, model, version);
  const state = versionStates(await readAudit(transaction, model)).find((known) => known.version === version);
  if ((state?.tags[tag] ?? null) === value) return;
  const details = { version, tag, value, reason };
  await appendAudit(transaction, { actor: by, action: "tag", subject: model, details }, nowMs);
}
