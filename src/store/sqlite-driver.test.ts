import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Kysely } from "kysely";
import { noHooks } from "./hooks.ts";
import type { StoreHooks } from "./hooks.ts";
import { memoDigest } from "./memo.ts";
import { createQueryBuilder } from "./query-builder.ts";
import type { Database } from "./schema.ts";
import { SqliteDriver } from "./sqlite-driver.ts";
import { busyTimeoutMs, loadSqlite, openSqlite } from "./sqlite.ts";
import type { SqliteDatabase } from "./sqlite.ts";
import { temporaryFolder } from "./store.fixtures.ts";

let folder: string;
let remove: () => Promise<void>;
let engine: SqliteDatabase;
let driver: SqliteDriver;
let database: Kysely<Database>;
/** How the connection is set at each commit. */
let commits: (readonly [durability: string, synchronous: unknown, busyMs: unknown])[];
/** What the next query to be prepared throws. */
let failing: Error | null;

const pragma = (name: string): unknown => Object.values(engine.prepare(`pragma ${name}`).get() as object)[0];
const setting = (): readonly [unknown, unknown] => [pragma("synchronous"), pragma("busy_timeout")];
const [normal, full] = [1, 2];

beforeEach(async () => {
  const made = await temporaryFolder();
  remove = made.remove;
  folder = made.path;
  await mkdir(folder, { recursive: true });
  const path = join(made.path, "s.db");
  const real = await openSqlite(path, await loadSqlite(), noHooks);
  failing = null;
  engine = {
    exec: (sql) => real.exec(sql),
    close: () => real.close(),
    prepare(sql) {
      const error = failing;
      failing = null;
      if (error) throw error;
      return real.prepare(sql);
    },
  };
  commits = [];
  const hooks: StoreHooks = {
    reached(point, durability = "now") {
      if (point === "transaction.committing") commits.push([durability, ...setting()]);
    },
  };
  driver = new SqliteDriver(engine, path, hooks);
  database = createQueryBuilder("sqlite", driver);
});
afterEach(async () => {
  await database.destroy();
  await remove();
});

const insert = (key: string) =>
  database.insertInto("memo").values({ memo_key: key, value: "1", digest: memoDigest(key, "1") });
const write = (key: string, durability: "now" | "soon" | "eventually"): Promise<unknown> =>
  driver.atOnce((execute) => execute(insert(key).compile()), durability);

describe("the one connection to SQLite", () => {
  it("syncs what is to last at once, and waits for others within the engine only there, whatever came before", async () => {
    await write("a", "soon");
    await write("b", "soon");
    await database.transaction().execute((transaction) => transaction.executeQuery(insert("c").compile()));
    await write("d", "eventually");
    await write("e", "now");
    expect(commits).toEqual([
      ["soon", normal, 0],
      ["soon", normal, 0],
      ["now", full, busyTimeoutMs],
      ["eventually", normal, 0],
      ["now", full, 0],
    ]);
    await write("f", "soon");
    expect(setting()).toEqual([normal, 0]);
    await insert("g").execute();
    expect(setting()).toEqual([full, busyTimeoutMs]);
  });

  it("makes one query a transaction by itself, and waits outside the engine while others write", async () => {
    const path = join(folder, "s.db");
    const other = await openSqlite(path, await loadSqlite(), noHooks);
    other.exec("begin immediate");
    let isWritten = false;
    const writing = driver.alone(insert("a").compile(), "soon").then((result) => {
      isWritten = true;
      return result;
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(isWritten).toBe(false);
    other.exec("rollback");
    expect((await writing).numAffectedRows).toBe(1n);
    expect(commits.at(-1)).toEqual(["soon", normal, 0]);
    await driver.lasting();
    await expect(driver.alone(insert("a").compile(), "now")).rejects.toThrow("UNIQUE");
    other.close();
  });

  it("lets the engine wait where somebody is in the way of a reader, and says so where that does not end", async () => {
    await write("a", "soon");
    const keys = database.selectFrom("memo").select("memo_key").compile();
    const locked = Object.assign(new Error("database is locked"), { errcode: 5 });
    failing = locked;
    expect(await driver.rowsOf(keys)).toEqual([{ memo_key: "a" }]);
    failing = locked;
    await expect(driver.rowsOf({ ...keys, sql: `${keys.sql} limit 1` })).rejects.toMatchObject({ code: "STORE_BUSY" });
    expect(setting()).toEqual([normal, busyTimeoutMs]);
  });
});
