import { describe, expect, it } from "vitest";
import { values } from "./column-values.fixtures.ts";
import { failure, put, read } from "./ingest.fixtures.ts";
import { jsonl } from "./source.ts";

describe("ingestSource of JSON lines", () => {
  it("reads native values, absent keys and hostile keys", async () => {
    const text =
      '{"n":1.5,"b":true,"t":"2020-01-02","__proto__":"x","c":7}\n\n{"n":null,"c":"a\\nb","t":0,"extra":[1]}\r\n{"n":"12","b":0}\n';
    const { report, frame } = await read(jsonl(put("a.jsonl", text)), [
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
    const { report } = await read(
      jsonl(
        put("b.jsonl", '{"n":9007199254740993}\n{"n":[1]}\n{"n":"x 1234567890123456789"}\n{"n":9007199254740992}\n'),
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
    expect(await failure(read(jsonl(put("c.jsonl", content)), [["a", "number"]]))).toMatchObject({
      code: "SOURCE_UNREADABLE",
      message: expect.stringContaining(message),
    });
  });

  it("takes a key for the column whose name it is in another form of Unicode, and refuses both forms", async () => {
    const columns = [
      ["b", "number"],
      ["\u00e9", "number"],
    ] as const;
    const { frame } = await read(jsonl(put("form.jsonl", '{"e\u0301":1,"b":2}\n{"b":3}\n{"e\u0301":4}\n')), columns);
    expect([values(frame, "b"), values(frame, "\u00e9")]).toEqual([
      [2, 3, NaN],
      [1, NaN, 4],
    ]);
    const both = jsonl(put("both.jsonl", '{"e\u0301":1,"b":2}\n{"\u00e9":3}\n'));
    expect(await failure(read(both, columns))).toMatchObject({ code: "COLUMN_NAME_DUPLICATE" });
  });

  it("names the nearest key for one that no line has", async () => {
    expect(await failure(read(jsonl(put("d.jsonl", '{"price":1}\n')), [["prise", "number"]]))).toMatchObject({
      code: "COLUMN_MISSING",
      remedy: 'Did you mean "price"?',
    });
  });

  it("reads a file that opens with a byte order mark and holds lines longer than a chunk", async () => {
    const long = "y".repeat(3_000_000);
    const { frame } = await read(jsonl(put("e.jsonl", `\uFEFF{"a":"${long}"}\n{"a":"z"}`)), [["a", "text"]]);
    expect(values(frame, "a")).toEqual([long, "z"]);
  });
});
