import type { Kysely, Transaction } from "kysely";
import type { Digest } from "../core/digest.ts";
import type { Database } from "./schema.ts";
import type { StoredArtifact } from "./artifacts.ts";

/** An artifact whose bytes were taken away for what they held, and what stands in its place. */
export interface Forgotten {
  readonly digest: Digest;
  readonly replacement: StoredArtifact;
}

/** The artifacts whose bytes are to be there: all that are on record but those forgotten. */
export function keptArtifacts(database: Kysely<Database>): Promise<readonly StoredArtifact[]> {
  return database
    .selectFrom("artifacts")
    .selectAll()
    .where((e) =>
      e.not(
        e.exists(
          e.selectFrom("forgotten").select("forgotten.digest").whereRef("forgotten.digest", "=", "artifacts.digest"),
        ),
      ),
    )
    .orderBy("digest")
    .execute();
}

/** Notes that an artifact's bytes go. What runs say of it stays: it was read and written, and is to be had no more. */
export async function noteForgotten(
  transaction: Transaction<Database>,
  { digest, replacement }: Forgotten,
  atMs: number,
): Promise<void> {
  await transaction
    .insertInto("artifacts")
    .values({ digest: replacement.digest, size: replacement.size })
    .onConflict((conflict) => conflict.column("digest").doNothing())
    .execute();
  await transaction.deleteFrom("unsynced").where("digest", "=", digest).execute();
  const row = { digest, replacement: replacement.digest, at: atMs };
  await transaction
    .insertInto("forgotten")
    .values(row)
    .onConflict((conflict) => conflict.column("digest").doUpdateSet(row))
    .execute();
}

/** Tells what stands for an artifact now: itself, or what replaced it in the end. */
export async function presentArtifacts(database: Kysely<Database>): Promise<(digest: Digest) => Digest> {
  const rows = await database.selectFrom("forgotten").select(["digest", "replacement"]).execute();
  const replacements = new Map(rows.map(({ digest, replacement }) => [digest, replacement]));
  return (digest) => {
    let present = digest;
    // No chain is longer than there are links.
    for (let link = 0; replacements.has(present) && link < rows.length; ++link) present = replacements.get(present)!;
    return present;
  };
}
