import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { silent } from "../core/progress.ts";
import type { Kind } from "../frame/column.ts";
import type { Contract } from "../frame/contract.ts";
import { columnOf, type Frame } from "../frame/frame.ts";
import { parseTimestamp } from "../frame/timestamp.ts";
import { openQuery } from "../query/session.ts";
import { datasetCodec, readDataset } from "./dataset.ts";
import { type IngestReport, ingestSource } from "./ingest.ts";
import { csv, jsonl, parquet, type Source, tsv } from "./source.ts";

const root = mkdtempSync(join(tmpdir(), "millrace-ingest-"));
const folder = join(root, "case");
afterAll(() => rmSync(root, { recursive: true, force: true }));

let counter = 0;
let output = "";
beforeEach(() => {
  output = join(root, `out${++counter}.parquet`);
});

function contractOf(kinds: readonly (readonly [string, Kind])[]): Contract {
  return { columns: kinds.map(([name, kind]) => ({ name, kind, missing: 1, onViolation: "fail" })) };
}

function file(name: string, content: string | Buffer): string {
  const path = join(root, name);
  writeFileSync(path, content);
  return path;
}

async function ingest(
  source: Source,
  kinds: readonly (readonly [string, Kind])[],
): Promise<{ report: IngestReport; frame: Frame }> {
  const contract = contractOf(kinds);
  const report = await ingestSource({ source, contract, root, output, progress: silent });
  return { report, frame: await readDataset(output, contract) };
}

const read = (
  content: string | Buffer,
  kinds: readonly (readonly [string, Kind])[],
  options = {},
): ReturnType<typeof ingest> => ingest(csv(file("a.csv", content), options), kinds);

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
  expect(readdirSync(root).filter((name) => name.startsWith("ingest-"))).toEqual([]);
  return error as { code: string; message: string; remedy: string };
}

