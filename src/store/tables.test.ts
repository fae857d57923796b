import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fixedClock } from "../core/clock.ts";
import { noHooks } from "./hooks.ts";
import { openMemoryStore } from "./open.ts";
import type { Store } from "./open.ts";
import { loadSqlite, openSqlite } from "./sqlite.ts";
import type { SqliteDatabase } from "./sqlite.ts";
import { type LastingTable, lastingTables, pagesOf, rowsAtOnce } from "./tables.ts";

const names = Object.keys(lastingTables) as LastingTable[];

describe("the tables of a copy", () => {
  let engine: SqliteDatabase;
  const select = <Row>(sql: string): Row[] => engine.prepare(sql).all() as Row[];
  beforeEach(async () => {
    engine = await openSqlite(":memory:", await loadSqlite(), noHooks);
  });
  afterEach(() => engine.close());

  it("are all that migrations make but the leases and what waits for its sync or its other rows", () => {
    const made = select<{ name: string }>("select name from sqlite_schema where type = 'table'");
    expect([...names, "leases", "unsynced", "step_ends"].sort()).toEqual(made.map(({ name }) => name).sort());
  });

  it.each(names)("have the key of %s and come after what it refers to", (table) => {
    const columns = select<{ name: string; pk: number }>(`pragma table_info("${table}")`).filter(({ pk }) => pk > 0);
    expect(lastingTables[table]).toEqual(columns.sort((a, b) => a.pk - b.pk).map(({ name }) => name));
    const parents = select<{ table: LastingTable }>(`pragma foreign_key_list("${table}")`);
    for (const parent of parents) expect(names.indexOf(parent.table)).toBeLessThan(names.indexOf(table));
  });
});

describe("the pages of a table", () => {
  let store: Store;
  beforeEach(async () => {
    store = await openMemoryStore({ clock: fixedClock(1_000) });
  });
  afterEach(() => store.close());

  async function expectWhole(table: LastingTable, nPages: number): Promise<void> {
    const pages: (readonly object[])[] = [];
    for await (const page of pagesOf(store.database, table)) pages.push(page);
    expect(pages).toHaveLength(nPages);
    expect(Math.max(0, ...pages.map(({ length }) => length))).toBeLessThanOrEqual(rowsAtOnce(table));
    const all: readonly object[] = await store.database.selectFrom(table).selectAll().execute();
    const texts = (rows: readonly object[]): string[] => rows.map((row) => JSON.stringify(row)).sort();
    expect(texts(pages.flat())).toEqual(texts(all));
  }

  it("hold every row once, whatever parts of the key are alike", async () => {
    const same = { workflow: "w", seed: 1, status: "succeeded" as const, started_at: 1, attempt: 1 };
    const process = { host: "h", pid: 1, process_started: "" };
    const runs = Array.from({ length: 120 }, (_, i) => ({ id: `run-${i}`, sequence: i, ...same, ...process }));
    await store.database.insertInto("runs").values(runs).execute();
    await expectWhole("runs", 3);
    const series = Array.from({ length: 2_500 }, (_, i) => ({
      run_id: `run-${i % 2}`,
      metric: `m${i % 3}`,
      position: i >> 1,
      value: i,
    }));
    for (let start = 0; start < series.length; start += 500)
      await store.database
        .insertInto("series")
        .values(series.slice(start, start + 500))
        .execute();
    await expectWhole("series", 3);
    await expectWhole("tags", 0);
  });

  it("end where the last of them is full", async () => {
    const rows = Array.from({ length: 1_000 }, (_, i) => ({
      memo_key: `k${i}`,
      value: "1",
      digest: "sha256:0" as const,
    }));
    await store.database.insertInto("memo").values(rows).execute();
    await expectWhole("memo", 1);
  });
});
