import { spawnSync } from "node:child_process";
import { mkdir, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fixedClock, systemClock } from "../core/clock.ts";
import { noHooks } from "./hooks.ts";
import { memoDigest } from "./memo.ts";
import { migrations } from "./migrations.ts";
import { openStore } from "./open.ts";
import { createQueryBuilder } from "./query-builder.ts";
import { mayBeAlive, thisProcess } from "./processes.ts";
import { SqliteDriver } from "./sqlite-driver.ts";
import { loadSqlite, openSqlite } from "./sqlite.ts";
import type { SqliteDatabase, SqliteModule } from "./sqlite.ts";
import { temporaryFolder } from "./store.fixtures.ts";

let folder: string;
let remove: () => Promise<void>;
beforeEach(async () => {
  const made = await temporaryFolder();
  folder = join(made.path, ".millrace");
  remove = made.remove;
});
afterEach(() => remove());

const clock = systemClock;

async function withDatabase(work: (database: SqliteDatabase) => void): Promise<void> {
  const database = new (await loadSqlite()).DatabaseSync(join(folder, "metadata.sqlite"));
  work(database);
  database.close();
}

describe("opening a store", () => {
  it("makes it where there is none, keeps it out of version control, and finds it again", async () => {
    const first = await openStore(folder, { clock });
    await first.memo.set("k", 1);
    await first.close();
    expect(await readFile(join(folder, ".gitignore"), "utf8")).toBe("*\n");
    const second = await openStore(folder, { clock });
    expect(await second.memo.get("k")).toBe(1);
    await second.close();
  });

  it("syncs every commit to a write-ahead log and records its format", async () => {
    const engine = await openSqlite(join((await makeFolder()).path, "s.db"), await loadSqlite(), noHooks);
    const pragma = (name: string): unknown => Object.values(engine.prepare(`pragma ${name}`).get() as object)[0];
    expect(["journal_mode", "synchronous", "foreign_keys", "busy_timeout", "user_version"].map(pragma)).toEqual([
      "wal",
      2,
      1,
      5000,
      migrations.length,
    ]);
    engine.close();
  });

  it("refuses a store of a later release", async () => {
    await (await openStore(folder, { clock })).close();
    await withDatabase((database) => database.exec("pragma user_version = 999"));
    await expect(openStore(folder, { clock })).rejects.toMatchObject({
      code: "STORE_FORMAT_TOO_NEW",
      message: expect.stringContaining("999"),
    });
  });

  it("refuses an engine that can lose pages", async () => {
    const sqlite = await loadSqlite();
    const old: SqliteModule = {
      DatabaseSync: class {
        readonly #real = new sqlite.DatabaseSync(":memory:");
        exec = (sql: string): void => this.#real.exec(sql);
        close = (): void => this.#real.close();
        prepare = (sql: string): ReturnType<SqliteDatabase["prepare"]> =>
          this.#real.prepare(sql.replace("sqlite_version()", "'3.51.2'"));
      },
    };
    await expect(openSqlite(":memory:", old, noHooks)).rejects.toMatchObject({
      code: "STORE_ENGINE_TOO_OLD",
      message: expect.stringContaining("3.51.2"),
    });
  });

  it("says so when the folder cannot be made", async () => {
    await mkdir(join(folder, ".."), { recursive: true });
    await writeFile(folder, "a file where the folder should be");
    await expect(openStore(folder, { clock })).rejects.toMatchObject({ code: "STORE_UNWRITABLE" });
  });

  it.skipIf(process.platform !== "linux")("says so when the system forbids it", async () => {
    await expect(openStore("/proc/millrace", { clock })).rejects.toMatchObject({ code: "STORE_UNWRITABLE" });
  });

  it("says so when the database is none, or torn", async () => {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "metadata.sqlite"), "this is not a database ".repeat(500));
    await expect(openStore(folder, { clock })).rejects.toMatchObject({ code: "STORE_DAMAGED" });
  });

  it("opens at once from several callers on a folder that does not exist yet", async () => {
    const stores = await Promise.all(Array.from({ length: 5 }, () => openStore(folder, { clock })));
    await Promise.all(stores.map((store, i) => store.memo.set(`k${i}`, i)));
    expect(await Promise.all(stores.map((_, i) => stores[0]!.memo.get(`k${i}`)))).toEqual([0, 1, 2, 3, 4]);
    await Promise.all(stores.map((store) => store.close()));
  });

  it("waits for another connection's transaction without holding up the process", async () => {
    const store = await openStore(folder, { clock });
    const other = new (await loadSqlite()).DatabaseSync(join(folder, "metadata.sqlite"));
    other.exec(`begin immediate; insert into memo values ('other', '1', '${memoDigest("other", "1")}')`);
    const waiting = store.memo.set("k", 2);
    await new Promise((resolve) => setTimeout(resolve, 30));
    other.exec("commit");
    other.close();
    await waiting;
    expect([await store.memo.get("other"), await store.memo.get("k")]).toEqual([1, 2]);
    await store.close();
  });

  it("says in its own words that there is no room left", async () => {
    const path = join((await makeFolder()).path, "s.db");
    const engine = await openSqlite(path, await loadSqlite(), noHooks);
    engine.exec("pragma max_page_count = 1");
    const database = createQueryBuilder("sqlite", new SqliteDriver(engine, path, noHooks));
    const row = { memo_key: "k", value: "x".repeat(1_000_000), digest: memoDigest("k", "") };
    await expect(database.insertInto("memo").values(row).execute()).rejects.toMatchObject({
      code: "STORE_UNWRITABLE",
      message: expect.stringContaining("full"),
    });
    await database.destroy();
  });

  it("removes temporary files untouched for a day, and no others", async () => {
    await (await openStore(folder, { clock })).close();
    const temporary = join(folder, "temporary");
    await writeFile(join(temporary, "old"), "");
    await writeFile(join(temporary, "new"), "");
    await utimes(join(temporary, "old"), 1000, 1000);
    await utimes(join(temporary, "new"), 1000 + 80_000, 1000 + 80_000);
    await (await openStore(folder, { clock: fixedClock((1000 + 86_500) * 1000) })).close();
    expect(await readdir(temporary)).toEqual(["new"]);
    await rm(folder, { recursive: true });
  });

  it("marks the runs of dead processes as interrupted, and leaves those of living ones", async () => {
    const store = await openStore(folder, { clock });
    const { host, pid, started } = thisProcess();
    const run = { workflow: "w", seed: 1, status: "running" as const, started_at: 1, attempt: 1 };
    const child = spawnSync(process.execPath, ["-e", ""]);
    const runs = [
      { id: "mine", sequence: 1, ...run, host, pid, process_started: started },
      { id: "dead", sequence: 2, ...run, host, pid: child.pid, process_started: "" },
      { id: "elsewhere", sequence: 3, ...run, host: `not-${host}`, pid: child.pid, process_started: "" },
      { id: "reused", sequence: 4, ...run, host, pid, process_started: process.platform === "linux" ? "1" : started },
    ];
    await store.database.insertInto("runs").values(runs).execute();
    const step = { run_id: "dead", step: "s", attempt: 1, position: 0, status: "running" as const };
    await store.database.insertInto("steps").values(step).execute();
    await store.close();
    const again = await openStore(folder, { clock });
    const found = await again.database.selectFrom("runs").select(["id", "status"]).execute();
    expect(new Map(found.map((row) => [row.id, row.status]))).toEqual(
      new Map([
        ["mine", "running"],
        ["dead", "interrupted"],
        ["elsewhere", "running"],
        ["reused", process.platform === "linux" ? "interrupted" : "running"],
      ]),
    );
    expect(await again.database.selectFrom("steps").select("status").execute()).toEqual([{ status: "interrupted" }]);
    await again.close();
  });
});

it("this process may be alive", () => {
  expect(mayBeAlive(thisProcess())).toBe(true);
});

async function makeFolder(): Promise<{ path: string }> {
  await mkdir(folder, { recursive: true });
  return { path: folder };
}
