import { statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fixedClock } from "../core/clock.ts";
import type { Failpoint } from "./hooks.ts";
import { openStore } from "./open.ts";
import { loadSqlite } from "./sqlite.ts";
import type { Store } from "./open.ts";
import { temporaryFolder } from "./store.fixtures.ts";

const clock = fixedClock(1_000);
let folder: string;
let store: Store;
let remove: () => Promise<void>;
let reached: Failpoint[];
let failing: Failpoint | null;
beforeEach(async () => {
  const made = await temporaryFolder();
  folder = join(made.path, ".millrace");
  remove = made.remove;
  [reached, failing] = [[], null];
  const hooks = {
    reached(point: Failpoint): void {
      reached.push(point);
      if (point === failing) throw Object.assign(new Error("injected"), { code: "EIO" });
    },
  };
  store = await openStore(folder, { clock, hooks });
  reached.length = 0;
});
afterEach(async () => {
  await store.close();
  await remove();
});

const write = (value: string, durability?: "soon"): Promise<readonly number[]> =>
  store.write(
    [
      store.database
        .insertInto("memo")
        .values({ memo_key: value, value, digest: "sha256:" })
        .onConflict((conflict) => conflict.doNothing()),
    ],
    undefined,
    durability,
  );
const logBytes = (): number => statSync(join(folder, "metadata.sqlite-wal")).size;
const unwritable = { code: "STORE_UNWRITABLE" };

describe("what is to last soon", () => {
  it("is there for every process at once, and lasts by a sync of the log that nobody waited for", async () => {
    await write("a", "soon");
    expect(reached).not.toContain("log.syncing");
    const other = await openStore(folder, { clock });
    expect(await other.database.selectFrom("memo").select("value").execute()).toEqual([{ value: "a" }]);
    await other.close();
    await store.lasting();
    await store.lasting();
    expect(reached.filter((point) => point.startsWith("log."))).toEqual(["log.syncing", "log.synced"]);
  });

  it("waits for its sync, not for that of what was written before it", async () => {
    await write("a", "soon");
    const first = store.lasting();
    await write("b", "soon");
    const second = store.lasting();
    await first;
    await second;
    expect(reached.filter((point) => point === "log.synced")).toHaveLength(2);
  });

  it.each(["log.syncing", "log.synced"] as const)(
    "is never trusted to a log after a sync of it failed, at %s: the next commit goes to one begun anew",
    async (point) => {
      await write("a", "soon");
      failing = point;
      await expect(store.lasting()).rejects.toMatchObject(unwritable);
      failing = null;
      // What was in the log already, and what asks again, hears the same.
      await expect(store.lasting()).rejects.toMatchObject(unwritable);
      const before = logBytes();
      await write("b", "soon");
      expect(logBytes()).toBeLessThan(before);
      await store.lasting();
      const values = await store.database.selectFrom("memo").select("value").orderBy("value").execute();
      expect(values).toEqual([{ value: "a" }, { value: "b" }]);
    },
  );

  it("hears of a failed sync where it was written before that was known", async () => {
    await write("a", "soon");
    failing = "log.synced";
    const first = store.lasting();
    await write("b", "soon");
    await expect(first).rejects.toMatchObject(unwritable);
    failing = null;
    await expect(store.lasting()).rejects.toMatchObject(unwritable);
  });

  it("waits for others to leave such a log, whatever is written next", async () => {
    await write("a", "soon");
    const reader = new (await loadSqlite()).DatabaseSync(join(folder, "metadata.sqlite"));
    for (const next of [() => write("b"), () => store.memo.set("c", 1)]) {
      failing = "log.synced";
      await write("d", "soon");
      await expect(store.lasting()).rejects.toMatchObject(unwritable);
      failing = null;
      reader.exec("begin; select count(*) from memo");
      let isWritten = false;
      const writing = next().then(() => (isWritten = true));
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(isWritten).toBe(false);
      reader.exec("rollback");
      await writing;
    }
    reader.close();
  });

  it("lasts once the store is closed, whether somebody asked before or nobody did", async () => {
    await write("a", "soon");
    const asked = store.lasting();
    await write("b", "soon");
    await store.close();
    await asked;
    expect(reached.filter((point) => point.startsWith("log."))).toEqual([
      "log.syncing",
      "log.synced",
      "log.syncing",
      "log.synced",
      "log.emptying",
      "log.emptied",
    ]);
  });

  it("keeps nobody from closing the store where its sync fails meanwhile, and is heard of", async () => {
    await write("a", "soon");
    failing = "log.synced";
    const asked = store.lasting();
    await store.close();
    await expect(asked).rejects.toMatchObject(unwritable);
  });
});
