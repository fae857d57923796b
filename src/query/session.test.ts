import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isOneOf, quoteIdentifier, quoteLiteral } from "./quote.ts";
import { openQuery, type QuerySession, withQuery } from "./session.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "millrace-query-")));
const allowed = join(root, "allowed", "a.csv");
const forbidden = join(root, "b.csv");
let session: QuerySession;

beforeAll(async () => {
  mkdirSync(join(root, "allowed"));
  writeFileSync(allowed, "a\n1\n2\n");
  writeFileSync(forbidden, "a\n1\n");
  symlinkSync(forbidden, join(root, "allowed", "link.csv"));
  session = await openQuery({ files: [allowed, join(root, "allowed", "out.csv")], threads: 2 });
});
afterAll(() => {
  session.close();
  rmSync(root, { recursive: true, force: true });
});

describe("openQuery", () => {
  it("reads the files it was given", async () => {
    expect(await session.rows(`SELECT count(*)::INTEGER FROM read_csv('${allowed}')`)).toEqual([[2]]);
  });

  it.each([
    ["another file", () => `SELECT * FROM read_csv('${forbidden}')`],
    ["a file through a link", () => `SELECT * FROM read_csv('${join(root, "allowed", "link.csv")}')`],
    ["a file through the parent folder", () => `SELECT * FROM read_text('${join(root, "allowed")}/../b.csv')`],
    ["every file of a folder", () => `SELECT * FROM read_text('${root}/*')`],
    ["a write to another file", () => `COPY (SELECT 1) TO '${join(root, "c.csv")}'`],
    ["a database file", () => `ATTACH '${join(root, "x.db")}'`],
    ["a change of settings", () => "SET enable_external_access = true"],
    ["an extension", () => "INSTALL httpfs"],
    ["the loading of an extension", () => "LOAD httpfs"],
    ["the network", () => "SELECT * FROM read_csv('https://127.0.0.1/x.csv')"],
  ])("refuses %s", async (_, sql) => {
    await expect(session.rows(sql())).rejects.toThrow(/Permission Error|disabled by configuration|locked/);
  });

  it("streams a large result in order, as plain arrays", async () => {
    const reader = await session.stream("SELECT range::DOUBLE, (range % 3)::INTEGER, 'x' || range FROM range(10000)");
    let next = 0;
    for (let chunk = await reader.next(); chunk; chunk = await reader.next()) {
      const numbers = chunk.numbers(0);
      const codes = chunk.numbers(1);
      const texts = chunk.texts(2);
      for (let i = 0; i < chunk.nRows; ++i, ++next) {
        expect([numbers[i], codes[i], texts[i]]).toEqual([next, next % 3, `x${next}`]);
      }
    }
    expect(next).toBe(10_000);
  });

  it("gives texts back as they are, small results and large, also behind what looks like a byte order mark", async () => {
    const texts = ["\uFEFF", "\uFEFFa", "\uFEFF\uFEFF", "\uFEFFlonger than twelve bytes", "a\uFEFF", "", null];
    const values = texts.map((text) => `(${text === null ? "NULL" : quoteLiteral(text)}, 1)`).join(", ");
    const sql = `SELECT * FROM (VALUES ${values})`;
    expect(await session.rows(sql)).toEqual(texts.map((text) => [text, 1]));
    expect((await (await session.stream(sql)).next())!.texts(0)).toEqual(texts);
  });

  it("stops a running query when the signal aborts", async () => {
    const controller = new AbortController();
    const work = withQuery({ files: [], signal: controller.signal }, (own) =>
      own.run("SELECT count(*) FROM range(100000000) a, range(1000) b WHERE a.range * b.range % 7 = 3"),
    );
    setTimeout(() => controller.abort(), 50);
    await expect(work).rejects.toMatchObject({ code: "CANCELLED" });
  });

  it("reads times as UTC whatever the machine's zone", async () => {
    expect(await session.rows("SELECT epoch_ms(TIMESTAMPTZ '2020-01-01 00:00:00')::DOUBLE")).toEqual([[1577836800000]]);
  });
});

describe("quoting", () => {
  it("carries every text through a query unchanged", async () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("'", '"', "\\", "''; DROP TABLE x; --", "\n", "$$", "\u202E"),
    );
    await fc.assert(
      fc.asyncProperty(
        text.filter((value) => !value.includes("\0") && value.isWellFormed()),
        async (value) => {
          const name = value === "" ? "x" : value;
          const rows = await session.rows(
            `SELECT ${quoteIdentifier(name)}, ${isOneOf(quoteLiteral(value), ["-", value])} FROM (SELECT ${quoteLiteral(value)} AS ${quoteIdentifier(name)})`,
          );
          expect(rows).toEqual([[value, true]]);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("refuses NUL and the empty name", () => {
    expect(() => quoteLiteral("a\0b")).toThrow(RangeError);
    expect(() => quoteIdentifier("a\0b")).toThrow(RangeError);
    expect(() => quoteIdentifier("")).toThrow(RangeError);
  });
});
