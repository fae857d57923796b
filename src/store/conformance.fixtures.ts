import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { inspectEmbeddedMetadata } from "./embedded.ts";
import type { StoreHooks } from "./hooks.ts";
import { memoDigest } from "./memo.ts";
import type { Store } from "./open.ts";
import type { Database } from "./schema.ts";
import { digestOfRun, sealRun } from "./seals.ts";
import { addArtifact } from "./store.fixtures.ts";
import { describeLeases } from "./lease-conformance.fixtures.ts";
import { runOf } from "./store.fixtures.ts";

/** One way to keep metadata, set up empty for one test. */
export interface StoreDriver {
  /** Opens the store as one more process would. */
  open(hooks?: StoreHooks): Promise<Store>;
  /** Makes the store look as if a release of another format had written it. */
  setFormat(format: number): Promise<void>;
  end(): Promise<void>;
}

const absent = `sha256:${"0".repeat(64)}` as const;

/** What every store does, whatever database keeps its metadata. */
export function storeConformance(name: string, setUp: () => Promise<StoreDriver>): void {
  describe(`a store ${name}`, () => {
    let driver: StoreDriver;
    let store: Store;
    const opened: Store[] = [];
    const open = async (hooks?: StoreHooks): Promise<Store> => {
      const another = await driver.open(hooks);
      opened.push(another);
      return another;
    };
    beforeEach(async () => {
      driver = await setUp();
      store = await open();
    });
    afterEach(async () => {
      for (const one of opened.splice(0)) await one.close();
      await driver.end();
    });

    describeMemoAndTransactions(() => store);
    describeValues(() => store);
    describe("that writes", () => describeWriting(() => store, open));
    describeLeases(() => store, open);
    describeCopies(() => store);

    it("is made once by several that open it at the same time, and found again", async () => {
      await store.memo.set("k", 1);
      const stores = await Promise.all(Array.from({ length: 4 }, () => open()));
      await Promise.all(stores.map((one, i) => one.memo.set(`k${i}`, i)));
      expect(await Promise.all(stores.map((_, i) => store.memo.get(`k${i}`)))).toEqual([0, 1, 2, 3]);
      expect(await stores[0]!.memo.get("k")).toBe(1);
    });

    it("refuses what a later release wrote", async () => {
      await driver.setFormat(999);
      await expect(open()).rejects.toMatchObject({
        code: "STORE_FORMAT_TOO_NEW",
        message: expect.stringContaining("999"),
      });
    });
  });
}

function describeMemoAndTransactions(store: () => Store): void {
  it("remembers small facts, by key", async () => {
    expect(await store().memo.get("k")).toBeUndefined();
    await store().memo.set("k", { a: [1, null, "x\0y"] });
    await store().memo.set("k2", null);
    expect(await store().memo.get("k")).toEqual({ a: [1, null, "x\0y"] });
    expect(await store().memo.get("k2")).toBeNull();
    await store().memo.set("k", 2);
    expect(await store().memo.get("k")).toBe(2);
  });

  it("rolls a failed transaction back whole and goes on working", async () => {
    const failing = store()
      .database.transaction()
      .execute(async (transaction) => {
        await transaction
          .insertInto("memo")
          .values({ memo_key: "a", value: "1", digest: memoDigest("a", "1") })
          .execute();
        throw new Error("stop");
      });
    await expect(failing).rejects.toThrow("stop");
    expect(await store().memo.get("a")).toBeUndefined();
    await store().memo.set("a", 1);
    expect(await store().memo.get("a")).toBe(1);
  });

  it("keeps queries of other callers out of a transaction under way", async () => {
    const increment = (): Promise<void> =>
      store()
        .database.transaction()
        .execute(async (transaction) => {
          const found = transaction.selectFrom("memo").select("value").where("memo_key", "=", "n");
          const row = await found.executeTakeFirst();
          await new Promise((resolve) => setTimeout(resolve, 1));
          const value = String(Number(row?.value ?? 0) + 1);
          const digest = memoDigest("n", value);
          await transaction
            .insertInto("memo")
            .values({ memo_key: "n", value, digest })
            .onConflict((conflict) => conflict.column("memo_key").doUpdateSet({ value, digest }))
            .execute();
        });
    await Promise.all(Array.from({ length: 20 }, increment));
    expect(await store().memo.get("n")).toBe(20);
  });

  it("refuses lineage that points at nothing", async () => {
    const orphan = { run_id: "none", step: "s", attempt: 1, input: "a.b", digest: absent };
    await expect(store().database.insertInto("step_inputs").values(orphan).execute()).rejects.toThrow(/foreign key/i);
  });
}

