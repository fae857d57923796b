import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, expect, it } from "vitest";
import { silent } from "../core/progress.ts";
import type { Contract } from "../frame/contract.ts";
import { columnOf, type Frame } from "../frame/frame.ts";
import { withQuery } from "../query/session.ts";
import { readDataset, stretchRows } from "./dataset.ts";
import { ingestSource } from "./ingest.ts";
import { csv, jsonl, parquet, type Source } from "./source.ts";
import { ingestInStretches } from "./stretches.ts";

const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "millrace-stretches-")));
const output = path.join(root, "written", "out.parquet");
fs.mkdirSync(path.dirname(output));
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));

const contract: Contract = {
  columns: [
    { name: "i", kind: "number", missing: 1, onViolation: "fail" },
    { name: "long", kind: "category", missing: 1, onViolation: "fail" },
    { name: "when", kind: "timestamp", missing: 1, onViolation: "fail" },
    { name: "told", kind: "boolean", missing: 1, onViolation: "fail" },
    { name: "note", kind: "text", missing: 1, onViolation: "fail" },
  ],
};
const nRows = 2 * stretchRows + 5000;

/** The same rows in two formats: numbers that are none in two places, texts of every length, gaps. */
async function writeRows(): Promise<readonly Source[]> {
  const file = (name: string): string => path.join(root, name);
  const rows = `SELECT CASE WHEN i IN (7, 250000) THEN 'seven' ELSE i::VARCHAR END AS i,
    CASE WHEN i % 5 > 0 THEN 'a level longer than its pointer ' || (i % 31) ELSE 'é' || (i % 3) END AS long,
    CASE WHEN i % 11 > 0 THEN '2024-02-29T00:00:' || lpad((i % 60)::VARCHAR, 2, '0') END AS "when",
    CASE WHEN i % 7 > 0 THEN (i % 2 = 0)::VARCHAR END AS told,
    CASE WHEN i % 13 > 0 THEN repeat('ab', (i % 17)::INTEGER) END AS note
    FROM range(${nRows}) AS t(i) ORDER BY t.i`;
  const all = ["rows.parquet", "rows.csv"].map(file);
  await withQuery({ files: all }, async (session) => {
    for (const [i, how] of ["FORMAT parquet", "FORMAT csv, HEADER true"].entries())
      await session.run(`COPY (${rows}) TO '${all[i]}' (${how}, USE_TMP_FILE false)`);
  });
  return [parquet(all[0]!), csv(all[1]!)];
}

/** A digest: comparing hundreds of thousands of cells one by one takes a minute. */
const cellsOf = (frames: readonly Frame[], name: string): string => {
  const hash = createHash("sha256");
  for (const frame of frames) {
    const column = columnOf(frame, name);
    const cells = column.kind === "category" ? Array.from(column.codes, (code) => column.levels[code]) : column.values;
    hash.update(Array.from<unknown>(cells).join("\n")).update("\n");
  }
  return hash.digest("hex");
};

it("gives the rows and the report of a reading at once, whatever the format, in stretches", async () => {
  for (const source of await writeRows()) {
    const request = { source, contract, root, output, progress: silent };
    const report = await ingestSource(request);
    const whole = await readDataset(output, contract);
    expect(report.issueCounts).toEqual([["i:kind", 2]]);
    const stretches: Frame[] = [];
    const told = await ingestInStretches(request, async (frame, nRowsInAll) => {
      expect(nRowsInAll).toBe(nRows);
      stretches.push(frame);
    });
    expect(told).toEqual(report);
    expect(stretches.length).toBe(3);
    for (const { name } of contract.columns) expect(cellsOf(stretches, name)).toBe(cellsOf([whole], name));
    expect(fs.readdirSync(path.dirname(output))).toEqual([]);
  }
});

it("passes on what its taker throws, and leaves nothing", async () => {
  fs.writeFileSync(path.join(root, "few.jsonl"), '{"i":1}\n');
  for (const name of ["few.jsonl", "rows.csv"]) {
    const source = name.endsWith("csv") ? csv(path.join(root, name)) : jsonl(path.join(root, name));
    const one = { columns: contract.columns.slice(0, 1) };
    const reading = ingestInStretches({ source, contract: one, root, output, progress: silent }, async () => {
      throw new TypeError("of the taker");
    });
    await expect(reading).rejects.toThrow(new TypeError("of the taker"));
    expect(fs.readdirSync(path.dirname(output))).toEqual([]);
  }
});
