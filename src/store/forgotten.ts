import type { Kysely, Transaction } from "kysely";
import type { Digest } from "../core/digest.ts";
import type { Database } from "./schema.ts";
import type { StoredArtifact } from "./artifacts.ts";

/** An artifact whose bytes were taken away for what they held, and what stands in its place; null where nothing does. */
export interface Forgotten {
  readonly digest: Digest;
  readonly replacement: StoredArtifact | null;
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
  if (replacement !== null) {
    const kept = { digest: replacement.digest, size: replacement.size };
    await transaction
      .insertInto("artifacts")
      .values(kept)
      .onConflict((conflict) => conflict.column("digest").doNothing())
      .execute();
  }
  const row = { digest, replacement: replacement?.digest ?? null, at: atMs };
  await transaction
    .insertInto("forgotten")
    .values(row)
    .onConflict((conflict) => conflict.column("digest").doUpdateSet(row))
    .execute();
}

/** Tells what stands for an artifact now: itself, or what replaced it in the end; null where nothing is left of it. */
export async function presentArtifacts(database: Kysely<Database>): Promise<(digest: Digest) => Digest | null> {
  const rows = await database.selectFrom("forgotten").select(["digest", "replacement"]).execute();
  const replacements = new Map(rows.map(({ digest, replacement }) => [digest, replacement]));
  return (digest) => {
    let present: Digest | null = digest;
    // No chain is longer than there are links.
    for (let link = 0; present !== null && replacements.has(present) && link < rows.length; ++link)
      present = replacements.get(present)!;
    return present;
  };
}
