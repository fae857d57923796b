import type { Transaction } from "kysely";
import { MillraceError } from "../core/errors/error.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import type { Database } from "../store/schema.ts";
import { appendAudit, readAudit } from "./audit.ts";
import type { AuditEntry } from "./audit.ts";
import { requireVersion } from "./lookup.ts";

/** Who must have approved a version before it may be promoted. */
export interface ApprovalRule {
  /** What they answer for: "risk", "owner". */
  readonly role: string;
  /** Names of those who may approve for it. */
  readonly by: readonly string[];
  /** How many of them must. */
  readonly atLeast: number;
}

export interface Approval {
  readonly by: string;
  /** For which of the rules. */
  readonly roles: readonly string[];
  readonly reason: string;
  readonly at: number;
}

/** How a version stands with its reviewers. */
export interface ApprovalState {
  readonly rules: readonly ApprovalRule[];
  /** Those that hold, oldest first. */
  readonly given: readonly Approval[];
  /** Who ran what made the version; null where that was not recorded. */
  readonly author: string | null;
  /** What is still missing, in words; empty = nothing. */
  readonly missing: readonly string[];
}

/** The state as the entries of one model tell it: the rules of the newest judgement, and approvals that were not withdrawn. */
export function approvalState(history: readonly AuditEntry[], version: number): ApprovalState {
  let rules: readonly ApprovalRule[] = [];
  let author: string | null = null;
  const given = new Map<string, Approval>();
  for (const { action, actor, at, details } of history) {
    if (details["version"] !== version) continue;
    if (action === "register" || action === "judge") rules = rulesOf(details["approvals"]);
    if (action === "register" && typeof details["author"] === "string") author = details["author"];
    if (action === "withdrawApproval") given.delete(actor);
    if (action === "approve") {
      given.delete(actor);
      given.set(actor, { by: actor, roles: textsOf(details["roles"]), reason: textOf(details["reason"]), at });
    }
  }
  const approvals = [...given.values()];
  return { rules, given: approvals, author, missing: missingApprovals(rules, approvals, author) };
}

function missingApprovals(rules: readonly ApprovalRule[], given: readonly Approval[], author: string | null): string[] {
  const missing = rules.flatMap(({ role, by, atLeast }) => {
    const names = given.filter((one) => by.includes(one.by)).length;
    const rest = by.filter((name) => !given.some((one) => one.by === name));
    return names >= atLeast ? [] : [`${atLeast - names} of ${role} (${rest.join(", ")})`];
  });
  if (missing.length > 0 || rules.length === 0) return missing;
  // Four eyes: what somebody made nobody else has looked at.
  const isAlone = author !== null && given.every(({ by }) => by === author);
  return isAlone ? [`somebody other than ${author}, who made it`] : [];
}

/** Throws APPROVAL_MISSING where reviewers have not approved the version. */
export function requireApprovals(history: readonly AuditEntry[], model: string, version: number): void {
  const { missing } = approvalState(history, version);
  if (missing.length > 0) throw new MillraceError("APPROVAL_MISSING", { model, version, missing });
}

/**
 * Approves a version, or takes an approval back. Throws APPROVAL_REFUSED for who is named by no rule of the version, and for an
 * approval that was not given.
 */
export async function approve(
  transaction: Transaction<Database>,
  [model, version]: readonly [model: string, version: number],
  { by, reason }: { readonly by: string; readonly reason: string },
  isWithdrawn: boolean,
  nowMs: number,
): Promise<void> {
  await requireVersion(transaction, model, version);
  const state = approvalState(await readAudit(transaction, model), version);
  const roles = state.rules.filter((rule) => rule.by.includes(by)).map(({ role }) => role);
  const refuse = (why: string): never => {
    throw new MillraceError("APPROVAL_REFUSED", { model, version, by, reason: why });
  };
  if (isWithdrawn && !state.given.some((one) => one.by === by)) return refuse("nothing was approved");
  if (!isWithdrawn && state.rules.length === 0) return refuse("its definition asks for no approvals");
  if (!isWithdrawn && roles.length === 0) return refuse(`reviewers are ${namesOf(state.rules).join(", ")}`);
  const action = isWithdrawn ? "withdrawApproval" : "approve";
  const details = { version, reason, ...(isWithdrawn ? {} : { roles }) };
  await appendAudit(transaction, { actor: by, action, subject: model, details }, nowMs);
}

function namesOf(rules: readonly ApprovalRule[]): string[] {
  return [...new Set(rules.flatMap(({ by }) => by))];
}

/** Rules as an entry of the audit log holds them. */
export function rulesAsJson(rules: readonly ApprovalRule[]): JsonValue {
  return rules.map(({ role, by, atLeast }): JsonObject => ({ role, by, atLeast }));
}

function rulesOf(value: JsonValue | undefined): readonly ApprovalRule[] {
  return Array.isArray(value) ? (value as unknown as readonly ApprovalRule[]) : [];
}

function textsOf(value: JsonValue | undefined): readonly string[] {
  return Array.isArray(value) ? value.map((one: JsonValue) => textOf(one)) : [];
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}
