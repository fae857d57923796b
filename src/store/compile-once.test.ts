import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fixedClock } from "../core/clock.ts";
import { compileOnce } from "./compile-once.ts";
import { openMemoryStore } from "./open.ts";
import type { Store } from "./open.ts";

let store: Store;
beforeEach(async () => {
  store = await openMemoryStore({ clock: fixedClock(1_000) });
});
afterEach(() => store.close());

describe("a query whose SQL is made once for its shape", () => {
  let built = 0;
  const insert = (key: string, value: string): ReturnType<typeof compileOnce> => {
    const row = { memo_key: key, value, digest: "sha256:0" as const };
    return compileOnce(store.database, "memo", [...Object.values(row), value], () => {
      built += 1;
      return store.database
        .insertInto("memo")
        .values(row)
        .onConflict((conflict) => conflict.column("memo_key").doUpdateSet({ value }));
    });
  };

  it("is built once and executed with the parameters of each", async () => {
    for (const [key, value] of [
      ["a", "1"],
      ["b", "2"],
      ["a", "3"],
    ] as const)
      await store.write([insert(key, value)]);
    const rows = await store.database.selectFrom("memo").select(["memo_key", "value"]).orderBy("memo_key").execute();
    expect(rows).toEqual([
      { memo_key: "a", value: "3" },
      { memo_key: "b", value: "2" },
    ]);
    expect(built).toBe(1);
  });

  it("gives the rows of a query that has some", async () => {
    await store.memo.set("k", 5);
    for (const [key, n] of [
      ["none", 0],
      ["k", 1],
    ] as const) {
      const query = compileOnce(store.database, "by key", [key], () =>
        store.database.selectFrom("memo").select("value").where("memo_key", "=", key),
      );
      expect((await store.database.executeQuery(query)).rows).toHaveLength(n);
    }
  });

  it("is refused where its parameters are not those of what was built, in order", () => {
    const select = (parameters: readonly unknown[]) => (): unknown =>
      compileOnce(store.database, "two", parameters, () =>
        store.database.selectFrom("memo").select("value").where("memo_key", "=", "k").where("value", "=", "v"),
      );
    expect(select(["v", "k"])).toThrow('the query "two" has other parameters');
    expect(select(["k"])).toThrow('the query "two" has other parameters');
    expect(select(["k", "v"])).not.toThrow();
  });

  it("keeps nothing of the first one's values", () => {
    insert("first", "a value of many bytes");
    const { query, parameters } = insert("second", "v").compile();
    expect(JSON.stringify(query)).not.toContain("many bytes");
    expect(parameters).toEqual(["second", "v", "sha256:0", "v"]);
  });
});
