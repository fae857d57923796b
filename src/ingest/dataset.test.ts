import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { contractOf, number } from "../frame/schema.ts";
import { datasetCodec, eachGroup, readDataset } from "./dataset.ts";
import { contractOfKinds, putParquet, readCsv, root } from "./ingest.fixtures.ts";

describe("eachGroup", () => {
  it("refuses the file of another writer, which readDataset reads, instead of giving no rows", async () => {
    const path = join(root, await putParquet("other.parquet", "SELECT i::DOUBLE AS a FROM range(9) AS r(i)"));
    const contract = contractOf({ a: number() });
    expect((await readDataset(path, contract)).nRows).toBe(9);
    await expect(eachGroup(path, contract, () => Promise.resolve())).rejects.toMatchObject({
      code: "SOURCE_UNREADABLE",
    });
  });
});

describe("datasetCodec", () => {
  it("writes a frame and reads it back bit by bit", async () => {
    const { frame } = await readCsv(
      'n,c,b,t,x\n-0,é,yes,2020-01-02,"a""b"\n,,,,\n1e-320,z,no,1960-05-06T07:08:09.012Z,\u{1F600}\n',
      [
        ["n", "number"],
        ["c", "category"],
        ["b", "boolean"],
        ["t", "timestamp"],
        ["x", "text"],
      ],
    );
    const codec = datasetCodec(contractOfKinds(frame.names.map((name, i) => [name, frame.columns[i]!.kind] as const)));
    const path = join(root, "codec.parquet");
    await codec.write(frame, path);
    expect(await codec.read(path)).toEqual(frame);
  });

  it("keeps names apart that are equal but for case", async () => {
    const { frame } = await readCsv("a,A,a~1\n1,2,3\n", [
      ["a", "number"],
      ["A", "number"],
      ["a~1", "number"],
    ]);
    expect(frame.columns.map((column) => (column as { values: Float64Array }).values[0])).toEqual([1, 2, 3]);
  });
});