describe("ingestSource of delimited text", () => {
  it("converts each kind and takes the contract's columns in the contract's order", async () => {
    const { report, frame } = await read(
      "n,extra,c,b,t,x\n 1.5 ,0,red,yes,2020-01-02,hello\n-0,0,blue,F,2020-01-02T03:04:05.678Z,\n",
      [
        ["t", "timestamp"],
        ["n", "number"],
        ["c", "category"],
        ["b", "boolean"],
        ["x", "text"],
      ],
    );
    expect(report).toMatchObject({ nRows: 2, issues: [], issueCounts: [] });
    expect(frame.names).toEqual(["t", "n", "c", "b", "x"]);
    expect(values(frame, "n")).toEqual([1.5, -0]);
    expect(values(frame, "c")).toEqual(["red", "blue"]);
    expect(columnOf(frame, "c")).toMatchObject({ levels: ["blue", "red"] });
    expect(values(frame, "b")).toEqual([1, 0]);
    expect(values(frame, "t")).toEqual([Date.UTC(2020, 0, 2), Date.UTC(2020, 0, 2, 3, 4, 5, 678)]);
    expect(values(frame, "x")).toEqual(["hello", null]);
  });

  it("takes the usual texts as missing where a number is asked for, and only the empty text in a category", async () => {
    const { report, frame } = await read('n,c\n  ,NA\nNA,""\nN/A,\nNaN,None\nnull,-\nNone,?\n', [
      ["n", "number"],
      ["c", "category"],
    ]);
    expect(values(frame, "n")).toEqual([NaN, NaN, NaN, NaN, NaN, NaN]);
    expect(values(frame, "c")).toEqual(["NA", null, null, "None", "-", "?"]);
    expect(report.issues).toEqual([]);
  });

  it("takes the source's own texts for missing in every column", async () => {
    const { frame } = await read(
      "n,c\n?,?\n1, ?\n",
      [
        ["n", "number"],
        ["c", "category"],
      ],
      { missing: ["?"] },
    );
    expect(values(frame, "n")).toEqual([NaN, 1]);
    expect(values(frame, "c")).toEqual([null, null]);
  });

  it("makes a cell that is not of its kind missing and lists it with its row and text", async () => {
    const { report, frame } = await read("n,b\n1,yes\ntwelve,maybe\n1_000,no\ninf,1\n", [
      ["n", "number"],
      ["b", "boolean"],
    ]);
    expect(values(frame, "n")).toEqual([1, NaN, NaN, NaN]);
    expect(values(frame, "b")).toEqual([1, 255, 0, 1]);
    expect(report.issueCounts).toEqual([
      ["n:kind", 3],
      ["b:kind", 1],
    ]);
    expect(report.badRows).toEqual([
      { column: "n", rows: [1, 2, 3] },
      { column: "b", rows: [1] },
    ]);
    expect(report.issues[0]).toEqual({
      code: "kind",
      column: "n",
      row: 1,
      expected: "a finite number that a double holds exactly",
      actual: '"twelve"',
    });
  });

  it("refuses integers that a double would round, and keeps those it holds", async () => {
    const { report, frame } = await read(
      "n\n9007199254740993\n9007199254740992\n9007199254740994\n-9007199254740993\n1e300\n",
      [["n", "number"]],
    );
    expect(values(frame, "n")).toEqual([NaN, 9007199254740992, 9007199254740994, NaN, 1e300]);
    expect(report.badRows).toEqual([{ column: "n", rows: [0, 3] }]);
  });

  it("counts every issue and keeps the first thousand", async () => {
    const lines = Array.from({ length: 3000 }, (_, i) => `x${i}`).join("\n");
    const { report } = await read(`n\n${lines}\n`, [["n", "number"]]);
    expect(report.issueCounts).toEqual([["n:kind", 3000]]);
    expect(report.issues.length).toBe(1000);
    expect(report.issues[999]).toMatchObject({ row: 999, actual: '"x999"' });
    expect(report.badRows[0]!.rows.length).toBe(3000);
  });

  it("keeps file order and names the right rows in a file of many chunks", async () => {
    // Enough for several row groups on several threads.
    const lines = Array.from({ length: 200_000 }, (_, i) =>
      i % 50_000 === 49_999 ? `bad${i},${"y".repeat(60)}` : `${i},${"x".repeat(60)}`,
    );
    const { report, frame } = await read(`n,t\n${lines.join("\n")}\n`, [
      ["n", "number"],
      ["t", "category"],
    ]);
    expect(report.badRows).toEqual([{ column: "n", rows: [49_999, 99_999, 149_999, 199_999] }]);
    const numbers = values(frame, "n") as number[];
    expect(numbers.every((value, i) => (i % 50_000 === 49_999 ? Number.isNaN(value) : value === i))).toBe(true);
  });

  it("keeps the order of rows through every conversion, for SQL that becomes a join loses it", async () => {
    const day = (i: number): string => new Date(1.6e12 + i * 1000).toISOString();
    const lines = Array.from({ length: 150_000 }, (_, i) => `${i},${i % 2 ? "yes" : "no"},${day(i)},l${i % 300},${i}`);
    const kinds = [
      ["n", "number"],
      ["b", "boolean"],
      ["t", "timestamp"],
      ["c", "category"],
      ["x", "text"],
    ] as const;
    const { frame } = await read(`n,b,t,c,x\n${lines.join("\n")}\n`, kinds, { missing: ["-999", "?", "unknown"] });
    const [n, b, t, c, x] = kinds.map(([name]) => values(frame, name));
    let nWrong = 0;
    for (let i = 0; i < 150_000; ++i) {
      const isRight = n![i] === i && b![i] === i % 2 && t![i] === 1.6e12 + i * 1000 && c![i] === `l${i % 300}`;
      if (!isRight || x![i] !== String(i)) ++nWrong;
    }
    expect(nWrong).toBe(0);
  });

  it("reads quoted cells, blank lines, every kind of line end, byte order marks and gzip alike", async () => {
    for (const end of ["\n", "\r\n", "\r"]) {
      const text = `\uFEFF${end}a,b${end}"x, ""y""",1${end}${end}z,2`;
      for (const bytes of [Buffer.from(text), gzipSync(text)]) {
        const path = file(bytes[0] === 0x1f ? "b.csv.gz" : "b.csv", bytes);
        const { frame } = await ingest(csv(path), [
          ["a", "text"],
          ["b", "number"],
        ]);
        expect(values(frame, "a")).toEqual(['x, "y"', "z"]);
        expect(values(frame, "b")).toEqual([1, 2]);
      }
    }
  });

  it("reads a file without a header by the names given", async () => {
    const { frame } = await ingest(
      tsv(file("c.tsv", 'ham\tsays "hi", ok\nspam\tbuy\n'), { columns: ["label", "text"] }),
      [
        ["label", "category"],
        ["text", "text"],
      ],
    );
    expect(values(frame, "text")).toEqual(['says "hi", ok', "buy"]);
  });

  it.each([
    ["a short line", "a,b\n1,2\n3\n", "line 3 has 1 cell, the first line has 2"],
    ["a long line", "a,b\n1,2,3\n", "line 2 has 3 cells"],
    ["a delimiter too many on every line", "a,b\n1,2,\n3,4,\n", "line 2 has 3 cells"],
    ["a quote left open", 'a,b\n1,"2\n3,4\n', "line 2 opens a quote that is never closed"],
    ["text after a closing quote", 'a,b\n"1"x,2\n', "line 2 has text after a closing quote"],
    ["two kinds of line ends", "a,b\n1,2\r\n3,4\n", "line 2 ends with CR LF"],
    [
      "bytes that are not UTF-8",
      Buffer.from([0x61, 0x0a, 0x31, 0x0a, 0xff, 0x0a]),
      "line 3 holds bytes that are not UTF-8",
    ],
    ["a binary file", Buffer.from([0x61, 0x0a, 0x00, 0x01]), "line 2 holds a NUL byte"],
    ["UTF-16", Buffer.from("a,b\n1,2\n", "utf16le"), "line 1 holds a NUL byte"],
  ])("refuses %s, naming the line", async (_, content, message) => {
    expect(await failure(read(content, [["a", "number"]]))).toMatchObject({
      code: "SOURCE_UNREADABLE",
      message: expect.stringContaining(message),
    });
  });

  it.each([
    ["an empty file", "", "0 bytes"],
    ["blank lines alone", "\n\n", "only blank lines"],
    ["a header alone", "a,b\n", "a header line and nothing else"],
    ["a header without a line end", "a,b", "a header line and nothing else"],
  ])("refuses %s", async (_, content, found) => {
    expect(await failure(read(content, [["a", "number"]]))).toMatchObject({
      code: "SOURCE_EMPTY",
      message: expect.stringContaining(found),
    });
  });

  it("refuses column names that are equal, twins in Unicode, empty or too long", async () => {
    expect((await failure(read("a,a\n1,2\n", [["a", "number"]]))).code).toBe("COLUMN_NAME_DUPLICATE");
    expect((await failure(read("\u00e9,e\u0301\n1,2\n", [["\u00e9", "number"]]))).code).toBe("COLUMN_NAME_DUPLICATE");
    expect((await failure(read("a,\n1,2\n", [["a", "number"]]))).code).toBe("COLUMN_NAME_INVALID");
    expect((await failure(read(`a,${"x".repeat(65536)}\n1,2\n`, [["a", "number"]]))).code).toBe("COLUMN_NAME_INVALID");
  });

  it("names the nearest column for one that is absent", async () => {
    expect(await failure(read("price,rooms\n1,2\n", [["pric", "number"]]))).toMatchObject({
      code: "COLUMN_MISSING",
      remedy: 'Did you mean "price"?',
    });
  });

  it("names the nearest file for one that is absent", async () => {
    file("houses.csv", "a\n1\n");
    expect(await failure(ingest(csv("house.csv"), [["a", "number"]]))).toMatchObject({
      code: "SOURCE_NOT_FOUND",
      remedy: 'Did you mean "houses.csv"?',
    });
  });

  it("refuses an output folder it cannot write to", async () => {
    const source = csv(file("d.csv", "a\n1\n"));
    const missing = join(root, "absent", "x.parquet");
    const work = ingestSource({
      source,
      contract: contractOf([["a", "number"]]),
      root,
      output: missing,
      progress: silent,
    });
    expect((await failure(work)).code).toBe("STORE_UNWRITABLE");
  });

  it("stops when the signal aborts", async () => {
    const source = csv(file("e.csv", "a\n1\n"));
    const work = ingestSource({
      source,
      contract: contractOf([["a", "number"]]),
      root,
      output,
      progress: silent,
      signal: AbortSignal.abort(),
    });
    expect((await failure(work)).code).toBe("CANCELLED");
  });

  it("carries hostile names and values through, and changes no prototype", async () => {
    const names = [
      "__proto__",
      "constructor",
      'a"b',
      "it's",
      "a;DROP TABLE x",
      "A",
      "a",
      "\u202eabc",
      "=cmd",
      "line\nbreak",
      "c0",
      " x ",
    ];
    const quoted = (cells: readonly string[]): string =>
      `${cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(",")}\n`;
    const { frame } = await read(
      quoted(names) + quoted(names),
      names.map((name) => [name, "category"] as const),
    );
    expect(frame.names).toEqual(names);
    for (const name of names) expect(values(frame, name)).toEqual([name]);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it("writes the same bytes each time", async () => {
    const digest = async (): Promise<string> => {
      await read("n,c\n1,a\n2,b\n", [
        ["n", "number"],
        ["c", "category"],
      ]);
      return createHash("sha256").update(readFileSync(output)).digest("hex");
    };
    const first = await digest();
    rmSync(output);
    expect(await digest()).toBe(first);
  });

  it("agrees with the parser of requests about what a timestamp is", async () => {
    const texts = [
      "2020-01-02",
      "2020-01-02T03:04Z",
      "2020-01-02 03:04:05",
      "2020-01-02T03:04:05.123456789Z",
      "2020-01-02T03:04:05+05:30",
      "2020-01-02T03:04:05-0330",
      "1969-12-31T23:59:59.999Z",
      "2020-02-30",
      "2020-13-01",
      "2020-01-02T24:00:00",
      "01/02/2020",
      "epoch",
      "infinity",
      "20200102",
      "2020-1-2",
      "0001-01-01",
      "9999-12-31T23:59:59Z",
    ];
    const { frame } = await read(`t\n${texts.join("\n")}\n`, [["t", "timestamp"]]);
    expect(values(frame, "t")).toEqual(texts.map(parseTimestamp));
  });

  it("brings every double through unchanged", async () => {
    const numbers = [
      0,
      -0,
      5e-324,
      -5e-324,
      2.2250738585072014e-308,
      Number.MAX_VALUE,
      -Number.MAX_VALUE,
      0.1,
      1 / 3,
      Number.EPSILON,
      2 ** 53,
      2 ** 53 - 1,
    ];
    const random = fc.sample(fc.double({ noNaN: true, noDefaultInfinity: true }), { numRuns: 5000, seed: 7 });
    const all = [...numbers, ...random].filter((value) => Math.abs(value) <= 2 ** 53 || !/^-?\d+$/.test(String(value)));
    const { report, frame } = await read(
      `n\n${all.map((value) => (Object.is(value, -0) ? "-0" : String(value))).join("\n")}\n`,
      [["n", "number"]],
    );
    expect(report.issues).toEqual([]);
    expect(Array.from(new BigUint64Array((columnOf(frame, "n") as { values: Float64Array }).values.buffer))).toEqual(
      Array.from(new BigUint64Array(Float64Array.from(all).buffer)),
    );
  });
});

describe("ingestSource of JSON lines", () => {
  it("reads native values, absent keys and hostile keys", async () => {
    const text =
      '{"n":1.5,"b":true,"t":"2020-01-02","__proto__":"x","c":7}\n\n{"n":null,"c":"a\\nb","t":0,"extra":[1]}\r\n{"n":"12","b":0}\n';
    const { report, frame } = await ingest(jsonl(file("a.jsonl", text)), [
      ["n", "number"],
      ["b", "boolean"],
      ["t", "timestamp"],
      ["__proto__", "text"],
      ["c", "category"],
    ]);
    expect(report).toMatchObject({ nRows: 3, issues: [] });
    expect(values(frame, "n")).toEqual([1.5, NaN, 12]);
    expect(values(frame, "b")).toEqual([1, 255, 0]);
    expect(values(frame, "t")).toEqual([Date.UTC(2020, 0, 2), 0, NaN]);
    expect(values(frame, "__proto__")).toEqual(["x", null, null]);
    expect(values(frame, "c")).toEqual(["7", "a\nb", null]);
  });

  it("lists integers a double would round, lists and objects as issues", async () => {
    const { report } = await ingest(
      jsonl(
        file("b.jsonl", '{"n":9007199254740993}\n{"n":[1]}\n{"n":"x 1234567890123456789"}\n{"n":9007199254740992}\n'),
      ),
      [["n", "number"]],
    );
    expect(report.issues.map((issue) => issue.actual)).toEqual([
      '"9007199254740993"',
      '"[1]"',
      '"x 1234567890123456789"',
    ]);
  });

  it.each([
    ["a line cut off", '{"a":1}\n{"a":\n', "line 2 is no JSON"],
    ["a line that is a list", "[1]\n", "line 1 holds no JSON object but a list"],
    [
      "bytes that are not UTF-8",
      Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
      "line 1 holds bytes that are not UTF-8",
    ],
  ])("refuses %s", async (_, content, message) => {
    expect(await failure(ingest(jsonl(file("c.jsonl", content)), [["a", "number"]]))).toMatchObject({
      code: "SOURCE_UNREADABLE",
      message: expect.stringContaining(message),
    });
  });

  it("names the nearest key for one that no line has", async () => {
    expect(await failure(ingest(jsonl(file("d.jsonl", '{"price":1}\n')), [["prise", "number"]]))).toMatchObject({
      code: "COLUMN_MISSING",
      remedy: 'Did you mean "price"?',
    });
  });

  it("reads a file that opens with a byte order mark and holds lines longer than a chunk", async () => {
    const long = "y".repeat(3_000_000);
    const { frame } = await ingest(jsonl(file("e.jsonl", `\uFEFF{"a":"${long}"}\n{"a":"z"}`)), [["a", "text"]]);
    expect(values(frame, "a")).toEqual([long, "z"]);
  });
});

describe("ingestSource of Parquet", () => {
  async function write(select: string): Promise<string> {
    const path = join(root, `in${counter}.parquet`);
    const session = await openQuery({ files: [path] });
    await session.run(`COPY (${select}) TO '${path}' (FORMAT parquet)`);
    session.close();
    return path;
  }

  it("takes native types as they are", async () => {
    const path = await write(`SELECT * FROM (VALUES
      (1::TINYINT, 2::BIGINT, 9007199254740993::BIGINT, 1.25::DECIMAL(9,2), 'inf'::DOUBLE, true, DATE '2020-01-02', TIMESTAMP_NS '2020-01-02 03:04:05.123456789', TIMESTAMPTZ '2020-01-02 03:04:05+02', 3.0::DOUBLE, {'a': 1}),
      (NULL, NULL, 4, NULL, 'nan', NULL, NULL, NULL, NULL, NULL, NULL)) t(i, l, h, d, f, b, day, ns, tz, code, nested)`);
    const { report, frame } = await ingest(parquet(path), [
      ["i", "number"],
      ["l", "number"],
      ["h", "number"],
      ["d", "number"],
      ["f", "number"],
      ["b", "number"],
      ["day", "timestamp"],
      ["ns", "timestamp"],
      ["tz", "timestamp"],
      ["code", "category"],
      ["nested", "text"],
    ]);
    expect(frame.columns.map((_, i) => values(frame, frame.names[i]!)[0])).toEqual([
      1,
      2,
      NaN,
      1.25,
      NaN,
      1,
      Date.UTC(2020, 0, 2),
      Date.UTC(2020, 0, 2, 3, 4, 5, 123),
      Date.UTC(2020, 0, 2, 1, 4, 5),
      "3",
      "{'a': 1}",
    ]);
    expect(report.issues.map((issue) => [issue.column, issue.row, issue.actual])).toEqual(
      [
        ["f", 0, '"inf"'],
        ["h", 0, '"9007199254740993"'],
      ].sort((a, b) => (a[0]! > b[0]! ? -1 : 1)),
    );
  });

  it("lists a column of another kind as issues instead of guessing", async () => {
    const { report } = await ingest(parquet(await write("SELECT 5 AS t, DATE '2020-01-01' AS n, 2 AS b")), [
      ["t", "timestamp"],
      ["n", "number"],
      ["b", "boolean"],
    ]);
    expect(report.issueCounts).toEqual([
      ["t:kind", 1],
      ["n:kind", 1],
      ["b:kind", 1],
    ]);
  });

  it("refuses a file that is cut off, and one that is none", async () => {
    const path = await write("SELECT range AS a FROM range(1000)");
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, bytes.length - 100));
    expect((await failure(ingest(parquet(path), [["a", "number"]]))).code).toBe("SOURCE_UNREADABLE");
    expect((await failure(ingest(parquet(file("x.parquet", "a,b\n1,2\n")), [["a", "number"]]))).code).toBe(
      "SOURCE_UNREADABLE",
    );
  });
});

