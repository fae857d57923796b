import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { loadSqlite } from "../store/sqlite.ts";
import { compiledModule } from "../threads/location.ts";
import { openSqlite } from "./databases/sqlite-session.ts";
import { folder, put, root } from "./ingest.fixtures.ts";
import { readSqlite, unreadableSqlite } from "./sqlite-rows.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

async function collectGarbage(): Promise<void> {
  for (let i = 0; i < 3; ++i) {
    collect();
    await setImmediate();
  }
}

/** A connection of another process that adds a row, and keeps the file locked a while longer; the lock is there. */
async function lockAwhile(path: string): Promise<void> {
  const sqlite = compiledModule("sqlite", new URL("../store/sqlite.ts", import.meta.url).href);
  const script = `
    const { DatabaseSync } = await (await import(${JSON.stringify(sqlite)})).loadSqlite();
    const writer = new DatabaseSync(${JSON.stringify(path)});
    writer.exec("BEGIN EXCLUSIVE; INSERT INTO t VALUES (2)");
    console.log("locked");
    setTimeout(() => writer.exec("COMMIT"), 300);`;
  const writer = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(writer.stdout, "data");
}

describe("the rows of a SQLite file", () => {
  it("are read to the end, whatever is collected as garbage meanwhile", async () => {
    put("notes.txt", "the folder is there");
    const path = join(root, folder, "rows.db");
    const { DatabaseSync } = await loadSqlite();
    const writer = new DatabaseSync(path);
    writer.exec(
      "CREATE TABLE t (n INTEGER); WITH s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 4100) INSERT INTO t SELECT i FROM s",
    );
    writer.close();
    let nRows = 0;
    for await (const _ of readSqlite(path, "SELECT n FROM t LIMIT 20", "rows.db")) {
      await collectGarbage();
      ++nRows;
    }
    expect(nRows).toBe(20);
    const session = await openSqlite(path);
    const { batches } = await session.select("SELECT n FROM t ORDER BY n");
    const sizes: number[] = [];
    for await (const batch of batches) {
      await collectGarbage();
      sizes.push(batch.length);
    }
    session.close();
    expect(sizes).toEqual([2_000, 2_000, 100]);
  });

  it("wait for a connection that writes, and say so where it goes on for too long", async () => {
    const path = join(root, put("rows.db", ""));
    const { DatabaseSync } = await loadSqlite();
    const maker = new DatabaseSync(path);
    maker.exec("CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (1)");
    maker.close();
    await lockAwhile(path);
    const found: unknown[] = [];
    for await (const row of readSqlite(path, "SELECT n FROM t", "rows.db")) found.push({ ...(row as object) });
    expect(found).toEqual([{ n: 1n }, { n: 2n }]);
    const locked = unreadableSqlite("rows.db", Object.assign(new Error("database is locked"), { errcode: 5 }));
    expect([locked.code, locked.message]).toEqual(["SOURCE_UNREADABLE", expect.stringContaining('"rows.db"')]);
    expect(locked.message).toContain("writing to it for more than 5 s");
  });
});
