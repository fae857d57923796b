import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { silent } from "../core/progress.ts";
import { type Cleaning, cleanedText } from "../frame/cleaning.ts";
import type { ContractColumn } from "../frame/contract.ts";
import { columnOf } from "../frame/frame.ts";
import { frameFromRows } from "../frame/rows.ts";
import { readDataset } from "./dataset.ts";
import { ingestSource } from "./ingest.ts";
import { jsonl } from "./source.ts";
import { textsOf } from "./text-cleaning.ts";

const root = mkdtempSync(join(tmpdir(), "millrace-requests-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** The column as a file is read, as texts. */
async function fromFile(texts: readonly string[], column: ContractColumn): Promise<(string | null)[]> {
  const contract = { columns: [column] };
  writeFileSync(join(root, "a.jsonl"), texts.map((text) => `${JSON.stringify({ [column.name]: text })}\n`).join(""));
  const output = join(root, "out.parquet");
  const source = jsonl("a.jsonl");
  await ingestSource({ source, contract, root, output, progress: silent, texts: textsOf(contract) });
  const read = columnOf(await readDataset(output, contract), column.name);
  return read.kind === "text" ? [...read.values] : [];
}

const asIs: Cleaning = { trim: false, case: null, missing: [], units: null, dates: null };
const columnWith = (clean: Partial<Cleaning>): ContractColumn => ({
  name: "a",
  kind: "text",
  missing: 1,
  onViolation: "warn",
  clean: { ...asIs, ...clean },
});

describe("a request", () => {
  it("has its letters in the case that reading a file gives them, every letter there is", async () => {
    const isSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdfff;
    const letters = Array.from({ length: 0x1ffff }, (_, i) => i + 1)
      // Readers take a mark at the start of a text for that of the file.
      .filter((code) => !isSurrogate(code) && code !== 0xfeff)
      .map((code) => String.fromCodePoint(code));
    const inRows = Array.from(
      { length: Math.ceil(letters.length / 64) },
      (_, i) => `x${letters.slice(64 * i, 64 * i + 64).join("")}`,
    );
    for (const one of ["lower", "upper"] as const) {
      const column = columnWith({ case: one });
      expect(inRows.map((text) => cleanedText(text, column.clean!))).toEqual(await fromFile(inRows, column));
    }
  });

  it("is cleaned as its snapshot was", async () => {
    const text = fc.array(fc.constantFrom("a", "B", "ß", "É", " ", "\t", "?", "İ", "ὗ", "n/a"), { maxLength: 5 });
    const clean = fc.record({
      trim: fc.boolean(),
      case: fc.constantFrom(null, "lower" as const, "upper" as const),
      missing: fc.subarray(["?", "a", "n/a"]),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 30 }), clean, async (parts, given) => {
        const texts = parts.map((part) => part.join(""));
        const column = columnWith(given);
        const { frame } = frameFromRows(
          texts.map((a) => ({ a })),
          { columns: [column] },
          ["a"],
        );
        const own = columnOf(frame, "a");
        expect(own.kind === "text" && own.values).toEqual(
          await fromFile([...texts, "some text"], column).then((all) => all.slice(0, -1)),
        );
      }),
      { numRuns: 25 },
    );
  });

  it("has no number and no time that a text says is missing, and no level twice", () => {
    const columns: ContractColumn[] = [
      { ...columnWith({ missing: ["-1", "n/a"] }), name: "size", kind: "number" },
      { ...columnWith({ missing: ["1900-01-01"] }), name: "at", kind: "timestamp" },
      { ...columnWith({ trim: true, case: "lower", missing: ["?"] }), name: "colour", kind: "category" },
    ];
    const rows = [
      { size: -1, at: "1900-01-01T00:00:00Z", colour: " Red" },
      { size: 0, at: "1900-01-02", colour: "red" },
      { size: null, at: null, colour: "?" },
    ];
    const { frame, nIssues } = frameFromRows(rows, { columns }, ["size", "at", "colour"]);
    expect(nIssues).toBe(0);
    expect(columnOf(frame, "size")).toEqual({ kind: "number", values: Float64Array.of(NaN, 0, NaN) });
    expect(columnOf(frame, "at")).toMatchObject({ values: Float64Array.of(NaN, Date.UTC(1900, 0, 2), NaN) });
    expect(columnOf(frame, "colour")).toEqual({ kind: "category", codes: Int32Array.of(0, 0, -1), levels: ["red"] });
  });
});