function describeValues(store: () => Store): void {
  it("gives every value back as it was given: numbers as numbers, nothing as null", async () => {
    const { database } = store();
    const run = runOf("r", 1, { seed: 2 ** 53 - 1, started_at: Date.UTC(2026, 1, 1), duration_ms: 0.1 + 0.2 });
    await database.insertInto("runs").values(run).execute();
    const found = await database.selectFrom("runs").selectAll().execute();
    const rest = { finished_at: null, error_code: null, error_message: null, error_remedy: null };
    expect(found).toEqual([{ ...run, ...rest, parent: null, provenance: null, definition: null }]);
    const values = [5e-324, 1.5e-17, -1.7976931348623157e308, 1e21, -0.5, null, Infinity];
    const series = values.map((value, position) => ({ run_id: "r", metric: "m", position, value }));
    await database.insertInto("series").values(series).execute();
    const read = await database.selectFrom("series").selectAll().orderBy("position").execute();
    expect(read).toEqual(series);
    const counted = await database
      .selectFrom("series")
      .select((e) => [e.fn.countAll<number>().as("n"), e.fn.max("position").as("last")])
      .executeTakeFirst();
    expect(counted).toEqual({ n: 7, last: 6 });
  });

  it("keeps a text to its end where it holds a NUL, as the sign for it, and finds it by either", async () => {
    const { database } = store();
    const run = runOf("r", 1, { error_message: "before\0after\0" });
    await database.insertInto("runs").values(run).execute();
    for (const message of ["before\0after\0", "before\u2400after\u2400"]) {
      const found = database.selectFrom("runs").select("error_message").where("error_message", "=", message);
      expect(await found.execute()).toEqual([{ error_message: "before\u2400after\u2400" }]);
    }
  });

  it("orders and compares text byte by byte", async () => {
    const { database } = store();
    await database.insertInto("runs").values(runOf("r", 1)).execute();
    const tags = ["b", "B", "a", "Z", "_", "é", "z", "10", "9", "a b", "ab", "😀", "ﬀ", ""];
    const rows = tags.map((tag) => ({ run_id: "r", tag, value: `${tag}'"\\;--` }));
    await database.insertInto("tags").values(rows).execute();
    const found = await database.selectFrom("tags").selectAll().orderBy("tag").execute();
    const inBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
    expect(found.map(({ tag }) => tag)).toEqual([...tags].sort(inBytes));
    expect(new Set(found.map(({ value }) => value))).toEqual(new Set(rows.map(({ value }) => value)));
    expect(
      await database.selectFrom("tags").select("tag").where("tag", "<", "a").where("tag", ">=", "_").execute(),
    ).toEqual([{ tag: "_" }]);
  });
}

