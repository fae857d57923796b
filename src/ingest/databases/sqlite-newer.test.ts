import { readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { refusalOf } from "../../core/errors/error.fixtures.ts";
import { silent } from "../../core/progress.ts";
import type { Frame } from "../../frame/frame.ts";
import { loadSqlite } from "../../store/sqlite.ts";
import { values } from "../column-values.fixtures.ts";
import { sql } from "../combined-source.ts";
import { readDataset } from "../dataset.ts";
import { createFetcher } from "../fetch.ts";
import { fingerprintSource } from "../fingerprint.ts";
import { type Columns, contractOfKinds, folder, output, put, read, root } from "../ingest.fixtures.ts";
import { type IngestReport, ingestSource } from "../ingest.ts";
import { sqlite, type SqliteOptions } from "../own-source.ts";
import type { Cell } from "../parts/cells-file.ts";
import type { Source } from "../source.ts";
import type { SelectSession } from "./session.ts";
import { openSqlite } from "./sqlite-session.ts";

const columns: Columns = [
  ["id", "number"],
  ["v", "text"],
];

/** Runs statements on the database of the running test, which it makes where there is none. */
async function execute(...statements: readonly string[]): Promise<string> {
  const path = `${folder}/shop.db`;
  if (!statSync(join(root, path), { throwIfNoEntry: false })) {
    put("shop.db", "");
    rmSync(join(root, path));
  }
  const { DatabaseSync } = await loadSqlite();
  const database = new DatabaseSync(join(root, path));
  for (const statement of statements) database.exec(statement);
  database.close();
  return path;
}

interface Reading {
  readonly frame: Frame;
  readonly report: IngestReport;
  readonly digest: string;
}

/** One run, of which the test's folder keeps what a project's store would keep. */
async function run(source: Source, wanted: Columns = columns): Promise<Reading> {
  const fetcher = createFetcher(join(root, folder, "kept"));
  try {
    const contract = contractOfKinds(wanted);
    const digest = await fingerprintSource(source, { root, fetcher });
    const report = await ingestSource({ source, contract, root, output, progress: silent, fetcher });
    return { frame: await readDataset(output, contract), report, digest };
  } finally {
    await fetcher.close();
  }
}

function originsOf({ report }: Reading): (readonly [file: string, nRows: number])[] {
  return report.origins.map(({ file, nRows }) => [file, nRows]);
}

async function countOf(session: SelectSession): Promise<(readonly Cell[])[]> {
  const { batches } = await session.select("SELECT count(*) AS n FROM grown");
  const rows: (readonly Cell[])[] = [];
  for await (const batch of batches) rows.push(...batch);
  return rows;
}

const grown: SqliteOptions = { table: "grown", since: "id" };

describe("sqlite() with since", () => {
  it("reads only what came since, and the same as all at once", async () => {
    const path = await execute(
      "CREATE TABLE grown (id INTEGER, v TEXT)",
      "INSERT INTO grown VALUES (2, 'b'), (1, 'a'), (2, 'b')",
    );
    expect(values((await run(sqlite(path, grown))).frame, "v")).toEqual(["a", "b", "b"]);
    await execute("INSERT INTO grown VALUES (2, 'c'), (2, 'b'), (3, 'd')");
    const second = await run(sqlite(path, grown));
    expect(values(second.frame, "v")).toEqual(["a", "b", "b", "c", "b", "d"]);
    expect(originsOf(second)).toEqual([
      [path, 3],
      [`${path} from id 2`, 3],
    ]);
    const third = await run(sqlite(path, grown));
    expect([third.digest, originsOf(third)]).toEqual([second.digest, originsOf(second)]);
    const all = await read(sqlite(path, { query: "SELECT * FROM grown ORDER BY id" }), columns);
    expect(second.frame).toEqual(all.frame);
  });

  it("gives every value as reading all rows does", async () => {
    const path = await execute(
      "CREATE TABLE grown (id INTEGER, n, x, c)",
      `INSERT INTO grown VALUES (1, 1.5, '', 'a,"b"' || char(10) || 'c'), (2, -0.0, 'x', '00'), (3, 9007199254740993, NULL, 3.0),
        (4, 1e308 * 10, ' y ', 12345678901234567890), (5, '0.1', 'ü🙂', 1e22), (6, NULL, 'NA', NULL), (7, 5e-324, '-', 7)`,
    );
    const mixed: Columns = [
      ["id", "number"],
      ["n", "number"],
      ["x", "text"],
      ["c", "category"],
    ];
    const all = await read(sqlite(path, { query: "SELECT * FROM grown ORDER BY id" }), mixed);
    const newer = await run(sqlite(path, grown), mixed);
    expect(newer.frame).toEqual(all.frame);
    expect(newer.report.issueCounts).toEqual(all.report.issueCounts);
  });

  it("reads all again where rows before the watermark were added, changed at it, or taken away", async () => {
    const path = await execute(
      "CREATE TABLE grown (id INTEGER, v TEXT)",
      "INSERT INTO grown VALUES (1, 'a'), (2, 'b'), (3, 'c')",
    );
    await run(sqlite(path, grown));
    for (const change of [
      "DELETE FROM grown WHERE id = 1",
      "INSERT INTO grown VALUES (1, 'late')",
      "UPDATE grown SET v = 'C' WHERE id = 3",
      "INSERT INTO grown VALUES (NULL, 'none')",
      "DELETE FROM grown WHERE id > 1",
      "ALTER TABLE grown ADD COLUMN w INTEGER",
    ]) {
      await execute(change);
      const { report, frame } = await run(sqlite(path, grown));
      const all = await read(sqlite(path, { query: "SELECT * FROM grown ORDER BY id" }), columns);
      expect([change, report.origins.length]).toEqual([change, 1]);
      expect(frame).toEqual(all.frame);
    }
  });

  it("reads all again where what was kept is damaged, and after a database of other rows took the place of the first", async () => {
    const path = await execute(
      "CREATE TABLE grown (id INTEGER, v TEXT)",
      "INSERT INTO grown VALUES (1, 'a'), (2, 'b')",
    );
    const first = await run(sqlite(path, grown));
    const kept = join(root, folder, "kept");
    const part = readdirSync(kept).find((name) => name.endsWith(".cells"))!;
    writeFileSync(join(kept, part), "something else");
    expect((await run(sqlite(path, grown))).frame).toEqual(first.frame);
    rmSync(join(root, path));
    await execute("CREATE TABLE grown (id INTEGER, v TEXT)", "INSERT INTO grown VALUES (1, 'x'), (2, 'y')");
    expect(values((await run(sqlite(path, grown))).frame, "v")).toEqual(["x", "y"]);
  });

  it("goes by texts that sort by time, in a table, a view or a query with its end", async () => {
    const path = await execute(
      "CREATE TABLE logged (at DATETIME, n INTEGER)",
      "CREATE VIEW seen AS SELECT at, n FROM logged",
      "INSERT INTO logged VALUES ('2024-01-02 03:04:05.001', 1), ('2024-01-02 03:04:05.002', 2)",
    );
    const sources = [
      sqlite(path, { table: "logged", since: "at" }),
      sqlite(path, { table: "seen", since: "at" }),
      sqlite(path, { query: "SELECT n, at FROM logged WHERE n > 0; ", since: "at" }),
    ];
    const wanted: Columns = [
      ["at", "timestamp"],
      ["n", "number"],
    ];
    for (const source of sources) await run(source, wanted);
    await execute("INSERT INTO logged VALUES ('2024-01-02 03:04:05.003', 3)");
    for (const source of sources) {
      const { frame, report } = await run(source, wanted);
      expect([values(frame, "n"), report.origins.length]).toEqual([[1, 2, 3], 2]);
      expect(values(frame, "at")[2]).toBe(Date.UTC(2024, 0, 2, 3, 4, 5, 3));
    }
  });

  it("goes on from integers beyond 2^53, each told from the next", async () => {
    const path = await execute(
      "CREATE TABLE grown (id INTEGER, v TEXT)",
      "INSERT INTO grown VALUES (9007199254740992, 'a'), (9007199254740993, 'b')",
    );
    await run(sqlite(path, grown));
    await execute("INSERT INTO grown VALUES (9007199254740994, 'c')");
    const second = await run(sqlite(path, grown), [["v", "text"]]);
    expect(values(second.frame, "v")).toEqual(["a", "b", "c"]);
    expect(originsOf(second)[1]).toEqual([`${path} from id 9007199254740993`, 1]);
  });

  it("goes on from the ends of 64-bit integers, in columns and tables of hostile names", async () => {
    const [table, since] = ['t"; DROP TABLE "x', "a\\'); --\"`] ORDER BY 1 ?"];
    const quoted = [table, since].map((name) => `"${name.replaceAll('"', '""')}"`);
    const path = await execute(
      `CREATE TABLE ${quoted[0]} (${quoted[1]} INTEGER, v TEXT)`,
      `INSERT INTO ${quoted[0]} VALUES (-9223372036854775808, 'a')`,
    );
    const source = sqlite(path, { table, since });
    await run(source, [["v", "text"]]);
    for (const [value, v] of [
      ["-9223372036854775807", "b"],
      ["9223372036854775806", "c"],
      ["9223372036854775807", "d"],
    ])
      await execute(`INSERT INTO ${quoted[0]} VALUES (${value}, '${v}')`).then(() => run(source, [["v", "text"]]));
    const { frame, report } = await run(source, [
      [since, "category"],
      ["v", "text"],
    ]);
    expect([values(frame, "v"), report.origins.length]).toEqual([["a", "b", "c", "d"], 4]);
    expect(values(frame, since)[3]).toBe("9223372036854775807");
  });

  it("goes by the order of a column, whatever that takes for equal", async () => {
    const path = await execute(
      "CREATE TABLE grown (id TEXT COLLATE NOCASE, v TEXT)",
      "INSERT INTO grown VALUES ('a', '1'), ('B', '2')",
    );
    await run(sqlite(path, grown));
    await execute("INSERT INTO grown VALUES ('b', '3'), ('C', '4')");
    const { frame, report } = await run(sqlite(path, grown), [["v", "text"]]);
    expect([values(frame, "v"), report.origins.length]).toEqual([["1", "2", "3", "4"], 2]);
  });

  it("refuses a column that is none, or no measure of growth, and bytes", async () => {
    const path = await execute(
      "CREATE TABLE grown (id INTEGER, r REAL, b BLOB, mixed, v TEXT)",
      "INSERT INTO grown VALUES (1, 0.5, NULL, 1, 'a'), (2, 1.5, NULL, 'one', 'b')",
    );
    for (const since of ["r", "mixed"])
      expect(await refusalOf(run(sqlite(path, { table: "grown", since })))).toMatchObject({ code: "SOURCE_MISMATCH" });
    const none = await refusalOf(run(sqlite(path, { table: "grown", since: "ghost" })));
    expect([none.code, none.message]).toEqual(["SOURCE_UNREADABLE", expect.stringMatching(/no such column.*ghost/)]);
    await execute("UPDATE grown SET b = x'00ff'");
    const bytes = await refusalOf(run(sqlite(path, grown)));
    expect([bytes.code, bytes.message]).toEqual(["SOURCE_UNREADABLE", expect.stringContaining('"b" holds bytes')]);
    for (const since of ["", "a\0b"]) expect(() => sqlite(path, { table: "t", since })).toThrow(/must name a column/);
  });

  it("refuses what is no database, a write and no rows, and keeps nothing of them", async () => {
    const path = await execute("CREATE TABLE grown (id INTEGER, v TEXT)");
    const text = put("text.db", "this is no database, but long enough to look like one".repeat(40));
    const refused = [
      [sqlite(path, grown), "SOURCE_EMPTY"],
      [sqlite(text, grown), "SOURCE_UNREADABLE"],
      [sqlite("none.db", grown), "SOURCE_NOT_FOUND"],
      [sqlite(path, { query: "DELETE FROM grown RETURNING id", since: "id" }), "SOURCE_UNREADABLE"],
      [sqlite(path, { query: "SELECT 1 AS id); DROP TABLE grown; --", since: "id" }), "SOURCE_UNREADABLE"],
    ] as const;
    for (const [source, code] of refused) expect(await refusalOf(run(source))).toMatchObject({ code });
    await execute("INSERT INTO grown VALUES (1, 'a')");
    expect((await run(sqlite(path, grown))).frame.nRows).toBe(1);
  });

  it("closes what SQLite has rolled back itself, as it does where a disk fails", async () => {
    const path = await execute("CREATE TABLE grown (id INTEGER, v TEXT)");
    const session = await openSqlite(join(root, path));
    const { batches } = await session.select("ROLLBACK");
    for await (const rows of batches) expect(rows).toEqual([]);
    session.close();
  });

  it("sees one state while another connection writes, and takes part in queries over several sources", async () => {
    const path = await execute(
      "PRAGMA journal_mode = wal",
      "CREATE TABLE grown (id INTEGER, v TEXT)",
      "INSERT INTO grown VALUES (1, 'a')",
    );
    const { DatabaseSync } = await loadSqlite();
    const writer = new DatabaseSync(join(root, path));
    const session = await openSqlite(join(root, path));
    expect(await countOf(session)).toEqual([["1"]]);
    writer.exec("INSERT INTO grown VALUES (2, 'b')");
    expect(await countOf(session)).toEqual([["1"]]);
    session.close();
    expect((await run(sqlite(path, grown))).frame.nRows).toBe(2);
    writer.close();
    const both = sql("select sum(g.id::double) as s from g", { g: sqlite(path, grown) });
    expect(values((await run(both, [["s", "number"]])).frame, "s")).toEqual([3]);
  });
});
