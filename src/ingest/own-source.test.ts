import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { silent } from "../core/progress.ts";
import type { Contract } from "../frame/contract.ts";
import { loadSqlite } from "../store/sqlite.ts";
import { values } from "./column-values.fixtures.ts";
import { createFetcher } from "./fetch.ts";
import { fingerprintSource } from "./fingerprint.ts";
import { failure, fingerprint, output, put, read, root } from "./ingest.fixtures.ts";
import { ingestSource } from "./ingest.ts";
import { rows, sqlite } from "./own-source.ts";
import { plainSource } from "./plain-source.ts";
import type { Source } from "./source.ts";

describe("rows", () => {
  it("reads what a generator yields, value by value", async () => {
    const source = rows(async function* () {
      yield { n: 1.5, b: true, t: new Date("2024-01-02T03:04:05.678Z"), x: "a", big: 9007199254740993n };
      yield { n: undefined, b: null, x: "" };
      yield { n: Infinity, b: false };
    });
    const { frame, report } = await read(source, [
      ["n", "number"],
      ["b", "boolean"],
      ["t", "timestamp"],
      ["x", "text"],
      ["big", "category"],
    ]);
    expect(values(frame, "n")).toEqual([1.5, NaN, NaN]);
    expect(report.issueCounts).toEqual([["n:kind", 1]]);
    expect(values(frame, "b")).toEqual([1, 255, 0]);
    expect(values(frame, "t")[0]).toBe(Date.UTC(2024, 0, 2, 3, 4, 5, 678));
    expect(values(frame, "x")).toEqual(["a", null, null]);
    expect(values(frame, "big")[0]).toBe("9007199254740993");
  });

  it("is fetched once for fingerprint and reading, and told by code and content", async () => {
    let calls = 0;
    const make = (last: number): Source =>
      rows(async function* () {
        ++calls;
        yield { n: last };
      });
    const fetcher = createFetcher();
    const source = make(1);
    const first = await fingerprintSource(source, { root, fetcher });
    const contract: Contract = { columns: [{ name: "n", kind: "number", missing: 0, onViolation: "fail" }] };
    await ingestSource({ source, contract, root, output, progress: silent, fetcher });
    expect(calls).toBe(1);
    await fetcher.close();
    expect(await fingerprint(make(1))).toBe(first);
    expect(await fingerprint(make(2))).not.toBe(first);
    const other = rows(async function* () {
      yield { n: 1 };
    });
    expect(JSON.stringify(plainSource(source))).not.toBe(JSON.stringify(plainSource(other)));
  });

  it("refuses rows that are none, values without a meaning, and no rows; passes on what the generator throws", async () => {
    const n = [["n", "number"]] as const;
    const yields = (value: unknown): Source =>
      rows(async function* () {
        yield value as object;
      });
    expect((await failure(read(yields(3), n))).message).toMatch(/row 1 is no object but number/);
    expect((await failure(read(yields({ n: { a: 1 } }), n))).message).toMatch(/row 1 holds a Object in "n"/);
    expect((await failure(read(yields({ n: new Date(NaN) }), n))).message).toMatch(/a Date in "n"/);
    const none = rows(async function* () {});
    expect(await failure(read(none, n))).toMatchObject({ code: "SOURCE_EMPTY" });
    const broken = rows(async function* () {
      yield { n: 1 };
      throw new TypeError("gone");
    });
    const { code, message } = await failure(read(broken, n));
    expect([code, message]).toEqual(["SOURCE_UNREADABLE", expect.stringContaining("after row 1 it throws: gone")]);
  });

  it("takes rows in lists, asks for more only when the last were written, and ends a generator that is not read on", async () => {
    const asked: number[] = [];
    let isEnded = false;
    const lists = rows(async function* () {
      try {
        for (let i = 0; i < 4; ++i) {
          asked.push(i);
          yield Array.from({ length: i }, (_, k) => ({ n: 10 * i + k }));
        }
        yield { n: 99 };
      } finally {
        isEnded = true;
      }
    });
    expect(values((await read(lists, [["n", "number"]])).frame, "n")).toEqual([10, 20, 21, 30, 31, 32, 99]);
    expect([asked, isEnded]).toEqual([[0, 1, 2, 3], true]);
    isEnded = false;
    rmSync(output);
    const odd = rows(async function* () {
      try {
        yield [{ n: 1 }, 3 as unknown as { n: number }];
        asked.push(100);
      } finally {
        isEnded = true;
      }
    });
    expect((await failure(read(odd, [["n", "number"]]))).message).toContain("row 2 is no object");
    expect([asked.includes(100), isEnded]).toEqual([false, true]);
  });

  it("is told when the run is cancelled", async () => {
    const abort = new AbortController();
    const source = rows(async function* ({ signal }) {
      yield { n: 1 };
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("it stopped"))));
    });
    const fetcher = createFetcher();
    const reading = fingerprintSource(source, { root, fetcher, signal: abort.signal });
    setTimeout(() => abort.abort(), 10);
    const error = await failure(
      Promise.race([reading, new Promise((_, reject) => setTimeout(reject, 2_000, new Error("it hangs")))]),
    );
    expect(error.code).toBe("CANCELLED");
    await fetcher.close();
  });
});

describe("sqlite", () => {
  async function database(): Promise<string> {
    const path = put("shop.db", "");
    rmSync(join(root, path));
    const { DatabaseSync } = await loadSqlite();
    const shop = new DatabaseSync(join(root, path));
    shop.exec(`CREATE TABLE "order ""s" (id INTEGER, price REAL, note TEXT, picture BLOB);
      INSERT INTO "order ""s" VALUES (1, 9.5, 'a', NULL), (9007199254740993, NULL, 'b"c', NULL)`);
    shop.close();
    return path;
  }

  it("reads a table and a query, large integers digit by digit", async () => {
    const path = await database();
    const { frame } = await read(sqlite(path, { table: 'order "s' }), [
      ["id", "category"],
      ["price", "number"],
      ["note", "text"],
    ]);
    expect(values(frame, "id")).toEqual(["1", "9007199254740993"]);
    expect(values(frame, "price")).toEqual([9.5, NaN]);
    expect(values(frame, "note")).toEqual(["a", 'b"c']);
    const query = 'SELECT count(*) AS n FROM "order ""s"';
    expect(values((await read(sqlite(path, { query }), [["n", "number"]])).frame, "n")).toEqual([2]);
  });

  it("neither writes nor reads what is no database, and says what SQLite says", async () => {
    const path = await database();
    const n = [["n", "number"]] as const;
    const write = `INSERT INTO "order ""s" (id) VALUES (7) RETURNING id AS n`;
    expect(await failure(read(sqlite(path, { query: write }), n))).toMatchObject({ code: "SOURCE_UNREADABLE" });
    expect((await failure(read(sqlite(path, { table: "nothing" }), n))).message).toMatch(/no such table/);
    const text = put("text.db", "this is no database, but long enough to look like one".repeat(40));
    expect(await failure(read(sqlite(text, { table: "t" }), n))).toMatchObject({ code: "SOURCE_UNREADABLE" });
    expect(await failure(read(sqlite("none.db", { table: "t" }), n))).toMatchObject({ code: "SOURCE_NOT_FOUND" });
    expect(() => sqlite(path, {})).toThrow(/either `table` or `query`/);
    for (const table of ["", "a\0b"]) expect(() => sqlite(path, { table })).toThrow(/must name a table/);
  });
});
