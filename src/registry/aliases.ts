import type { Transaction } from "kysely";
import { MillraceError } from "../core/errors/error.ts";
import type { Digest } from "../core/digest.ts";
import type { Database } from "../store/schema.ts";
import { appendAudit, readAudit } from "./audit.ts";
import type { AuditVerdict } from "./audit.ts";
import { championsOf } from "./champions.ts";
import { aliasOf, moveAlias, requireVersion } from "./lookup.ts";
import type { Connection } from "./lookup.ts";
import { refuseArchived } from "./promotion.ts";
import type { Authority } from "./promotion.ts";
import { aliasesOf } from "./state.ts";

/** A name that stands at a version, beside champion and challenger. */
export interface NamedAlias {
  readonly model: string;
  readonly alias: string;
  readonly version: number;
  readonly digest: Digest;
}

const kept: ReadonlySet<string> = new Set(["champion", "challenger"]);

/** Lets an alias stand at a version, or at none. Throws ALIAS_REFUSED, VERSION_ARCHIVED, VERSION_NOT_FOUND, MODEL_NOT_FOUND. */
export async function setAlias(
  transaction: Transaction<Database>,
  [model, version]: readonly [model: string, version: number | null],
  alias: string,
  { by, reason }: Authority,
  nowMs: number,
): Promise<void> {
  if (kept.has(alias))
    throw new MillraceError("ALIAS_REFUSED", { alias, reason: "promotions and registrations move it" });
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(alias))
    throw new MillraceError("ALIAS_REFUSED", { alias, reason: "it is no name of small letters, digits and -" });
  const previous = await aliasOf(transaction, model, alias);
  if (version !== null) {
    await requireVersion(transaction, model, version);
    refuseArchived(await readAudit(transaction, model), model, version);
  } else if (previous === null) throw new MillraceError("ALIAS_REFUSED", { alias, reason: "it stands at no version" });
  if (previous === version) return;
  if (version === null)
    await transaction.deleteFrom("aliases").where("model", "=", model).where("alias", "=", alias).execute();
  else await moveAlias(transaction, model, alias, version, nowMs);
  const details = { alias, version, previous, reason };
  await appendAudit(transaction, { actor: by, action: "alias", subject: model, details }, nowMs);
}

/** Every alias but champion and challenger, by model and name. */
export async function namedAliases(database: Connection): Promise<readonly NamedAlias[]> {
  return database
    .selectFrom("aliases as a")
    .innerJoin("versions as v", (join) => join.onRef("v.model", "=", "a.model").onRef("v.version", "=", "a.version"))
    .select(["a.model", "a.alias", "a.version", "v.digest"])
    .where("a.alias", "not in", [...kept])
    .orderBy("a.model")
    .orderBy("a.alias")
    .execute();
}

/** Holds the aliases against an intact log: one moved without an entry, or entries cut off, show here. */
export async function checkAliases(
  database: Connection,
  verdict: AuditVerdict & { readonly intact: true },
): Promise<AuditVerdict> {
  const aliases = await database.selectFrom("aliases").selectAll().where("alias", "<>", "challenger").execute();
  for (const { model, alias, version } of aliases) {
    const history = await readAudit(database, model);
    const logged = alias === "champion" ? championsOf(history).at(-1) : aliasesOf(history).get(alias);
    if (logged === version) continue;
    const reason = `the ${alias} of "${model}" is version ${version}, the log says ${logged ?? "none"}`;
    return { intact: false, sequence: verdict.entries + 1, reason };
  }
  return verdict;
}
