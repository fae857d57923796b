import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { contractOf, number } from "../frame/schema.ts";
import { withQuery } from "../query/session.ts";
import { eachGroup, readDataset } from "./dataset.ts";

const root = mkdtempSync(join(tmpdir(), "millrace-dataset-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("eachGroup", () => {
  it("refuses the file of another writer, which readDataset reads, instead of giving no rows", async () => {
    const path = join(root, "other.parquet");
    const contract = contractOf({ a: number() });
    await withQuery({ files: [path] }, (session) =>
      session.run(`COPY (SELECT i::DOUBLE AS a FROM range(9) AS r(i)) TO '${path}' (FORMAT parquet)`),
    );
    expect((await readDataset(path, contract)).nRows).toBe(9);
    await expect(eachGroup(path, contract, () => Promise.resolve())).rejects.toMatchObject({
      code: "SOURCE_UNREADABLE",
    });
  });
});
