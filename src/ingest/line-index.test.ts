import { describe, expect, it } from "vitest";
import { folder, put, read } from "./ingest.fixtures.ts";
import { lineOf } from "./line-index.ts";
import { csv } from "./source.ts";

describe("lineOf", () => {
  it("knows the line of every row", async () => {
    put("a.csv", '\n\nn,x\n1,"two\nlines"\n\n2,y\n3,z\n');
    put("b.csv", "n,x\n4,w\n");
    const { report } = await read(csv(`${folder}/*.csv`), [["n", "number"]]);
    const [a, b] = report.origins;
    expect([0, 1, 2].map((row) => lineOf(a!.lines, row))).toEqual([4, 7, 8]);
    expect(lineOf(b!.lines, 0)).toBe(2);
    expect(lineOf([], 3)).toBeNull();
  });
});
