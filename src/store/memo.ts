import type { Kysely } from "kysely";
import type { Digest } from "../core/digest.ts";
import type { JsonValue } from "../core/json.ts";
import { digestOf } from "./platform-digest.ts";
import type { Database } from "./schema.ts";

/** Small facts worth remembering between runs. A damaged one is as good as forgotten. */
export interface Memo {
  get(key: string): Promise<JsonValue | undefined>;
  set(key: string, value: JsonValue): Promise<void>;
}

/** What a memo's row is sealed with. */
export function memoDigest(key: string, value: string): Digest {
  return digestOf(`${key}\n${value}`);
}

export function createMemo(database: Kysely<Database>): Memo {
  return {
    async get(key) {
      const row = await database.selectFrom("memo").selectAll().where("memo_key", "=", key).executeTakeFirst();
      if (row === undefined || row.digest !== memoDigest(key, row.value)) return undefined;
      return JSON.parse(row.value) as JsonValue;
    },
    async set(key, given) {
      const value = JSON.stringify(given);
      const row = { value, digest: memoDigest(key, value) };
      await database.transaction().execute((transaction) =>
        transaction
          .insertInto("memo")
          .values({ memo_key: key, ...row })
          .onConflict((conflict) => conflict.column("memo_key").doUpdateSet(row))
          .execute(),
      );
    },
  };
}
