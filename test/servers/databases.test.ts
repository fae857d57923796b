import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { createConnection } from "mysql2/promise";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openProject } from "../../src/app/project.ts";
import { runPipeline } from "../../src/app/run-pipeline.ts";
import { systemClock } from "../../src/core/clock.ts";
import { silent } from "../../src/core/progress.ts";
import type { Kind } from "../../src/frame/column.ts";
import type { Contract } from "../../src/frame/contract.ts";
import { columnOf, type Frame } from "../../src/frame/frame.ts";
import { linear, number, pipeline } from "../../src/index.ts";
import { sql } from "../../src/ingest/combined-source.ts";
import { readDataset } from "../../src/ingest/dataset.ts";
import { mysql, postgres } from "../../src/ingest/databases/database-source.ts";
import { createFetcher } from "../../src/ingest/fetch.ts";
import { fingerprintSource } from "../../src/ingest/fingerprint.ts";
import { ingestSource, type IngestReport } from "../../src/ingest/ingest.ts";
import type { Source } from "../../src/ingest/source.ts";
import { startMariadb } from "./start/mariadb.ts";
import { startPostgres } from "./start/postgres.ts";
import type { RunningServer } from "./start/running-server.ts";

const servers: { postgres?: RunningServer | undefined; mysql?: RunningServer | undefined } = {
  postgres: await startPostgres(),
  mysql: await startMariadb(),
};
const root = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-databases-"));
afterAll(async () => {
  await servers.postgres?.stop();
  await servers.mysql?.stop();
  fs.rmSync(root, { recursive: true, force: true });
});

let counter = 0;

type Columns = Readonly<Record<string, Kind>>;

interface Outcome {
  readonly report: IngestReport;
  readonly frame: Frame;
  readonly bytes: Buffer;
  readonly digest: string;
}

/** Fingerprints and reads as a run does. */
async function read(source: Source, columns: Columns, folder?: string): Promise<Outcome> {
  const contract: Contract = {
    columns: Object.entries(columns).map(([name, kind]) => ({ name, kind, missing: 1, onViolation: "fail" })),
  };
  const output = path.join(root, `out${++counter}.parquet`);
  const fetcher = createFetcher(folder);
  try {
    const digest = await fingerprintSource(source, { root, fetcher });
    const report = await ingestSource({ source, contract, root, output, progress: silent, fetcher });
    return { report, frame: await readDataset(output, contract), bytes: fs.readFileSync(output), digest };
  } catch (error) {
    expect(fs.existsSync(output)).toBe(false);
    throw error;
  } finally {
    await fetcher.close();
  }
}

function values(frame: Frame, name: string): unknown[] {
  const column = columnOf(frame, name);
  if (column.kind === "category") return Array.from(column.codes, (code) => column.levels[code] ?? null);
  return Array.from<unknown>(column.values);
}

async function failure(work: Promise<unknown>): Promise<{ code: string; message: string; remedy: string }> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ name: "MillraceError" });
  return error as { code: string; message: string; remedy: string };
}

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

/** The address as a source takes it where it holds a password. */
function fromEnvironment(url: string): { readonly env: string } {
  const env = `TEST_ADDRESS_${new URL(url).port}`;
  process.env[env] = url;
  return { env };
}

/** Runs statements on a server, one after the other. */
type Execute = (...statements: readonly string[]) => Promise<void>;

interface Subject {
  readonly kind: "postgres" | "mysql";
  readonly source: typeof postgres;
  readonly execute: Execute;
  /** SQL of a table t of n rows (id, v) with v a text of 100 characters. */
  readonly fill: (n: number) => readonly string[];
}

