import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { openProject } from "../../src/app/project.ts";
import { runPipeline } from "../../src/app/run-pipeline.ts";
import { systemClock } from "../../src/core/clock.ts";
import { refusalOf } from "../../src/core/errors/error.fixtures.ts";
import { linear, number, pipeline } from "../../src/index.ts";
import { values } from "../../src/ingest/column-values.fixtures.ts";
import { sql } from "../../src/ingest/combined-source.ts";
import { mysql, postgres } from "../../src/ingest/databases/database-source.ts";
import { createFetcher } from "../../src/ingest/fetch.ts";
import { fingerprintSource } from "../../src/ingest/fingerprint.ts";
import { fromEnvironment, inMysql, inPostgres, read, root, servers } from "./database-reading.ts";

/** A relay in front of a server that can cut the line in the middle of an answer. */
async function startRelay(target: string, cutAfterBytes: number): Promise<{ url: string; close(): void }> {
  const { hostname, port } = new URL(target);
  const server = net.createServer((incoming) => {
    const outgoing = net.connect(Number(port), hostname);
    let nBytes = 0;
    incoming.pipe(outgoing);
    outgoing.on("data", (chunk: Buffer) => {
      nBytes += chunk.length;
      if (nBytes > cutAfterBytes) {
        incoming.destroy();
        outgoing.destroy();
      } else incoming.write(chunk);
    });
    for (const socket of [incoming, outgoing]) socket.on("error", () => {});
    outgoing.on("close", () => incoming.destroy());
    incoming.on("close", () => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = new URL(target);
  url.port = String((server.address() as net.AddressInfo).port);
  return { url: url.href, close: () => server.close() };
}

interface Subject {
  readonly kind: "postgres" | "mysql";
  readonly source: typeof postgres;
  readonly execute: typeof inPostgres;
  /** SQL of a table t of n rows (id, v) with v a text of 100 characters. */
  readonly fill: (n: number) => readonly string[];
}

const subjects: readonly Subject[] = [
  {
    kind: "postgres",
    source: postgres,
    execute: inPostgres,
    fill: (n) => [
      "DROP TABLE IF EXISTS t",
      "CREATE TABLE t (id int primary key, v text)",
      `INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, ${n}) AS i`,
    ],
  },
  {
    kind: "mysql",
    source: mysql,
    execute: inMysql,
    fill: (n) => [
      "DROP TABLE IF EXISTS t",
      "CREATE TABLE t (id int primary key, v text)",
      "SET SESSION max_recursive_iterations = 1000000",
      `INSERT INTO t WITH RECURSIVE s AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM s WHERE i < ${n}) SELECT i, repeat('x', 100) FROM s`,
    ],
  },
];

for (const { kind, source, execute, fill } of subjects) {
  describe.skipIf(servers[kind] === undefined)(`${kind}()`, () => {
    const address = servers[kind]?.url ?? "";
    const url = address === "" ? "" : fromEnvironment(address);
    let folder = "";
    beforeAll(() => {
      folder = fs.mkdtempSync(path.join(root, "kept-"));
    });

    it("reads more rows than a batch in the order of the primary key, the same bytes each time", async () => {
      await execute(...fill(5_003));
      const columns = { id: "number", v: "text" } as const;
      const first = await read(source({ url, table: "t" }), columns);
      expect(values(first.frame, "id")).toEqual(Array.from({ length: 5_003 }, (_, i) => i + 1));
      const again = await read(source({ url, query: "SELECT id, v FROM t ORDER BY id" }), columns);
      expect(again.bytes.equals(first.bytes)).toBe(true);
      expect(again.digest).toBe(first.digest);
    });

    it("takes part in queries over several sources", async () => {
      await execute(...fill(10));
      const both = sql("select sum(t.id::double) as s from t", { t: source({ url, table: "t" }) });
      expect(values((await read(both, { s: "number" })).frame, "s")).toEqual([55]);
    });

    it("takes the address and the password from the environment, and tells neither", async () => {
      await execute(...fill(3));
      const { frame } = await read(source({ url, table: "t" }), { id: "number" });
      expect(frame.nRows).toBe(3);
      const missing = await refusalOf(read(source({ url: { env: "TEST_NOT_SET" }, table: "t" }), { id: "number" }));
      expect(missing.code).toBe("SOURCE_SECRET_MISSING");
    });

    it("says that a password is wrong without repeating it", async () => {
      const wrong = new URL(address);
      wrong.username = "nobody";
      process.env["TEST_PASSWORD"] = "pa55-w0rd";
      const given = source({
        url: wrong.href.replace(/:[^:@/]*@/, "@"),
        password: { env: "TEST_PASSWORD" },
        table: "t",
      });
      const { code, message } = await refusalOf(read(given, { id: "number" }));
      expect(code).toBe("SOURCE_DENIED");
      expect(message).not.toContain("pa55-w0rd");
      expect(JSON.stringify(given)).not.toContain("pa55-w0rd");
    });

    it("says that a table, a column or a statement is unknown", async () => {
      for (const query of ["SELECT * FROM nowhere", "SELECT nothing FROM t", "SELEC 1"]) {
        const { code } = await refusalOf(read(source({ url, query }), { id: "number" }));
        expect([query, code]).toEqual([query, "SOURCE_QUERY_INVALID"]);
      }
      expect((await refusalOf(read(source({ url, table: "nowhere" }), { id: "number" }))).code).toBe(
        "SOURCE_QUERY_INVALID",
      );
    });

    it("writes nothing, whatever the query says", async () => {
      await execute(...fill(3));
      for (const query of ["DELETE FROM t", "DROP TABLE t", "SELECT 1 AS id; DROP TABLE t", "COMMIT; DROP TABLE t"]) {
        const { code } = await refusalOf(read(source({ url, query }), { id: "number" }));
        expect([query, code]).toEqual([query, "SOURCE_QUERY_INVALID"]);
      }
      expect((await read(source({ url, table: "t" }), { id: "number" })).frame.nRows).toBe(3);
    });

    it("refuses an empty result", async () => {
      const { code } = await refusalOf(read(source({ url, query: "SELECT id FROM t WHERE id < 0" }), { id: "number" }));
      expect(code).toBe("SOURCE_EMPTY");
    });

    it("leaves nothing where the server goes in the middle of an answer", async () => {
      await execute(...fill(20_000));
      for (const cut of [0, 200, 10_000, 500_000, 1_500_000]) {
        const relay = await startRelay(address, cut);
        const { code } = await refusalOf(
          read(source({ url: fromEnvironment(relay.url), table: "t" }), { id: "number", v: "text" }),
        );
        expect([cut, code]).toEqual([cut, "SOURCE_UNREACHABLE"]);
        relay.close();
      }
    });

    it("gives up when its time is over, and when it is cancelled", async () => {
      const slow = kind === "postgres" ? "SELECT 1 AS id, pg_sleep(20)::text AS s" : "SELECT 1 AS id, sleep(20) AS s";
      const { code, message } = await refusalOf(read(source({ url, query: slow, timeout: "300ms" }), { id: "number" }));
      expect([code, message]).toEqual(["SOURCE_UNREACHABLE", expect.stringContaining("longer than 300 ms")]);
      const fetcher = createFetcher();
      const abort = new AbortController();
      setTimeout(() => abort.abort(), 200);
      const reading = fingerprintSource(source({ url, query: slow }), { root, fetcher, signal: abort.signal });
      expect((await refusalOf(reading)).code).toBe("CANCELLED");
      await fetcher.close();
    });

    it("says that nobody answers", async () => {
      const gone = new URL(address);
      gone.port = "1";
      const { code } = await refusalOf(read(source({ url: fromEnvironment(gone.href), table: "t" }), { id: "number" }));
      expect(code).toBe("SOURCE_UNREACHABLE");
    });

    it("tells that a column of the contract is gone, and counts what is no number any more", async () => {
      await execute(...fill(3));
      const gone = await refusalOf(read(source({ url, table: "t" }), { id: "number", w: "number" }));
      expect([gone.code, gone.message]).toEqual(["COLUMN_MISSING", expect.stringContaining("id, v")]);
      await execute("UPDATE t SET v = '12' WHERE id = 1", "UPDATE t SET v = 'a dozen' WHERE id = 2");
      const { report } = await read(source({ url, table: "t" }), { v: "number" });
      expect(report.issueCounts).toEqual([["v:kind", 2]]);
    });

    it("reads with `since` only what came since, and the same as all at once", async () => {
      const table = source({ url, table: "grown", since: "id" });
      const columns = { id: "number", v: "text" } as const;
      await execute(
        "DROP TABLE IF EXISTS grown",
        "CREATE TABLE grown (id bigint, v text)",
        "INSERT INTO grown VALUES (1, 'a'), (2, 'b'), (2, 'b')",
      );
      expect(values((await read(table, columns, folder)).frame, "v")).toEqual(["a", "b", "b"]);
      await execute("INSERT INTO grown VALUES (2, 'c'), (2, 'b'), (3, 'd')");
      const second = await read(table, columns, folder);
      expect(values(second.frame, "id")).toEqual([1, 2, 2, 2, 2, 3]);
      expect(new Set(values(second.frame, "v").slice(3))).toEqual(new Set(["b", "c", "d"]));
      expect(second.report.origins.map(({ file, nRows }) => [file, nRows])).toEqual([
        [`${kind} grown`, 3],
        [`${kind} grown from id 2`, 3],
      ]);
      const third = await read(table, columns, folder);
      expect([third.digest, third.bytes.equals(second.bytes)]).toEqual([second.digest, true]);
    });

    it("reads all again where rows before the watermark were added, changed at it, or taken away", async () => {
      const table = source({ url, table: "grown", since: "id" });
      const columns = { id: "number", v: "text" } as const;
      const changes = [
        "DELETE FROM grown WHERE id = 1",
        "INSERT INTO grown VALUES (1, 'late')",
        "UPDATE grown SET v = 'D' WHERE id = 3",
        "INSERT INTO grown VALUES (NULL, 'none')",
      ];
      for (const change of changes) {
        await execute(change);
        const { report } = await read(table, columns, folder);
        expect([change, report.origins.length]).toEqual([change, 1]);
      }
      await execute("ALTER TABLE grown ADD COLUMN w int", "INSERT INTO grown VALUES (9, 'e', 5)");
      const wider = await read(table, { ...columns, w: "number" }, folder);
      expect([wider.report.origins.length, values(wider.frame, "w").filter((w) => w === 5)]).toEqual([1, [5]]);
    });

    it("reads since a time, to the microsecond, and refuses a column that is no measure of growth", async () => {
      const type = kind === "postgres" ? "timestamptz" : "datetime(6)";
      await execute(
        "DROP TABLE IF EXISTS logged",
        `CREATE TABLE logged (at ${type}, n int, v text)`,
        "INSERT INTO logged VALUES ('2024-01-02 03:04:05.000001', 1, 'a'), ('2024-01-02 03:04:05.000002', 2, 'b')",
      );
      const table = source({ url, query: "SELECT at, n FROM logged;", since: "at" });
      await read(table, { n: "number", at: "timestamp" }, folder);
      await execute("INSERT INTO logged VALUES ('2024-01-02 03:04:05.000003', 3, 'c')");
      const { frame, report } = await read(table, { n: "number", at: "timestamp" }, folder);
      expect([values(frame, "n"), report.origins.length]).toEqual([[1, 2, 3], 2]);
      const { code } = await refusalOf(read(source({ url, table: "logged", since: "v" }), { n: "number" }, folder));
      expect(code).toBe("SOURCE_MISMATCH");
    });

    it("asks `version` whether anything changed before it reads", async () => {
      await execute(...fill(3));
      const table = source({ url, table: "t", version: "SELECT count(*) FROM t" });
      const first = await read(table, { v: "text" }, folder);
      await execute("UPDATE t SET v = 'changed unseen'");
      expect((await read(table, { v: "text" }, folder)).digest).toBe(first.digest);
      await execute("INSERT INTO t VALUES (4, 'd')");
      expect((await read(table, { v: "text" }, folder)).frame.nRows).toBe(4);
    });
  });
}

describe.skipIf(servers.postgres === undefined)("a pipeline over PostgreSQL", () => {
  const filesOf = (folder: string): string[] =>
    fs
      .readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name));

  it("answers later steps from the cache where nothing changed, and keeps the address and the password nowhere", async () => {
    await inPostgres(
      "DROP TABLE IF EXISTS houses",
      "DROP ROLE IF EXISTS reader",
      "CREATE TABLE houses (id int primary key, a float8, price float8)",
      "INSERT INTO houses SELECT i, i % 17, 3 * (i % 17) + 1 FROM generate_series(1, 120) AS i",
      "CREATE ROLE reader LOGIN PASSWORD 'hush-hush-7'",
      "GRANT SELECT ON houses TO reader",
    );
    const address = new URL(servers.postgres!.url);
    address.username = "reader";
    address.password = "hush-hush-7";
    const { spec } = pipeline({
      name: "houses",
      data: postgres({ url: fromEnvironment(address.href), table: "houses", since: "id" }),
      schema: { id: number(), a: number(), price: number() },
      id: "id",
      target: "price",
      model: linear(),
    });
    const project = await openProject(path.join(root, "project"), { clock: systemClock });
    const run = async (): Promise<Readonly<Record<string, string>>> => {
      const { result } = await runPipeline(project, spec, { inline: true });
      expect([result.status, result.error]).toEqual(["succeeded", null]);
      return Object.fromEntries(result.steps.map(({ step, status }) => [step, status]));
    };
    try {
      expect(await run()).toMatchObject({ ingest: "ran", train: "ran" });
      expect(await run()).toMatchObject({ ingest: "cached", train: "cached" });
      await inPostgres("INSERT INTO houses VALUES (121, 2, 7)");
      expect(await run()).toMatchObject({ ingest: "ran", train: "ran" });
    } finally {
      await project.close();
    }
    const files = filesOf(path.join(root, "project"));
    expect(files.length).toBeGreaterThan(10);
    const telling = ["hush-hush-7", `127.0.0.1:${address.port}`];
    expect(files.filter((file) => telling.some((text) => fs.readFileSync(file).includes(text)))).toEqual([]);
  });
});
