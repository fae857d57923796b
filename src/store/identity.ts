import { randomBytes } from "node:crypto";
import type { Kysely } from "kysely";
import { memoDigest } from "./memo.ts";
import type { Database } from "./schema.ts";

const key = "store:id";

/** The store's own id, made when first asked for; a restored backup has that of the store it was taken from. */
export async function storeId(database: Kysely<Database>): Promise<string> {
  const known = await database.selectFrom("memo").selectAll().where("memo_key", "=", key).executeTakeFirst();
  if (known && known.digest === memoDigest(key, known.value)) return JSON.parse(known.value) as string;
  const value = JSON.stringify(randomBytes(16).toString("hex"));
  return database.transaction().execute(async (transaction) => {
    const row = { memo_key: key, value, digest: memoDigest(key, value) };
    await transaction
      .insertInto("memo")
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    const kept = await transaction.selectFrom("memo").select("value").where("memo_key", "=", key).executeTakeFirst();
    return JSON.parse(kept?.value ?? value) as string;
  });
}
