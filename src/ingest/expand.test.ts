import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { Frame } from "../frame/frame.ts";
import { values } from "./column-values.fixtures.ts";
import { type Columns, failure, folder, put, putParquet, read } from "./ingest.fixtures.ts";
import { csv, json, jsonl, parquet, type Source, tsv } from "./source.ts";

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
    for (const i of [0, 1])
      await putParquet(`p/d=2024-01-02/${i}.parquet`, `SELECT range + ${i * 10} AS n FROM range(3)`);
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
});
