import { createConnection } from "mysql2/promise";
import { describe, expect, it } from "vitest";
import { refusalOf } from "../../src/core/errors/error.fixtures.ts";
import type { Kind } from "../../src/frame/column.ts";
import { values } from "../../src/ingest/column-values.fixtures.ts";
import { mysql, postgres } from "../../src/ingest/databases/database-source.ts";
import { fromEnvironment, inMysql, inPostgres, read, servers } from "./database-reading.ts";

describe.skipIf(servers.postgres === undefined)("the types of PostgreSQL", () => {
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
    await inPostgres(
      "DROP TABLE IF EXISTS mixed",
      "DROP TYPE IF EXISTS mood",
      "CREATE TYPE mood AS ENUM ('sad', 'ok')",
      "CREATE TABLE mixed (m mood, photo bytea, n int)",
      "INSERT INTO mixed VALUES ('ok', '\\x00ff', 1)",
    );
    const table = postgres({ url: fromEnvironment(servers.postgres!.url), table: "public.mixed" });
    const { frame } = await read(table, { m: "category", n: "number" });
    expect([values(frame, "m"), values(frame, "n")]).toEqual([["ok"], [1]]);
    const { code, message } = await refusalOf(read(table, { photo: "text" }));
    expect([code, message]).toEqual(["SOURCE_UNREADABLE", expect.stringContaining('"photo" is bytea')]);
  });
});

describe.skipIf(servers.mysql === undefined)("the types of MySQL", () => {
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
      await inMysql(
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
    await inMysql(
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
    expect((await refusalOf(read(table, { photo: "text" }))).code).toBe("SOURCE_UNREADABLE");
  });
});
