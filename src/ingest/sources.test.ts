import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join as joinPath } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { silent } from "../core/progress.ts";
import type { Kind } from "../frame/column.ts";
import type { Contract } from "../frame/contract.ts";
import { columnOf, type Frame } from "../frame/frame.ts";
import { withQuery } from "../query/session.ts";
import { loadSqlite } from "../store/sqlite.ts";
import { asof, join, sql, union } from "./combined-source.ts";
import { readDataset } from "./dataset.ts";
import { createFetcher } from "./fetch.ts";
import { fingerprintSource } from "./fingerprint.ts";
import { type IngestReport, ingestSource } from "./ingest.ts";
import { lineOf } from "./line-index.ts";
import { rows, sqlite } from "./own-source.ts";
import { plainSource } from "./plain-source.ts";
import { csv, json, jsonl, parquet, type Source, tsv } from "./source.ts";

const root = mkdtempSync(joinPath(tmpdir(), "millrace-sources-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let counter = 0;
let output = "";
let folder = "";
beforeEach(() => {
  folder = `case${++counter}`;
  output = joinPath(root, `out${counter}.parquet`);
});

/** Writes a file below this test's folder; its path relative to the project. */
function put(name: string, content: string | Buffer): string {
  const path = joinPath(root, folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return `${folder}/${name}`;
}

type Columns = readonly (readonly [name: string, kind: Kind])[];

async function read(source: Source, columns: Columns): Promise<{ report: IngestReport; frame: Frame }> {
  const contract: Contract = {
    columns: columns.map(([name, kind]) => ({ name, kind, missing: 1, onViolation: "fail" })),
  };
  const report = await ingestSource({ source, contract, root, output, progress: silent });
  return { report, frame: await readDataset(output, contract) };
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
  expect(existsSync(output)).toBe(false);
  return error as { code: string; message: string; remedy: string };
}

const fingerprint = async (source: Source): Promise<string> => {
  const fetcher = createFetcher();
  try {
    return await fingerprintSource(source, { root, fetcher });
  } finally {
    await fetcher.close();
  }
};

describe("patterns and folders", () => {
  it("reads the files of a pattern in the order of their names, columns by name", async () => {
    put("b.csv", "x,n\nb,2\nc,3\n");
    put("a.csv", "n,x\n1,a\n");
    put("c.txt", "no data");
    const { frame, report } = await read(csv(`${folder}/*.csv`), [
      ["n", "number"],
      ["x", "category"],
    ]);
    expect(values(frame, "n")).toEqual([1, 2, 3]);
    expect(values(frame, "x")).toEqual(["a", "b", "c"]);
    expect(report.origins.map(({ file, nRows }) => [file, nRows])).toEqual([
      [`${folder}/a.csv`, 1],
      [`${folder}/b.csv`, 2],
    ]);
  });

  it("turns folders key=value into columns where the contract declares them", async () => {
    put("year=2023/month=12/a.csv", "n\n1\n");
    put("year=2024/month=1/a.csv", "n\n2\n3\n");
    put("year=2024/month=1/b.csv", "n\n4\n");
    put("year=2024/month=__HIVE_DEFAULT_PARTITION__/a%20b.csv", "n\n5\n");
    put("_SUCCESS", "");
    put(".hidden/a.csv", "m\n1\n");
    const { frame } = await read(csv(`${folder}/`), [
      ["n", "number"],
      ["year", "number"],
      ["month", "category"],
    ]);
    expect(values(frame, "n")).toEqual([1, 2, 3, 4, 5]);
    expect(values(frame, "year")).toEqual([2023, 2024, 2024, 2024, 2024]);
    expect(values(frame, "month")).toEqual(["12", "1", "1", "1", null]);
  });

  it("reads folders of every format", async () => {
    put("t/a.tsv", "n\tx\n1\ta\n");
    put("t/b.tab.gz", gzipSync("n\tx\n2\tb\n"));
    put("l/p=1/a.jsonl", '{"n":1}\n');
    put("l/p=2/a.ndjson", '{"n":2,"x":"b"}\n\n{"x":"c"}\n');
    put("j/a.json", '[{"n":1}]');
    mkdirSync(joinPath(root, folder, "p/d=2024-01-02"), { recursive: true });
    const files = [1, 2].map((i) => joinPath(root, folder, `p/d=2024-01-02/${i}.parquet`));
    await withQuery({ files }, async (session) => {
      for (const [i, path] of files.entries()) {
        await session.run(`COPY (SELECT range + ${i * 10} AS n FROM range(3)) TO '${path}' (FORMAT parquet)`);
      }
    });
    const n = [["n", "number"]] as const;
    const get = async (source: Source, columns: Columns): Promise<Frame> => (await read(source, columns)).frame;
    expect(values(await get(tsv(`${folder}/t`), n), "n")).toEqual([1, 2]);
    const lines = await get(jsonl(`${folder}/l`), [...n, ["x", "text"], ["p", "number"]]);
    expect([values(lines, "n"), values(lines, "x"), values(lines, "p")]).toEqual([
      [1, 2, NaN],
      [null, "b", "c"],
      [1, 2, 2],
    ]);
    expect(values(await get(json(`${folder}/j`), n), "n")).toEqual([1]);
    const parquets = await get(parquet(`${folder}/p/**/*.parquet`), [...n, ["d", "timestamp"]]);
    expect(values(parquets, "n")).toEqual([0, 1, 2, 10, 11, 12]);
    expect(new Set(values(parquets, "d"))).toEqual(new Set([Date.UTC(2024, 0, 2)]));
  });

  it("refuses a long decimal as a number where a double would round it, and keeps its digits as a text", async () => {
    put("keep", "");
    const path = joinPath(root, folder, "d.parquet");
    await withQuery({ files: [path] }, async (session) => {
      const rows = ["0.1", "12345678901234567.89", "-9007199254740992.00", "3.6666666666666667"];
      const values = rows.map((text) => `('${text}'::DECIMAL(38, 18), '1.25'::DECIMAL(9, 2))`).join(", ");
      await session.run(`COPY (SELECT * FROM (VALUES ${values}) AS v(d, e)) TO '${path}' (FORMAT parquet)`);
    });
    const source = parquet(`${folder}/d.parquet`);
    const { frame, report } = await read(source, [
      ["d", "number"],
      ["e", "number"],
    ]);
    expect(values(frame, "d")).toEqual([0.1, NaN, -9007199254740992, NaN]);
    expect(values(frame, "e")).toEqual([1.25, 1.25, 1.25, 1.25]);
    expect(report.issueCounts).toEqual([["d:kind", 2]]);
    const asText = await read(source, [["d", "text"]]);
    expect(values(asText.frame, "d")[1]).toBe("12345678901234567.890000000000000000");
  });

  it("keeps the order of many rows over many files", async () => {
    const nFiles = 12;
    for (let file = 0; file < nFiles; ++file) {
      const lines = Array.from({ length: 20_000 }, (_, i) => `${file * 20_000 + i},${"x".repeat(20)}`);
      put(`part=${file % 3}/${String(file).padStart(2, "0")}.csv`, `n,x\n${lines.join("\n")}\n`);
    }
    const { frame } = await read(csv(folder), [
      ["n", "number"],
      ["part", "number"],
    ]);
    const order = [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11].flatMap((file) =>
      Array.from({ length: 20_000 }, (_, i) => file * 20_000 + i),
    );
    expect(values(frame, "n")).toEqual(order);
    expect(values(frame, "part")).toEqual(order.map((n) => Math.floor(n / 20_000) % 3));
  });

  it("refuses files of other columns or types, other partitions, empty files, and patterns that match nothing", async () => {
    put("columns/a.csv", "n,x\n1,2\n");
    put("columns/b.csv", "n,y\n1,2\n");
    put("levels/p=1/a.csv", "n\n1\n");
    put("levels/q=1/a.csv", "n\n1\n");
    put("hollow/a.csv", "n\n1\n");
    put("hollow/b.csv", "");
    const n = [["n", "number"]] as const;
    const other = await failure(read(csv(`${folder}/columns/*.csv`), n));
    expect(other).toMatchObject({ code: "SOURCE_MISMATCH" });
    expect(other.message).toContain("none called x and also y");
    expect(await failure(read(csv(`${folder}/levels`), n))).toMatchObject({ code: "SOURCE_MISMATCH" });
    expect(await failure(read(csv(`${folder}/hollow`), n))).toMatchObject({ code: "SOURCE_EMPTY" });
    expect(await failure(read(csv(`${folder}/none*.csv`), n))).toMatchObject({ code: "SOURCE_NOT_FOUND" });
    expect(await failure(read(csv(`${folder}/nowhere/*.csv`), n))).toMatchObject({ code: "SOURCE_NOT_FOUND" });
  });

  it("gives another fingerprint when a file comes, goes, changes or moves to another partition", async () => {
    put("p=1/a.csv", "n\n1\n");
    const source = csv(folder);
    const first = await fingerprint(source);
    expect(await fingerprint(source)).toBe(first);
    put("p=2/a.csv", "n\n1\n");
    const second = await fingerprint(source);
    rmSync(joinPath(root, folder, "p=2"), { recursive: true });
    put("p=3/a.csv", "n\n1\n");
    const third = await fingerprint(source);
    expect(new Set([first, second, third]).size).toBe(3);
  });

  it("takes a CR inside quotes for part of the cell, whatever ends the lines", async () => {
    for (const end of ["\n", "\r\n", "\r"]) {
      const path = put("a.csv", ["n,x", '1,"a\rb"', '2,"\r"', '3,"c\nd"', ""].join(end));
      const { frame } = await read(csv(path), [["x", "text"]]);
      expect(values(frame, "x"), JSON.stringify(end)).toEqual(["a\rb", "\r", "c\nd"]);
    }
  });

  it("knows the line of every row", async () => {
    put("a.csv", '\n\nn,x\n1,"two\nlines"\n\n2,y\n3,z\n');
    put("b.csv", "n,x\n4,w\n");
    const { report } = await read(csv(`${folder}/*.csv`), [["n", "number"]]);
    const [a, b] = report.origins;
    expect([0, 1, 2].map((row) => lineOf(a!.lines, row))).toEqual([4, 7, 8]);
    expect(lineOf(b!.lines, 0)).toBe(2);
    expect(lineOf([], 3)).toBeNull();
  });

  it("refuses a file with another checksum than declared", async () => {
    const path = put("a.csv", "n\n1\n");
    const right = (await fingerprint(csv(path))) as `sha256:${string}`;
    const wrong = `sha256:${"0".repeat(64)}` as const;
    expect((await read(csv(path, { checksum: right }), [["n", "number"]])).report.nRows).toBe(1);
    rmSync(output);
    expect(await failure(read(csv(path, { checksum: wrong }), [["n", "number"]]))).toMatchObject({
      code: "SOURCE_CHANGED",
    });
    await expect(fingerprint(csv(path, { checksum: wrong }))).rejects.toMatchObject({ code: "SOURCE_CHANGED" });
    expect(() => csv(path, { checksum: "sha256:12" })).toThrow(/64 hexadecimal digits/);
  });
});

describe("json", () => {
  it("reads a list of objects as the same objects in lines, however it is laid out", async () => {
    const record = fc.record({
      n: fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(null)),
      x: fc.string({ unit: "binary" }).filter((text) => !text.includes("\0") && text.isWellFormed()),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 8 }), fc.nat(4), async (list, indent) => {
        const a = (
          await read(json(put("a.json", JSON.stringify(list, null, indent))), [
            ["n", "number"],
            ["x", "text"],
          ])
        ).frame;
        const b = (
          await read(jsonl(put("a.jsonl", list.map((row) => JSON.stringify(row)).join("\n"))), [
            ["n", "number"],
            ["x", "text"],
          ])
        ).frame;
        expect([values(a, "n"), values(a, "x")]).toEqual([values(b, "n"), values(b, "x")]);
      }),
      { numRuns: 15 },
    );
  });

  it.each([
    ['{"n":1}', /does not begin with \[/],
    ['[{"n":1}', /cut off in element 1/],
    ['[{"n":1},', /cut off in element 2/],
    ['[{"n":1},]', /element 2 is empty/],
    ['[,{"n":1}]', /element 1 is empty/],
    ['[{"n":1}] x', /follows the end/],
    ['[{"n":1} {"n":2}]', /element 1 is no JSON/],
    ["[1]", /element 1 holds no JSON object but number/],
    ['[{"n":"a]b}', /cut off in element 1/],
    ["[]", /an empty list/],
  ])("refuses %s", async (text, message) => {
    const error = await failure(read(json(put("a.json", text)), [["n", "number"]]));
    expect(error.message).toMatch(message);
  });
});

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
    rmSync(joinPath(root, path));
    const { DatabaseSync } = await loadSqlite();
    const shop = new DatabaseSync(joinPath(root, path));
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
  });
});