function describeWriting(store: () => Store, open: (hooks?: StoreHooks) => Promise<Store>): void {
  const tag = (database: Store["database"], name: string, value = "v") =>
    database.insertInto("tags").values({ run_id: "r", tag: name, value });
  const tagsOf = async ({ database }: Store): Promise<string[]> =>
    (await database.selectFrom("tags").select("tag").orderBy("tag").execute()).map((row) => row.tag);
  beforeEach(async () => {
    await store().database.insertInto("runs").values(runOf("r", 1)).execute();
  });

  it("writes queries together, says how many rows each changed, and nothing at all where one fails", async () => {
    const { database } = store();
    const changed = await store().write([
      tag(database, "a"),
      tag(database, "b"),
      database.updateTable("tags").set({ value: "w" }).where("run_id", "=", "r"),
      database.selectFrom("tags").selectAll(),
      database.deleteFrom("tags").where("tag", "=", "none"),
    ]);
    expect(changed).toEqual([1, 1, 2, 0, 0]);
    await expect(store().write([tag(database, "c"), tag(database, "a")])).rejects.toThrow();
    expect(await tagsOf(store())).toEqual(["a", "b"]);
    expect(await store().write([tag(database, "d")], undefined, "eventually")).toEqual([1]);
    expect(await tagsOf(await open())).toEqual(["a", "b", "d"]);
  });

  it("executes what is asked of it in the order it was asked", async () => {
    const { database } = store();
    const values = ["1", "2", "3", "4", "5", "6"];
    await store().write([tag(database, "t", "0")]);
    const update = database.updateTable("tags");
    await Promise.all(
      values.map((value, i) =>
        i % 2
          ? update.set({ value }).execute()
          : store().write([update.set({ value })], undefined, i % 4 === 0 ? "now" : "soon"),
      ),
    );
    expect((await database.selectFrom("tags").select("value").executeTakeFirst())?.value).toBe("6");
  });

  it("passes its failpoints, and writes nothing where one of them fails before the commit", async () => {
    const reached: string[] = [];
    let failing = "";
    const hooks: StoreHooks = {
      reached: (point) => {
        reached.push(point);
        if (point === failing) throw Object.assign(new Error("no room"), { code: "ENOSPC" });
      },
    };
    const hooked = await open(hooks);
    reached.length = 0;
    await hooked.write([tag(hooked.database, "a")]);
    await hooked.memo.set("k", 1);
    const points = ["transaction.begun", "transaction.committing", "transaction.committed"];
    expect(reached).toEqual([...points, ...points]);
    for (failing of points.slice(0, 2)) {
      await expect(hooked.write([tag(hooked.database, "b")])).rejects.toMatchObject({ code: "STORE_UNWRITABLE" });
      await expect(hooked.memo.set("l", 1)).rejects.toMatchObject({ code: "STORE_UNWRITABLE" });
    }
    failing = "";
    expect(await tagsOf(hooked)).toEqual(["a"]);
    expect(await hooked.memo.get("l")).toBeUndefined();
  });
}

function describeCopies(store: () => Store): void {
  it("seals a run the same way each time, and a copy of all of it is an embedded store's file", async () => {
    const { database } = store();
    const digest = await addArtifact(store(), "bytes");
    await database.transaction().execute(async (transaction) => {
      await transaction
        .insertInto("runs")
        .values(runOf("r", 1, { status: "succeeded", finished_at: 5 }))
        .execute();
      await transaction.insertInto("artifacts").values({ digest, size: 5 }).execute();
      const of = { run_id: "r", step: "s", attempt: 1 };
      await transaction
        .insertInto("steps")
        .values({ ...of, position: 0, status: "ran", cache_key: "k", started_at: 3, duration_ms: 1.5 })
        .execute();
      await transaction
        .insertInto("step_outputs")
        .values({ ...of, output: "o", digest, type: "t", format: 1 })
        .execute();
      await transaction
        .insertInto("metrics")
        .values(["b", "a"].map((metric, i) => ({ ...of, metric, value: i === 0 ? null : 0.1 })))
        .execute();
      await transaction.updateTable("counters").set({ value: 1, twin: -1 }).execute();
      await sealRun(transaction, "r");
    });
    const seal = await digestOfRun(database, "r");
    expect(await database.selectFrom("seals").select("digest").executeTakeFirst()).toEqual({ digest: seal });
    const target = join(store().folder, "copy.sqlite");
    await store().snapshot(target);
    expect(existsSync(`${target}-wal`)).toBe(false);
    const copy = await inspectEmbeddedMetadata(target);
    expect(await copy.structure()).toEqual([]);
    for (const table of ["runs", "steps", "metrics", "seals", "counters", "artifacts"] satisfies (keyof Database)[]) {
      const rows = await database.selectFrom(table).selectAll().execute();
      expect(new Set(await copy.database.selectFrom(table).selectAll().execute())).toEqual(new Set(rows));
    }
    expect(await digestOfRun(copy.database, "r")).toBe(seal);
    await copy.database.destroy();
    await expect(store().snapshot(target)).rejects.toThrow();
  });
}
