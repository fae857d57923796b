import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { silent } from "../core/progress.ts";
import type { Contract } from "../frame/contract.ts";
import { columnOf, type Frame } from "../frame/frame.ts";
import { readDataset } from "./dataset.ts";
import { ingestSource } from "./ingest.ts";
import { transcribeJsonLines } from "./json-lines.ts";
import { csv, jsonl, parquet, type Source } from "./source.ts";

const shared = process.env["MILLRACE_SHARED"] ?? resolve(import.meta.dirname, "../../../shared");
const corpora = join(shared, "corpora");
const isAbsent = !existsSync(corpora);
const root = mkdtempSync(join(tmpdir(), "millrace-corpora-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function textContract(names: readonly string[]): Contract {
  return { columns: names.map((name) => ({ name, kind: "text", missing: 1, onViolation: "warn" })) };
}

async function ingest(source: Source, names: readonly string[]): Promise<Frame> {
  const output = join(root, "out.parquet");
  rmSync(output, { force: true });
  await ingestSource({ source, contract: textContract(names), root, output, progress: silent });
  return readDataset(output, textContract(names));
}

function rowsOf(frame: Frame): (string | null)[][] {
  return Array.from({ length: frame.nRows }, (_, row) =>
    frame.columns.map((column) => (column.kind === "text" ? (column.values[row] ?? null) : null)),
  );
}

describe.skipIf(isAbsent)("corpora of bad inputs (skipped where ../shared/corpora is absent)", () => {
  it("reads csv-spectrum as its JSON twins say", async () => {
    const folder = join(corpora, "csv-spectrum");
    const names = readdirSync(join(folder, "csvs")).filter((name) => name.endsWith(".csv"));
    expect(names.length).toBeGreaterThan(5);
    for (const name of names) {
      const expected = JSON.parse(
        readFileSync(join(folder, "json", name.replace(/\.csv$/, ".json")), "utf8"),
      ) as Record<string, string>[];
      if (!Array.isArray(expected)) continue; // one twin is no list of rows
      const columns = Object.keys(expected[0]!);
      const frame = await ingest(csv(join(folder, "csvs", name)), columns);
      const rows = rowsOf(frame).map((row) => Object.fromEntries(row.map((value, i) => [columns[i]!, value ?? ""])));
      expect(rows, name).toEqual(expected);
    }
  });

  it("carries every naughty string through CSV and JSON lines", async () => {
    const all = JSON.parse(readFileSync(join(corpora, "naughty-strings", "blns.json"), "utf8")) as string[];
    const strings = all.filter((text) => !text.includes("\0") && text.isWellFormed());
    expect(strings.length).toBeGreaterThan(400);
    const path = join(root, "blns.csv");
    writeFileSync(path, `"value","n"\n${strings.map((text, i) => `"${text.replaceAll('"', '""')}",${i}\n`).join("")}`);
    const lines = join(root, "blns.jsonl");
    writeFileSync(lines, strings.map((value) => `${JSON.stringify({ value })}\n`).join(""));
    for (const source of [csv(path), jsonl(lines)]) {
      const frame = await ingest(source, ["value"]);
      expect(columnOf(frame, "value")).toEqual({
        kind: "text",
        values: strings.map((text) => (text === "" ? null : text)),
      });
    }
  });

  it("carries every naughty string as a column name", async () => {
    const all = JSON.parse(readFileSync(join(corpora, "naughty-strings", "blns.json"), "utf8")) as string[];
    const usable = all.filter(
      (text) => text !== "" && text.length <= 1024 && !text.includes("\0") && text.isWellFormed(),
    );
    const names = [...new Map(usable.map((text) => [text.normalize("NFC"), text] as const)).values()];
    const quoted = names.map((text) => `"${text.replaceAll('"', '""')}"`).join(",");
    const path = join(root, "names.csv");
    writeFileSync(path, `${quoted}\n${names.map((_, i) => `v${i}`).join(",")}\n`);
    const frame = await ingest(csv(path), names);
    expect(frame.names).toEqual(names);
    expect(rowsOf(frame)[0]).toEqual(names.map((_, i) => `v${i}`));
  });

  it("refuses each damaged Parquet file with a coded error or reads it", async () => {
    const folder = join(corpora, "parquet-testing", "bad_data");
    const files = readdirSync(folder).filter((name) => name.endsWith(".parquet"));
    expect(files.length).toBeGreaterThan(3);
    for (const name of files) {
      const outcome = await ingest(parquet(join(folder, name)), ["no such column"]).then(
        () => "read",
        (error: unknown) => (error as { code?: string }).code,
      );
      expect(["SOURCE_UNREADABLE", "SOURCE_EMPTY", "COLUMN_MISSING", "COLUMN_NAME_INVALID"], name).toContain(outcome);
    }
  });

  it("takes each JSON text as the strict parser takes it", async () => {
    const folder = join(corpora, "json-test-suite", "test_parsing");
    const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
    let nRefused = 0;
    const path = join(root, "suite.jsonl");
    for (const name of names) {
      const bytes = readFileSync(join(folder, name));
      if (bytes.includes(0x0a) || bytes.length > 10_000) continue; // not one line, or too deep for a test
      writeFileSync(path, Buffer.concat([Buffer.from('{"value":'), bytes, Buffer.from("}\n")]));
      const outcome = await transcribeJsonLines(path, [], null).then(
        () => "read",
        () => "refused",
      );
      if (name.startsWith("n_") && outcome === "refused") ++nRefused;
      if (name.startsWith("y_")) expect(outcome, name).toBe("read");
    }
    expect(nRefused).toBeGreaterThan(100);
  });
});
