import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { silent } from "../core/progress.ts";
import { columnOf, type Frame } from "../frame/frame.ts";
import { contractOf, number, timestamp } from "../frame/schema.ts";
import { readDataset } from "./dataset.ts";
import { type IngestReport, ingestSource } from "./ingest.ts";
import { csv } from "./source.ts";
import { dateDirectives, type TextCleaning } from "./text-cleaning.ts";

const root = mkdtempSync(join(tmpdir(), "millrace-texts-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const contract = contractOf({ mass: number({ missing: 1 }), day: timestamp({ missing: 1 }) });
const asIs = { trim: false, case: null, missing: [], units: null, dates: null } as const;

async function read(rows: readonly string[], ...texts: TextCleaning[]): Promise<[Frame, IngestReport]> {
  writeFileSync(join(root, "a.csv"), `mass;day\n${rows.join("\n")}\n`);
  const output = join(root, "out.parquet");
  const source = csv("a.csv", { delimiter: ";" });
  const report = await ingestSource({ source, contract, root, output, progress: silent, texts });
  return [await readDataset(output, contract), report];
}

const numbers = (frame: Frame, name: string): number[] => {
  const column = columnOf(frame, name);
  return column.kind === "number" || column.kind === "timestamp" ? [...column.values] : [];
};

describe("values with a unit", () => {
  const mass: TextCleaning = { ...asIs, column: "mass", units: { kg: 1, g: 0.001, lb: 0.45359237 } };

  it("become numbers of the unit that is kept; one that is not declared, or none, is no number", async () => {
    const cells = ["12 kg", "500g", " 2.5e3 g ", "1 lb", "-.5kg", "3", "4 stone", "kg", "1,5 kg", "", "NA"];
    const [frame, report] = await read(
      cells.map((cell) => `${cell};`),
      mass,
    );
    expect(numbers(frame, "mass")).toEqual([12, 0.5, 2.5, 0.45359237, -0.5, NaN, NaN, NaN, NaN, NaN, NaN]);
    expect(report.issues.map(({ row, actual }) => [row, actual])).toEqual([
      [5, '"3"'],
      [6, '"4 stone"'],
      [7, '"kg"'],
      [8, '"1,5 kg"'],
    ]);
    expect(report.issues[0]!.expected).toBe("a number with one of the units kg, g, lb");
    // Five with a unit became numbers, and a bare 3 is none any more.
    expect(report.cleaned).toEqual([{ column: "mass", cells: 6 }]);
  });

  it("may stand without one where that is declared, and are not rounded unseen", async () => {
    const [frame, report] = await read(["3;", "4 g;", "9007199254740993;"], { ...mass, units: { "": 1, g: 0.001 } });
    expect(numbers(frame, "mass")).toEqual([3, 0.004, NaN]);
    expect(report.issueCounts).toEqual([["mass:kind", 1]]);
  });
});

describe("dates in a format of their own", () => {
  const day = (dates: readonly string[]): TextCleaning => ({ ...asIs, column: "day", dates });
  const ms = (...texts: string[]): number[] => texts.map((text) => (text === "" ? NaN : Date.parse(`${text}Z`)));

  it("are read in each that is declared, and in no other", async () => {
    const cells = [
      "31.12.2024",
      "1.2.2024",
      "2024-03-04",
      "Mar 05 2024",
      "31.02.2024",
      "12/31/2024",
      "06.07.2024 08:09:10",
    ];
    const [frame, report] = await read(
      cells.map((cell) => `;${cell}`),
      day(["DD.MM.YYYY", "DD.MM.YYYY HH:mm:ss", "ISO", "MMM DD YYYY"]),
    );
    const known = ms("2024-12-31T00:00", "2024-02-01T00:00", "2024-03-04T00:00", "2024-03-05T00:00", "", "");
    expect(numbers(frame, "day")).toEqual([...known, ...ms("2024-07-06T08:09:10")]);
    expect(report.issues.map(({ actual }) => actual)).toEqual(['"31.02.2024"', '"12/31/2024"']);
  });

  it("are none where two formats read them as different days", async () => {
    const [frame, report] = await read(
      [";03/04/2024", ";04/04/2024", ";12/25/2024"],
      day(["DD/MM/YYYY", "MM/DD/YYYY"]),
    );
    expect(numbers(frame, "day")).toEqual(ms("", "2024-04-04T00:00", "2024-12-25T00:00"));
    expect(report.issues).toMatchObject([
      { row: 0, expected: "a date written DD/MM/YYYY or MM/DD/YYYY, and not two days at once", actual: '"03/04/2024"' },
    ]);
  });

  it("have formats that name a day, and nothing that is not known", () => {
    expect(dateDirectives("YYYY-MM-DDTHH:mm:ss.SSS")).toBe("%Y-%m-%dT%H:%M:%S.%g");
    for (const format of ["", "YYYY", "DD.MM.YY", "YYYY-MM-DD-DD", "YYYY-MM-DD hh", "%Y-%m-%d", "YYYY-MM-DD EEE"])
      expect(dateDirectives(format)).toBeNull();
  });
});
