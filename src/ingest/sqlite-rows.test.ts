import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { loadSqlite } from "../store/sqlite.ts";
import { openSqlite } from "./databases/sqlite-session.ts";
import { folder, put, root } from "./ingest.fixtures.ts";
import { readSqlite } from "./sqlite-rows.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

async function collectGarbage(): Promise<void> {
  for (let i = 0; i < 3; ++i) {
    collect();
    await setImmediate();
  }
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
});
