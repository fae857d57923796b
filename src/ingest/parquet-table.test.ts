import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { values } from "./column-values.fixtures.ts";
import { failure, put, putParquet, read, root } from "./ingest.fixtures.ts";
import { parquet } from "./source.ts";

describe("ingestSource of Parquet", () => {
  it("takes native types as they are", async () => {
    const path = await putParquet(
      "a.parquet",
      `SELECT * FROM (VALUES
      (1::TINYINT, 2::BIGINT, 9007199254740993::BIGINT, 1.25::DECIMAL(9,2), 'inf'::DOUBLE, true, DATE '2020-01-02', TIMESTAMP_NS '2020-01-02 03:04:05.123456789', TIMESTAMPTZ '2020-01-02 03:04:05+02', 3.0::DOUBLE, {'a': 1}),
      (NULL, NULL, 4, NULL, 'nan', NULL, NULL, NULL, NULL, NULL, NULL)) t(i, l, h, d, f, b, day, ns, tz, code, nested)`,
    );
    const { report, frame } = await read(parquet(path), [
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
    const { report } = await read(
      parquet(await putParquet("a.parquet", "SELECT 5 AS t, DATE '2020-01-01' AS n, 2 AS b")),
      [
        ["t", "timestamp"],
        ["n", "number"],
        ["b", "boolean"],
      ],
    );
    expect(report.issueCounts).toEqual([
      ["t:kind", 1],
      ["n:kind", 1],
      ["b:kind", 1],
    ]);
  });

  it("refuses a file that is cut off, and one that is none", async () => {
    const path = await putParquet("a.parquet", "SELECT range AS a FROM range(1000)");
    const bytes = readFileSync(join(root, path));
    const cut = put("cut.parquet", bytes.subarray(0, bytes.length - 100));
    expect((await failure(read(parquet(cut), [["a", "number"]]))).code).toBe("SOURCE_UNREADABLE");
    expect((await failure(read(parquet(put("x.parquet", "a,b\n1,2\n")), [["a", "number"]]))).code).toBe(
      "SOURCE_UNREADABLE",
    );
  });

  it("refuses a long decimal as a number where a double would round it, and keeps its digits as a text", async () => {
    const texts = ["0.1", "12345678901234567.89", "-9007199254740992.00", "3.6666666666666667"];
    const cells = texts.map((text) => `('${text}'::DECIMAL(38, 18), '1.25'::DECIMAL(9, 2))`).join(", ");
    const source = parquet(await putParquet("d.parquet", `SELECT * FROM (VALUES ${cells}) AS v(d, e)`));
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
});
