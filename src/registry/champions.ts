import { approvalState } from "./approvals.ts";
import type { AuditEntry } from "./audit.ts";

/**
 * The champions a model can return to, the present one last: a promotion adds one, a rollback takes the last away. So
 * two rollbacks in a row go back by two.
 */
export function championsOf(history: readonly AuditEntry[]): readonly number[] {
  const champions: number[] = [];
  for (const { action, details } of history) {
    if (action === "promote") champions.push(Number(details["version"]));
    if (action === "rollback") champions.pop();
  }
  return champions;
}

/** What a promotion of `version` stands on: two equal standings of one version give the same promotion. */
export interface Standing {
  /** How often the champion had moved before; where `version` was promoted last, before that promotion. */
  readonly moves: number;
  /** It was champion and was rolled back: a person has said no, and a person must say yes. */
  readonly isWithdrawn: boolean;
  /** Approvals of `version` that hold. */
  readonly approvals: number;
}

export function standingOf(history: readonly AuditEntry[], version: number): Standing {
  const moves = history.filter(({ action }) => action === "promote" || action === "rollback");
  const last = moves.at(-1);
  const isPromotedLast = last?.action === "promote" && last.details["version"] === version;
  const own = moves.findLast(({ action, details }) =>
    action === "promote" ? details["version"] === version : details["previous"] === version,
  );
  return {
    moves: moves.length - (isPromotedLast ? 1 : 0),
    isWithdrawn: own?.action === "rollback",
    approvals: approvalState(history, version).given.length,
  };
}