describe("join, asof, union and sql", () => {
  it("keep the order of rows that come from several files", async () => {
    // Not seen at once: of a hundred readings a few had the files the other way round.
    for (const n of [0, 1, 2]) put(`many/z=${n}/a.csv`, `k,n\nx,${n}\n`);
    const names = csv(put("names.csv", "k,name\nx,X\n"));
    for (let i = 0; i < 40; ++i) {
      const { frame } = await read(join(csv(`${folder}/many/`), names, { on: "k" }), [["n", "number"]]);
      expect(values(frame, "n")).toEqual([0, 1, 2]);
    }
  });

  it("joins one partner to each row, in the order of the rows, comparing keys as texts", async () => {
    const left = csv(put("left.csv", "id,n\n3,30\n1,10\n9,90\n,0\n1,11\n"));
    const right = jsonl(put("right.jsonl", '{"id":1,"x":"one","n":-1}\n{"id":3,"x":"three"}\n{"id":4,"x":"?"}\n'));
    const source = join(left, right, { on: "id", prefix: "r_" });
    const { frame } = await read(source, [
      ["n", "number"],
      ["r_x", "category"],
      ["r_n", "number"],
    ]);
    expect(values(frame, "n")).toEqual([30, 10, 90, 0, 11]);
    expect(values(frame, "r_x")).toEqual(["three", "one", null, null, "one"]);
    expect(values(frame, "r_n")).toEqual([NaN, -1, NaN, NaN, -1]);
    const inner = join(left, right, { on: ["id"], how: "inner", prefix: "r_" });
    expect(values((await read(inner, [["n", "number"]])).frame, "n")).toEqual([30, 10, 11]);
  });

  it("refuses a join that would multiply rows or give two columns one name", async () => {
    const left = csv(put("left.csv", "id,n\n1,10\n"));
    const right = csv(put("right.csv", "id,n\n1,1\n1,2\n"));
    const n = [["n", "number"]] as const;
    const twice = await failure(read(join(left, right, { on: "id", prefix: "r_" }), n));
    expect(twice).toMatchObject({ code: "SOURCE_MISMATCH" });
    expect(twice.message).toContain('2 rows with id = "1"');
    const right1 = csv(put("right1.csv", "id,n\n1,1\n"));
    expect((await failure(read(join(left, right1, { on: "id" }), n))).remedy).toMatch(/prefix/);
    expect(await failure(read(join(left, right1, { on: "idd", prefix: "r_" }), n))).toMatchObject({
      code: "COLUMN_MISSING",
      remedy: 'Did you mean "id"?',
    });
    expect(() => join(left, right1, { on: [] })).toThrow(/must name a column/);
  });

  it("takes the latest row that was known, never a later one, as its naive twin does", async () => {
    const event = fc.record({ e: fc.nat(2), t: fc.nat(20), v: fc.nat(1000) });
    const day = (t: number): string => new Date(Date.UTC(2024, 0, 1 + t)).toISOString().slice(0, 10);
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { minLength: 1, maxLength: 20 }),
        fc.array(event, { minLength: 1, maxLength: 20 }),
        fc.boolean(),
        fc.option(fc.nat(6)),
        async (lefts, rights, strict, days) => {
          const text = (list: typeof lefts): string => list.map(({ e, t, v }) => `${e},${day(t)},${v}\n`).join("");
          const source = asof(csv(put("l.csv", `e,t,n\n${text(lefts)}`)), csv(put("r.csv", `e,t,v\n${text(rights)}`)), {
            on: "e",
            time: "t",
            strict,
            ...(days === null ? {} : { tolerance: `${days}d` }),
          });
          const { frame } = await read(source, [
            ["n", "number"],
            ["v", "number"],
          ]);
          const expected = lefts.map(({ e, t }) => {
            let best: (typeof rights)[number] | undefined;
            for (const right of rights) {
              const isKnown = right.e === e && (strict ? right.t < t : right.t <= t);
              if (isKnown && (days === null || t - right.t <= days) && (!best || right.t >= best.t)) best = right;
            }
            return best?.v ?? NaN;
          });
          expect(values(frame, "n")).toEqual(lefts.map(({ v }) => v));
          expect(values(frame, "v")).toEqual(expected);
        },
      ),
      { numRuns: 25 },
    );
  });

  it("refuses times that cannot be read, on either side", async () => {
    const good = csv(put("good.csv", "e,t,n\n1,2024-01-01,1\n"));
    const bad = csv(put("bad.csv", "e,t,v\n1,01.02.2024,1\n"));
    for (const [left, right] of [
      [good, bad],
      [bad, good],
    ] as const) {
      const error = await failure(read(asof(left, right, { on: "e", time: "t" }), [["n", "number"]]));
      expect(error.message).toMatch(/must hold ISO 8601 times in "t", got 1 cells/);
    }
  });

  it("unites sources of the same columns, of any format, and refuses others", async () => {
    const a = csv(put("a.csv", "n,x\n1,?\n"), { missing: ["?"] });
    const b = json(put("b.json", '[{"x":"b","n":2}]'));
    const path = joinPath(root, folder, "c.parquet");
    await withQuery({ files: [path] }, (session) =>
      session.run(`COPY (SELECT 'c' AS x, 3.0::DOUBLE AS n) TO '${path}' (FORMAT parquet)`),
    );
    const { frame } = await read(union(a, b, parquet(path)), [
      ["n", "number"],
      ["x", "category"],
    ]);
    expect(values(frame, "n")).toEqual([1, 2, 3]);
    expect(values(frame, "x")).toEqual([null, "b", "c"]);
    rmSync(output);
    const d = csv(put("d.csv", "n,y\n1,2\n"));
    expect(await failure(read(union(a, d), [["n", "number"]]))).toMatchObject({ code: "SOURCE_MISMATCH" });
  });

  it("puts one source into another: a query over a join over own rows and a folder", async () => {
    put("parts/a.csv", "id,n\n1,10\n");
    put("parts/b.csv", "id,n\n2,20\n");
    const own = rows(async function* () {
      yield { id: 2, factor: 0.5 };
    });
    const joined = join(csv(`${folder}/parts`), own, { on: "id" });
    const source = sql("select id, n::double * coalesce(factor::double, 1) as n from j order by id", { j: joined });
    expect(values((await read(source, [["n", "number"]])).frame, "n")).toEqual([10, 10]);
    expect(readdirSync(root).filter((name) => name.startsWith("ingest-"))).toEqual([]);
  });
});
