import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { silent } from "../../core/progress.ts";
import type { Contract } from "../../frame/contract.ts";
import type { Frame } from "../../frame/frame.ts";
import { readDataset } from "../dataset.ts";
import { type IngestReport, ingestSource } from "../ingest.ts";
import { sql } from "../combined-source.ts";
import { csv, jsonl, type Source } from "../source.ts";

const root = mkdtempSync(join(tmpdir(), "millrace-conversions-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const contract: Contract = {
  columns: (["number", "boolean", "timestamp", "category", "text"] as const).map((kind) => ({
    name: kind,
    kind,
    missing: 1,
    onViolation: "warn",
  })),
};

async function ingest(source: Source): Promise<{ report: IngestReport; frame: Frame }> {
  const output = join(root, "out.parquet");
  const report = await ingestSource({ source, contract, root, output, progress: silent });
  return { report, frame: await readDataset(output, contract) };
}

/** What DuckDB takes for a value and nobody means: "+-5", and offsets of a day and more, which requests are refused for as well. */
const isStricter = /^\s*\+-|[+-]24:00\s*$/;

/** Both readers on the same cells: ours in one pass, and DuckDB's with SQL of the same meaning. */
async function compare(cells: readonly string[], missing: readonly string[]): Promise<void> {
  const quoted = cells.map((cell) => `"${cell.replaceAll('"', '""')}"`);
  const plain = cells.map((cell, i) => (/[\n\r,"]|^ /.test(cell) ? quoted[i]! : cell));
  const rows = [...quoted, ...plain].map((cell) => `${[cell, cell, cell, cell, cell].join(",")}\n`);
  const path = join(root, "cells.csv");
  writeFileSync(path, `number,boolean,timestamp,category,text\n${rows.join("")}`);
  const ours = await ingest(csv(path, { missing }));
  const theirs = await ingest({ ...sql("select * from cells", { cells: csv(path) }), missing });
  const differing: unknown[] = [];
  const shown = [...cells, ...cells];
  for (const [c, column] of ours.frame.columns.entries()) {
    const other = theirs.frame.columns[c]!;
    const at = (data: typeof column, row: number): unknown =>
      data.kind === "category" ? (data.levels[data.codes[row]!] ?? null) : data.values[row];
    for (const [row, cell] of shown.entries()) {
      const [own, his] = [at(column, row), at(other, row)];
      if (own !== his && !(Number.isNaN(own) && Number.isNaN(his)) && !isStricter.test(cell))
        differing.push([column.kind, cell, own, his]);
    }
  }
  expect(differing).toEqual([]);
  for (const [i, { column, rows }] of theirs.report.badRows.entries()) {
    expect(ours.report.badRows[i]!.column).toBe(column);
    const isAgreed = (row: number): boolean => !isStricter.test(shown[row]!);
    expect(ours.report.badRows[i]!.rows.filter(isAgreed)).toEqual(rows.filter(isAgreed));
  }
}

const blank = fc.constantFrom("", "", "", " ", "\t", "\n", "  ");
const around = (text: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(blank, text, blank).map((parts) => parts.join(""));
const digits = fc.string({ unit: fc.constantFrom(..."0123456789".split("")), maxLength: 22 });
const number = fc.oneof(
  fc.double().map(String),
  fc.integer().map(String),
  fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((value) => value.toFixed(4)),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
  fc.tuple(fc.constantFrom("", "-", "+", "--", "+-"), digits, fc.constantFrom("", "."), digits).map((p) => p.join("")),
  fc.tuple(digits, fc.constantFrom("e", "E"), fc.constantFrom("", "-", "+"), fc.nat(400)).map((p) => p.join("")),
);
const two = fc.nat(70).map((value) => String(value).padStart(2, "0"));
const instant = fc
  .tuple(
    fc.constantFrom("2024", "1969", "0001", "0000", "9999", "1900", "2000", "24"),
    two,
    two,
    fc.constantFrom("", "T", " ", "  "),
    fc.constantFrom(
      "",
      "03:04",
      "23:59:59",
      "24:00:00",
      "03:04:60",
      "03:04:05.123456789",
      "3:04",
      "03:04:05.",
      "00:00:00,5",
    ),
    fc.constantFrom("", "Z", " Z", "UTC", " UTC", "+02", "-0330", "+05:30", "+24:00", "z"),
  )
  .map(([year, month, day, t, time, zone]) => `${year}-${month}-${day}${t}${time}${zone}`);
const soundInstant = fc
  .date({ min: new Date("0001-01-01"), max: new Date("9999-12-31"), noInvalidDate: true })
  .map((date) => date.toISOString().replace(/\.\d+Z$/, ""));
const word = fc.constantFrom(
  ..."true,false,TRUE,False,t,F,yes,No,y,n,1,0,1.0,0.0,01,NA,N/A,NaN,nan,null,NULL,None,none,inf,-inf,Infinity,0x10,1_000,1e,.,-,+,1.,.5,-.5,-0,?".split(
    ",",
  ),
);
const cell = around(fc.oneof(number, instant, soundInstant, word));

describe("cells", () => {
  it("mean what DuckDB and SQL make of them, quoted or not", async () => {
    const cells = fc.sample(cell, { numRuns: 4000, seed: 20 }).filter((text) => !text.includes("\r"));
    await compare(cells, []);
  });

  it("are missing where the source says so, also such as would be read as values", async () => {
    const cells = fc.sample(cell, { numRuns: 1500, seed: 21 }).filter((text) => !text.includes("\r"));
    await compare(
      [...cells, "-999", "-999.0", " -999", "0", "?", "? ", "2024-01-01", "2024-01-01 "],
      ["-999", "?", "0", "2024-01-01", "none"],
    );
  });

  it("are no numbers where a double would make 0 or infinity of them, in JSON and with units as well", async () => {
    const lost = ["1e-400", "-2.5E-400", `0.${"0".repeat(400)}1`, "1e400", "-1e400", "1e-0400"];
    const kept = ["0e-400", "-0", "5e-324", "0.000", "1e-320", "0E9"];
    await compare([...lost, ...kept], []);
    const number = { columns: contract.columns.slice(0, 1) };
    const output = join(root, "lost.parquet");
    const write = (name: string, lines: readonly string[]): string => {
      writeFileSync(join(root, name), lines.map((line) => `${line}\n`).join(""));
      return join(root, name);
    };
    const cells = [...lost, ...kept];
    const sources = [
      csv(write("lost.csv", ["number", ...cells])),
      csv(write("slow.csv", ["number", ...cells.map((cell) => ` "${cell}"`)])),
      jsonl(
        write(
          "lost.jsonl",
          cells.map((cell) => `{"number":${cell}}`),
        ),
      ),
      jsonl(
        write(
          "texts.jsonl",
          cells.map((cell) => `{"number":"${cell}"}`),
        ),
      ),
      csv(write("units.csv", ["number", ...cells.map((cell) => `${cell} g`)])),
    ];
    const units = [{ column: "number", trim: false, case: null, missing: [], units: { g: 1 }, dates: null }];
    for (const source of sources) {
      const texts = source.path.endsWith("units.csv") ? units : [];
      const report = await ingestSource({ source, contract: number, texts, root, output, progress: silent });
      expect(report.badRows, source.path).toEqual([{ column: "number", rows: [0, 1, 2, 3, 4, 5] }]);
      expect(report.issues[0]!.actual).toBe(texts.length > 0 ? '"1e-400 g"' : '"1e-400"');
      const { columns } = await readDataset(output, number);
      expect(columns[0]).toMatchObject({ values: Float64Array.of(...lost.map(() => NaN), ...kept.map(Number)) });
    }
  });
});
