import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { churnModel, housesModel } from "../../../test/serve/served-models.ts";
import { levelsOf, oneColumn } from "../../ingest/parquet-bombs.fixtures.ts";
import { withQuery } from "../../query/session.ts";
import { batchServer, ndjson, parquet } from "./batch-server.fixtures.ts";

const served = batchServer(housesModel(1), churnModel());
const { start, kept, fileOf, send } = served;

async function rowsOf(bytes: Uint8Array): Promise<readonly (readonly unknown[])[]> {
  const file = path.join(served.folder, `${randomUUID()}.parquet`);
  await writeFile(file, bytes);
  return withQuery({ files: [file] }, (session) => session.rows(`SELECT * FROM '${file}'`));
}

async function linesOf(response: Response): Promise<Record<string, unknown>[]> {
  const text = await response.text();
  const lines = text.trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

const withoutIds = (lines: readonly Record<string, unknown>[]): unknown[] =>
  lines.map(({ predictionId: _, ...line }) => line);

/** Eight columns in types that other tools write. */
const churnSql = `SELECT 'C-' || i AS customer, (i % 60)::BIGINT AS calls, CASE WHEN i % 3 > 0 THEN (i / 4)::DECIMAL(9, 2) END AS monthly_charge,
  ['basic', 'plus', 'gold'][1 + i % 3]::ENUM ('basic', 'plus', 'gold') AS plan, NULL::VARCHAR AS region, i % 2 = 0 AS paperless,
  TIMESTAMP '2021-03-14 09:26:53.589' + to_days(i::INTEGER) AS since, repeat('"\n', i % 2) AS last_complaint FROM range(700) r(i)`;

describe("a batch in Parquet", () => {
  it("is answered as its rows are in JSON lines, with the same issues", async () => {
    await start();
    const lines = await linesOf(await send(await fileOf(churnSql), "customer-churn"));
    const rows = Array.from({ length: 700 }, (_, i) => ({
      customer: `C-${i}`,
      calls: i % 60,
      monthly_charge: i % 3 > 0 ? Math.round((100 * i) / 4) / 100 : null,
      plan: ["basic", "plus", "gold"][i % 3],
      region: null,
      paperless: i % 2 === 0,
      since: new Date(Date.UTC(2021, 2, 14, 9, 26, 53, 589) + i * 86_400_000).toISOString(),
      last_complaint: i % 2 === 0 ? null : '"\n',
    }));
    const text = rows.map((row) => JSON.stringify(row)).join("\n");
    expect(withoutIds(lines)).toEqual(withoutIds(await linesOf(await send(text, "customer-churn", ndjson, ndjson))));
    expect(lines.at(-1)).toEqual({
      done: { model: "customer-churn", version: 3, rows: 700, answered: 401, refused: 299 },
    });
    expect(lines[58]).toMatchObject({ error: { issues: [{ column: "calls", code: "max", actual: "58" }] } });
    expect(await kept()).toEqual([]);
  });

  it("has numbers exactly or refuses their row, and cells that are none", async () => {
    await start();
    const cells = ["'4'", "'  5 '", "'many'", "'NaN'", "'9007199254740993'", "'12345678901234567890'", "'-0'"];
    const texts = await linesOf(await send(await fileOf(`SELECT unnest([${cells.join(", ")}]) AS rooms`)));
    expect(texts.slice(0, 2)).toMatchObject([{ prediction: 1004 }, { prediction: 1005 }]);
    expect(texts.slice(2, 7)).toMatchObject([
      { error: { issues: [{ code: "kind", actual: '"many"' }] } },
      { error: { issues: [{ code: "missing" }] } },
      { error: { issues: [{ code: "kind", actual: '"9007199254740993"' }] } },
      { error: { issues: [{ code: "kind" }] } },
      { prediction: 1000 },
    ]);
    const doubles = "SELECT unnest([0.1, 'nan', '-inf', 12345678901234567168, 5e-324]::DOUBLE[]) AS rooms";
    expect(await linesOf(await send(await fileOf(doubles)))).toMatchObject([
      { prediction: 1000.1 },
      { error: { issues: [{ code: "missing" }] } },
      { error: { issues: [{ code: "kind", actual: '"-inf"' }] } },
      { error: { issues: [{ code: "max", actual: "12345678901234567000" }] } },
      { prediction: 1000 },
      { done: { rows: 5, answered: 2 } },
    ]);
    const lists = await linesOf(await send(await fileOf("SELECT [1, 2] AS rooms")));
    expect(lists[0]).toMatchObject({ error: { issues: [{ code: "kind", actual: '"[1, 2]"' }] } });
  });

  it("of no rows, or without a column that may be missing, is one", async () => {
    await start();
    expect(await linesOf(await send(await fileOf("SELECT 1 AS rooms WHERE false")))).toMatchObject([
      { done: { rows: 0 } },
    ]);
    const columns = "customer, calls, plan, paperless, since";
    const some = await linesOf(await send(await fileOf(`SELECT ${columns} FROM (${churnSql})`), "customer-churn"));
    expect(some.at(-1)).toMatchObject({ done: { rows: 700, answered: 401 } });
  });

  it.each([`, CODEC zstd, ROW_GROUP_SIZE 2048`, ", CODEC gzip", ", PARQUET_VERSION v2"])(
    "is read as it was packed%s",
    async (options) => {
      await start();
      const lines = await linesOf(await send(await fileOf("SELECT i % 100 AS rooms FROM range(10000) r(i)", options)));
      expect(lines.map(({ prediction }) => prediction)).toEqual([
        ...Array.from({ length: 10_000 }, (_, i) => 1000 + (i % 100)),
        undefined,
      ]);
    },
  );

  it("that is damaged or none at all is refused with a code, without a word of the file it was kept in", async () => {
    await start();
    const whole = await fileOf("SELECT i % 100 AS rooms FROM range(10000) r(i)");
    const bent = Buffer.from(whole);
    bent.fill(0xff, whole.length - 60, whole.length - 20);
    const bodies = [Buffer.alloc(0), Buffer.from("rooms\n4\n"), whole.subarray(0, -20), whole.subarray(9), bent];
    for (const body of bodies) {
      const answer = await send(body);
      expect(answer.status).toBe(400);
      const text = await answer.text();
      expect(JSON.parse(text)).toMatchObject({ code: "REQUEST_MALFORMED", remedy: expect.stringContaining("Parquet") });
      expect(text).not.toMatch(/millrace-parquet|spool|duckdb|\.ts/i);
    }
    expect([await kept(), served.faults]).toEqual([[], []]);
  });

  it("that is made for harm costs the server nothing", async () => {
    await start();
    const nRows = 2_000_000_000;
    const bomb = oneColumn({ type: "int64", nRows, pages: [{ nValues: nRows, bytes: levelsOf(nRows, false) }] });
    const answer = await send(bomb);
    expect([answer.status, await answer.json()]).toMatchObject([400, { code: "REQUEST_MALFORMED" }]);
    expect((await send(await fileOf("SELECT 4 AS rooms"))).status).toBe(200);
  });

  it("whose pages are damaged breaks off, and is no whole answer in any form", async () => {
    await start();
    const whole = await fileOf("SELECT hash(i) % 100 / 7 AS rooms FROM range(60000) r(i)", ", CODEC zstd");
    const bent = Buffer.from(whole);
    bent.fill(0x55, Math.floor(whole.length * 0.7), Math.floor(whole.length * 0.8));
    for (const accept of [ndjson, "text/csv", parquet]) {
      const answer = await send(bent, "houses", accept);
      if (answer.status === 200) await expect(answer.arrayBuffer()).rejects.toThrow();
      else expect(answer.status).toBe(400);
    }
    await expect.poll(kept).toEqual([]);
    expect(served.faults).toEqual([]);
  });

  it("that a fault of the server's cuts off is told to its operator", async () => {
    let nIds = 0;
    const createId = (): string => {
      if (++nIds > 300) throw new Error("no more ids");
      return randomUUID();
    };
    await start({ createId });
    const answer = await send(await fileOf("SELECT i % 100 AS rooms FROM range(600) r(i)"));
    expect(answer.status).toBe(200);
    await expect(answer.text()).rejects.toThrow();
    expect(served.faults).toMatchObject([{ message: "no more ids" }]);
  });

  it("with other columns than a request's is refused before any row is answered", async () => {
    await start();
    const codeOf = async (sql: string): Promise<unknown> => {
      const answer = await send(await fileOf(sql));
      const { code, detail } = (await answer.json()) as { code: string; detail: string };
      return [answer.status, code, detail];
    };
    expect(await codeOf("SELECT 4 AS rooms, 5 AS romms")).toEqual([
      422,
      "REQUEST_INVALID",
      'the request breaks the contract in 1 place; first: column "romms" is none that a request sends ("rooms"?)',
    ]);
    expect(await codeOf("SELECT 4 AS price")).toEqual([422, "REQUEST_INVALID", expect.stringContaining("2 places")]);
    const other = await send(await fileOf(churnSql.replace("'C-' || i AS customer, ", "")), "customer-churn");
    expect([other.status, ((await other.json()) as { detail: string }).detail]).toEqual([
      422,
      expect.stringContaining('column "customer": expected one of kind text, got no such column'),
    ]);
    expect(await kept()).toEqual([]);
  });

  it("is written as Parquet where that is accepted, with the columns and values of CSV", async () => {
    await start();
    const body = await fileOf(churnSql);
    const answer = await send(body, "customer-churn", parquet);
    expect(answer.headers.get("content-type")).toBe(parquet);
    const rows = await rowsOf(new Uint8Array(await answer.arrayBuffer()));
    const lines = (await linesOf(await send(body, "customer-churn"))) as {
      prediction?: { label: string; probabilities: Record<string, number> };
      error?: { detail: string };
    }[];
    expect(rows.map((row) => row.filter((_, i) => i !== 4))).toEqual(
      lines
        .slice(0, -1)
        .map(({ prediction, error }, i) => [
          i,
          prediction?.label ?? null,
          ...(prediction ? Object.values(prediction.probabilities) : [null, null]),
          error?.detail ?? null,
        ]),
    );
    expect(new Set(rows.map((row) => row[4])).size).toBe(402);
    const numbers = await send('{"rooms":4}\n{"rooms":-4}\n', "houses", parquet, ndjson);
    expect(await rowsOf(new Uint8Array(await numbers.arrayBuffer()))).toMatchObject([
      [0, 1004, expect.stringMatching(/^[0-9a-f-]{36}$/), null],
      [1, null, null, expect.stringContaining("breaks the contract")],
    ]);
  });

  it("of more rows than a row group holds goes in and out in the same order", async () => {
    await start();
    const body = await fileOf("SELECT i % 101 AS rooms FROM range(70000) r(i)");
    const rows = await rowsOf(new Uint8Array(await (await send(body, "houses", parquet)).arrayBuffer()));
    expect(rows.length).toBe(70_000);
    expect(rows.every(([row, prediction], i) => row === i && prediction === 1000 + (i % 101))).toBe(true);
  });
});