const subjects: readonly Subject[] = [
  {
    kind: "postgres",
    source: postgres,
    async execute(...statements) {
      const client = new pg.Client({ connectionString: servers.postgres!.url });
      await client.connect();
      try {
        for (const statement of statements) await client.query(statement);
      } finally {
        await client.end();
      }
    },
    fill: (n) => [
      "DROP TABLE IF EXISTS t",
      "CREATE TABLE t (id int primary key, v text)",
      `INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, ${n}) AS i`,
    ],
  },
  {
    kind: "mysql",
    source: mysql,
    async execute(...statements) {
      const connection = await createConnection(servers.mysql!.url);
      try {
        for (const statement of statements) await connection.query(statement);
      } finally {
        await connection.end();
      }
    },
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
      const missing = await failure(read(source({ url: { env: "TEST_NOT_SET" }, table: "t" }), { id: "number" }));
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
      const { code, message } = await failure(read(given, { id: "number" }));
      expect(code).toBe("SOURCE_DENIED");
      expect(message).not.toContain("pa55-w0rd");
      expect(JSON.stringify(given)).not.toContain("pa55-w0rd");
    });

    it("says that a table, a column or a statement is unknown", async () => {
      for (const query of ["SELECT * FROM nowhere", "SELECT nothing FROM t", "SELEC 1"]) {
        const { code } = await failure(read(source({ url, query }), { id: "number" }));
        expect([query, code]).toEqual([query, "SOURCE_QUERY_INVALID"]);
      }
      expect((await failure(read(source({ url, table: "nowhere" }), { id: "number" }))).code).toBe(
        "SOURCE_QUERY_INVALID",
      );
    });

    it("writes nothing, whatever the query says", async () => {
      await execute(...fill(3));
      for (const query of ["DELETE FROM t", "DROP TABLE t", "SELECT 1 AS id; DROP TABLE t", "COMMIT; DROP TABLE t"]) {
        const { code } = await failure(read(source({ url, query }), { id: "number" }));
        expect([query, code]).toEqual([query, "SOURCE_QUERY_INVALID"]);
      }
      expect((await read(source({ url, table: "t" }), { id: "number" })).frame.nRows).toBe(3);
    });

    it("refuses an empty result", async () => {
      const { code } = await failure(read(source({ url, query: "SELECT id FROM t WHERE id < 0" }), { id: "number" }));
      expect(code).toBe("SOURCE_EMPTY");
    });

    it("leaves nothing where the server goes in the middle of an answer", async () => {
      await execute(...fill(20_000));
      for (const cut of [0, 200, 10_000, 500_000, 1_500_000]) {
        const relay = await startRelay(address, cut);
        const { code } = await failure(
          read(source({ url: fromEnvironment(relay.url), table: "t" }), { id: "number", v: "text" }),
        );
        expect([cut, code]).toEqual([cut, "SOURCE_UNREACHABLE"]);
        relay.close();
      }
    });

    it("gives up when its time is over, and when it is cancelled", async () => {
      const slow = kind === "postgres" ? "SELECT 1 AS id, pg_sleep(20)::text AS s" : "SELECT 1 AS id, sleep(20) AS s";
      const { code, message } = await failure(read(source({ url, query: slow, timeout: "300ms" }), { id: "number" }));
      expect([code, message]).toEqual(["SOURCE_UNREACHABLE", expect.stringContaining("longer than 300 ms")]);
      const fetcher = createFetcher();
      const abort = new AbortController();
      setTimeout(() => abort.abort(), 200);
      const reading = fingerprintSource(source({ url, query: slow }), { root, fetcher, signal: abort.signal });
      expect((await failure(reading)).code).toBe("CANCELLED");
      await fetcher.close();
    });

    it("says that nobody answers", async () => {
      const gone = new URL(address);
      gone.port = "1";
      const { code } = await failure(read(source({ url: fromEnvironment(gone.href), table: "t" }), { id: "number" }));
      expect(code).toBe("SOURCE_UNREACHABLE");
    });

    it("tells that a column of the contract is gone, and counts what is no number any more", async () => {
      await execute(...fill(3));
      const gone = await failure(read(source({ url, table: "t" }), { id: "number", w: "number" }));
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
      const { code } = await failure(read(source({ url, table: "logged", since: "v" }), { n: "number" }, folder));
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
  const { execute } = subjects[0]!;
  const filesOf = (folder: string): string[] =>
    fs
      .readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name));

  it("answers later steps from the cache where nothing changed, and keeps the address and the password nowhere", async () => {
    await execute(
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
      await execute("INSERT INTO houses VALUES (121, 2, 7)");
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

describe.skipIf(servers.postgres === undefined)("the types of PostgreSQL", () => {
  const { execute } = subjects[0]!;
  const get = async (expression: string, kind: Kind): Promise<unknown> => {
    const { frame, report } = await read(
      postgres({ url: fromEnvironment(servers.postgres!.url), query: `SELECT ${expression} AS x, 1 AS y` }),
      {
        x: kind,
        y: "number",
      },
    );
    return report.issueCounts.length > 0 ? "refused" : values(frame, "x")[0];
  };

  it("arrive exactly, or are no value of the kind", async () => {
    const cases: readonly (readonly [string, Kind, unknown])[] = [
      ["9007199254740992::int8", "number", 9007199254740992],
      ["9007199254740993::int8", "number", "refused"],
      ["9007199254740993::int8", "category", "9007199254740993"],
      ["(-9223372036854775808)::int8", "text", "-9223372036854775808"],
      ["0.1::numeric", "number", 0.1],
      ["1.50::numeric(10,2)", "number", 1.5],
      ["12345678901234567890.5::numeric", "number", "refused"],
      ["12345678901234567890.5::numeric", "text", "12345678901234567890.5"],
      ["123456789012345678::numeric", "number", "refused"],
      ["9007199254740992.000::numeric", "number", 9007199254740992],
      ["0.1000000000000000055511151231257827::numeric", "number", "refused"],
      ["3.6666666666666665::numeric", "number", 3.6666666666666665],
      ["0.000000000000000123::numeric", "number", 1.23e-16],
      ["1::numeric", "boolean", 1],
      ["'NaN'::numeric", "number", NaN],
      ["'NaN'::float8", "number", NaN],
      ["'Infinity'::float8", "number", "refused"],
      ["0.1::float4", "number", 0.1],
      ["0.1::float8 + 0.2::float8", "number", 0.1 + 0.2],
      ["1e-310::float8", "number", 1e-310],
      ["'-0'::float8", "number", -0],
      ["true", "boolean", 1],
      ["false", "category", "false"],
      ["NULL::int", "number", NaN],
      ["'2024-02-03'::date", "timestamp", Date.UTC(2024, 1, 3)],
      ["'2024-02-03 04:05:06.789'::timestamp", "timestamp", Date.UTC(2024, 1, 3, 4, 5, 6, 789)],
      ["'2024-02-03 04:05:06+02'::timestamptz", "timestamp", Date.UTC(2024, 1, 3, 2, 5, 6)],
      ["'infinity'::timestamp", "timestamp", "refused"],
      ["'0044-03-15 BC'::date", "timestamp", "refused"],
      ["'{\"a\": [1, null]}'::jsonb", "text", '{"a": [1, null]}'],
      ["ARRAY[1, 2]", "text", "{1,2}"],
      ["'{}'::uuid[]", "text", "{}"],
      ["E'a \"quoted\"\\n, line'", "text", 'a "quoted"\n, line'],
    ];
    const found = [];
    for (const [expression, kind] of cases) found.push([expression, kind, await get(expression, kind)]);
    expect(found).toEqual(cases);
  });

  it("read enums as levels, and refuse bytes only where they are asked for", async () => {
    await execute(
      "DROP TABLE IF EXISTS mixed",
      "DROP TYPE IF EXISTS mood",
      "CREATE TYPE mood AS ENUM ('sad', 'ok')",
      "CREATE TABLE mixed (m mood, photo bytea, n int)",
      "INSERT INTO mixed VALUES ('ok', '\\x00ff', 1)",
    );
    const table = postgres({ url: fromEnvironment(servers.postgres!.url), table: "public.mixed" });
    const { frame } = await read(table, { m: "category", n: "number" });
    expect([values(frame, "m"), values(frame, "n")]).toEqual([["ok"], [1]]);
    const { code, message } = await failure(read(table, { photo: "text" }));
    expect([code, message]).toEqual(["SOURCE_UNREADABLE", expect.stringContaining('"photo" is bytea')]);
  });
});

describe.skipIf(servers.mysql === undefined)("the types of MySQL", () => {
  const { execute } = subjects[1]!;
  it("arrive exactly, or are no value of the kind", async () => {
    const cases: readonly (readonly [string, string, Kind, unknown])[] = [
      ["bigint", "9007199254740993", "number", "refused"],
      ["bigint unsigned", "18446744073709551615", "text", "18446744073709551615"],
      ["int", "-7", "number", -7],
      ["decimal(40,5)", "12345678901234567890.50000", "number", "refused"],
      ["decimal(40,5)", "12345678901234567890.50000", "text", "12345678901234567890.50000"],
      ["decimal(10,2)", "1.5", "number", 1.5],
      ["float", "16777217.0", "number", 16777216],
      ["float", "0.1", "number", 0.1],
      ["double", "0.30000000000000004", "number", 0.30000000000000004],
      ["tinyint(1)", "1", "boolean", 1],
      ["tinyint(1)", "2", "boolean", "refused"],
      ["tinyint(1)", "1", "number", 1],
      ["bit(1)", "b'1'", "boolean", 1],
      ["bit(10)", "b'1000000001'", "number", 513],
      ["date", "'2024-02-03'", "timestamp", Date.UTC(2024, 1, 3)],
      ["datetime(3)", "'2024-02-03 04:05:06.789'", "timestamp", Date.UTC(2024, 1, 3, 4, 5, 6, 789)],
      ["timestamp null", "'2024-02-03 04:05:06'", "timestamp", Date.UTC(2024, 1, 3, 4, 5, 6)],
      ["year", "2024", "number", 2024],
      ["enum('a','b')", "'b'", "category", "b"],
      ["json", "'{\"a\": [1, null]}'", "text", '{"a": [1, null]}'],
      ["text", "'a \"quoted\"\\n, 🙂'", "text", 'a "quoted"\n, 🙂'],
      ["int", "NULL", "number", NaN],
    ];
    const found = [];
    for (const [type, value, kind] of cases) {
      await execute(
        "SET time_zone = '+00:00'",
        "DROP TABLE IF EXISTS one",
        `CREATE TABLE one (x ${type} CHARACTER SET utf8mb4, y int)`.replace(
          / CHARACTER SET utf8mb4(?=, y)/,
          /^(text|enum)/.test(type) ? " CHARACTER SET utf8mb4" : "",
        ),
        `INSERT INTO one VALUES (${value}, 1)`,
      );
      const { frame, report } = await read(mysql({ url: servers.mysql!.url, table: "one" }), { x: kind, y: "number" });
      found.push([type, value, kind, report.issueCounts.length > 0 ? "refused" : values(frame, "x")[0]]);
    }
    expect(found).toEqual(cases);
  });

  it("refuse bytes where they are asked for, and dates that are none", async () => {
    await execute(
      "SET SESSION sql_mode = ''",
      "DROP TABLE IF EXISTS odd",
      "CREATE TABLE odd (photo blob, d date, n int)",
    );
    const connection = await createConnection(servers.mysql!.url);
    await connection.query("SET SESSION sql_mode = ''");
    await connection.query("INSERT INTO odd VALUES (x'00ff', '0000-00-00', 1)");
    await connection.end();
    const table = mysql({ url: servers.mysql!.url, table: "odd" });
    const { report } = await read(table, { n: "number", d: "timestamp" });
    expect(report.issueCounts).toEqual([["d:kind", 1]]);
    expect((await failure(read(table, { photo: "text" }))).code).toBe("SOURCE_UNREADABLE");
  });
});
