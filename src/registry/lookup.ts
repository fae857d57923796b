import type { Kysely, Transaction } from "kysely";
import { MillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import type { Database } from "../store/schema.ts";
import { versionOf } from "./version.ts";
import type { ModelVersion } from "./version.ts";

export interface RegisteredModel {
  readonly model: string;
  readonly versions: number;
  readonly champion: number | null;
  readonly challenger: number | null;
}

export type Connection = Kysely<Database>;

/** Every model with its aliases. */
export async function listModels(database: Connection): Promise<readonly RegisteredModel[]> {
  const rows = await database
    .selectFrom("versions")
    .select((e) => ["model", e.fn.max("version").as("versions")])
    .groupBy("model")
    .orderBy("model")
    .execute();
  const aliases = await database.selectFrom("aliases").selectAll().execute();
  const aliasOfModel = (model: string, alias: string): number | null =>
    aliases.find((row) => row.model === model && row.alias === alias)?.version ?? null;
  return rows.map(({ model, versions }) => ({
    model,
    versions,
    champion: aliasOfModel(model, "champion"),
    challenger: aliasOfModel(model, "challenger"),
  }));
}

/** Oldest first. Throws MODEL_NOT_FOUND. */
export async function versionsOf(database: Connection, model: string): Promise<readonly ModelVersion[]> {
  const rows = await database
    .selectFrom("versions")
    .selectAll()
    .where("model", "=", model)
    .orderBy("version")
    .execute();
  if (rows.length === 0) {
    const found = (await listModels(database)).map((known) => known.model);
    throw new MillraceError("MODEL_NOT_FOUND", { model, found, nearest: nearestName(model, found) });
  }
  const judgements = await database
    .selectFrom("judgements")
    .selectAll()
    .where("model", "=", model)
    .orderBy("sequence")
    .execute();
  const last = new Map(judgements.map((judgement) => [judgement.version, judgement]));
  return rows.map((row) => versionOf(row, last.get(row.version)!));
}

/** Throws VERSION_NOT_FOUND or MODEL_NOT_FOUND. */
export async function requireVersion(database: Connection, model: string, version: number): Promise<ModelVersion> {
  const versions = await versionsOf(database, model);
  const found = versions.find((candidate) => candidate.version === version);
  if (found) return found;
  const numbers = versions.map((candidate) => candidate.version);
  throw new MillraceError("VERSION_NOT_FOUND", { model, version: String(version), found: numbers });
}

/** The version an alias stands at; null where it stands at none. */
export async function aliasOf(database: Connection, model: string, alias: string): Promise<number | null> {
  const query = database.selectFrom("aliases").select("version").where("model", "=", model).where("alias", "=", alias);
  return (await query.executeTakeFirst())?.version ?? null;
}

/** Lets an alias stand at a version. */
export async function moveAlias(
  transaction: Transaction<Database>,
  model: string,
  alias: string,
  version: number,
  nowMs: number,
): Promise<void> {
  const row = { version, moved_at: nowMs };
  await transaction
    .insertInto("aliases")
    .values({ model, alias, ...row })
    .onConflict((conflict) => conflict.columns(["model", "alias"]).doUpdateSet(row))
    .execute();
}
