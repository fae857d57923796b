import type { Kysely } from "kysely";
import type { Database } from "../store/schema.ts";
import { readAudit } from "./audit.ts";
import type { AuditEntry, AuditVerdict } from "./audit.ts";

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

/** Holds the champion aliases against an intact log: one moved without an entry, or entries cut off, show here. */
export async function checkAliases(
  database: Kysely<Database>,
  verdict: AuditVerdict & { readonly intact: true },
): Promise<AuditVerdict> {
  const aliases = await database.selectFrom("aliases").selectAll().where("alias", "=", "champion").execute();
  for (const { model, version } of aliases) {
    const logged = championsOf(await readAudit(database, model)).at(-1);
    if (logged === version) continue;
    const reason = `the champion of "${model}" is version ${version}, the log says ${logged ?? "none"}`;
    return { intact: false, sequence: verdict.entries + 1, reason };
  }
  return verdict;
}