describe("datasetCodec", () => {
  it("writes a frame and reads it back bit by bit", async () => {
    const { frame } = await read(
      'n,c,b,t,x\n-0,é,yes,2020-01-02,"a""b"\n,,,,\n1e-320,z,no,1960-05-06T07:08:09.012Z,\u{1F600}\n',
      [
        ["n", "number"],
        ["c", "category"],
        ["b", "boolean"],
        ["t", "timestamp"],
        ["x", "text"],
      ],
    );
    const codec = datasetCodec(contractOf(frame.names.map((name, i) => [name, frame.columns[i]!.kind] as const)));
    const path = join(root, "codec.parquet");
    await codec.write(frame, path);
    expect(await codec.read(path)).toEqual(frame);
  });

  it("keeps names apart that are equal but for case", async () => {
    const { frame } = await read("a,A,a~1\n1,2,3\n", [
      ["a", "number"],
      ["A", "number"],
      ["a~1", "number"],
    ]);
    expect(frame.columns.map((column) => (column as { values: Float64Array }).values[0])).toEqual([1, 2, 3]);
  });
});

it("leaves nothing but the output behind", () => {
  expect(existsSync(folder)).toBe(false);
  expect(readdirSync(root).filter((name) => name.startsWith("ingest-"))).toEqual([]);
});
