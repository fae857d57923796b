import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { columnOf } from "../../frame/frame.ts";
import { parseTimestamp } from "../../frame/timestamp.ts";
import { values } from "../column-values.fixtures.ts";
import { failure, put, read, readCsv } from "../ingest.fixtures.ts";
import { csv, jsonl, tsv } from "../source.ts";

describe("ingestSource of delimited text", () => {
  it("converts each kind and takes the contract's columns in the contract's order", async () => {
    const { report, frame } = await readCsv(
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
    const { report, frame } = await readCsv('n,c\n  ,NA\nNA,""\nN/A,\nNaN,None\nnull,-\nNone,?\n', [
      ["n", "number"],
      ["c", "category"],
    ]);
    expect(values(frame, "n")).toEqual([NaN, NaN, NaN, NaN, NaN, NaN]);
    expect(values(frame, "c")).toEqual(["NA", null, null, "None", "-", "?"]);
    expect(report.issues).toEqual([]);
  });

  it("takes the source's own texts for missing in every column", async () => {
    const { frame } = await readCsv(
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
    const { report, frame } = await readCsv("n,b\n1,yes\ntwelve,maybe\n1_000,no\ninf,1\n", [
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
    const { report, frame } = await readCsv(
      "n\n9007199254740993\n9007199254740992\n9007199254740994\n-9007199254740993\n1e300\n",
      [["n", "number"]],
    );
    expect(values(frame, "n")).toEqual([NaN, 9007199254740992, 9007199254740994, NaN, 1e300]);
    expect(report.badRows).toEqual([{ column: "n", rows: [0, 3] }]);
  });

  it("counts every issue and keeps the first thousand", async () => {
    const lines = Array.from({ length: 3000 }, (_, i) => `x${i}`).join("\n");
    const { report } = await readCsv(`n\n${lines}\n`, [["n", "number"]]);
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
    const { report, frame } = await readCsv(`n,t\n${lines.join("\n")}\n`, [
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
    const { frame } = await readCsv(`n,b,t,c,x\n${lines.join("\n")}\n`, kinds, { missing: ["-999", "?", "unknown"] });
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
        const path = put(bytes[0] === 0x1f ? "b.csv.gz" : "b.csv", bytes);
        const { frame } = await read(csv(path), [
          ["a", "text"],
          ["b", "number"],
        ]);
        expect(values(frame, "a")).toEqual(['x, "y"', "z"]);
        expect(values(frame, "b")).toEqual([1, 2]);
      }
    }
  });

  it("reads a file without a header by the names given", async () => {
    const { frame } = await read(tsv(put("c.tsv", 'ham\tsays "hi", ok\nspam\tbuy\n'), { columns: ["label", "text"] }), [
      ["label", "category"],
      ["text", "text"],
    ]);
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
    expect(await failure(readCsv(content, [["a", "number"]]))).toMatchObject({
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
    expect(await failure(readCsv(content, [["a", "number"]]))).toMatchObject({
      code: "SOURCE_EMPTY",
      message: expect.stringContaining(found),
    });
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
    const { frame } = await readCsv(`t\n${texts.join("\n")}\n`, [["t", "timestamp"]]);
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
    const { report, frame } = await readCsv(
      `n\n${all.map((value) => (Object.is(value, -0) ? "-0" : String(value))).join("\n")}\n`,
      [["n", "number"]],
    );
    expect(report.issues).toEqual([]);
    expect(Array.from(new BigUint64Array((columnOf(frame, "n") as { values: Float64Array }).values.buffer))).toEqual(
      Array.from(new BigUint64Array(Float64Array.from(all).buffer)),
    );
  });

  it("takes a CR inside quotes for part of the cell, whatever ends the lines", async () => {
    for (const end of ["\n", "\r\n", "\r"]) {
      const path = put("a.csv", ["n,x", '1,"a\rb"', '2,"\r"', '3,"c\nd"', ""].join(end));
      const { frame } = await read(csv(path), [["x", "text"]]);
      expect(values(frame, "x"), JSON.stringify(end)).toEqual(["a\rb", "\r", "c\nd"]);
    }
  });
});

describe("a dataset that is held as it is written", () => {
  const columns = [
    ["n", "number"],
    ["c", "category"],
  ] as const;
  const rows = Array.from({ length: 1_000 }, (_, row) => `${row},k${row % 7}\n`).join("");

  it("is given where it takes no more than it may", async () => {
    const source = csv(put("a.csv", `n,c\n${rows}`));
    expect((await read(source, columns, 12 * 1_000)).held?.nRows).toBe(1_000);
    expect((await read(source, columns, 12 * 1_000 - 1)).held).toBeNull();
  });

  it("is that of all files, and of the sound records", async () => {
    put("days/1.csv", `n,c\n${rows}`);
    put("days/2.csv", `c,n\nk7,1\n2\nk8,3\n`);
    const days = csv(put("days/3.csv", `n,c\n4,k9\n`).replace("3.csv", "*.csv"), { onMalformed: "quarantine" });
    expect((await read(days, columns)).held?.nRows).toBe(1_003);
  });

  it("is none where another way is taken", async () => {
    expect((await read(jsonl(put("a.jsonl", '{"n":1,"c":"x"}\n')), columns)).held).toBeNull();
  });
});
