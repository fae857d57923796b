import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { tableFromArrays, tableToIPC } from "@uwdata/flechette";
import { afterAll, describe, expect, it } from "vitest";
import { createRng } from "../../core/rng.ts";
import { silent } from "../../core/progress.ts";
import type { Kind } from "../../frame/column.ts";
import type { Contract } from "../../frame/contract.ts";
import type { Frame } from "../../frame/frame.ts";
import { values } from "../column-values.fixtures.ts";
import { readDataset } from "../dataset.ts";
import { ingestSource, type IngestReport } from "../ingest.ts";
import { arrow } from "../source.ts";
import { decodeApart } from "./arrow-table.ts";
import { unpackLz4 } from "./lz4.ts";

const vectors = path.resolve(import.meta.dirname, "../../../test/vectors/arrow");
const root = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-arrow-"));
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));

let counter = 0;

async function read(
  file: string,
  columns: Readonly<Record<string, Kind>>,
): Promise<{ frame: Frame; report: IngestReport }> {
  const contract: Contract = {
    columns: Object.entries(columns).map(([name, kind]) => ({ name, kind, missing: 1, onViolation: "warn" })),
  };
  const output = path.join(root, `out${++counter}.parquet`);
  const report = await ingestSource({ source: arrow(file), contract, root, output, progress: silent });
  return { report, frame: await readDataset(output, contract) };
}

const hasZstd = "zstdDecompressSync" in (await import("node:zlib"));
const files = ["uncompressed.feather", "lz4.feather", "stream.arrows", ...(hasZstd ? ["zstd.feather"] : [])];

type Row = Readonly<Record<string, string | number | boolean | null>>;
const rows = JSON.parse(fs.readFileSync(path.join(vectors, "rows.json"), "utf8")) as readonly Row[];

describe("an Arrow file", () => {
  it.each(files)("is read as pyarrow wrote it: %s", async (name) => {
    const { frame } = await read(path.join(vectors, name), {
      i8: "number",
      i64: "category",
      u64: "text",
      f32: "number",
      f64: "number",
      ok: "boolean",
      text: "text",
      large: "category",
      level: "category",
      dec: "text",
      day: "timestamp",
      us: "timestamp",
      none: "number",
    });
    expect(frame.nRows).toBe(300);
    const first = (column: string): unknown[] => values(frame, column).slice(0, rows.length);
    const expected = (column: string): unknown[] => rows.map((row) => row[column]!);
    for (const column of ["i64", "u64", "text", "large", "level", "i8", "f32"])
      expect([column, first(column)]).toEqual([column, expected(column)]);
    expect(first("f64")).toEqual(expected("f64").map((value) => value ?? NaN));
    expect(first("ok")).toEqual(expected("ok").map((value) => (value === null ? 255 : Number(value))));
    expect(first("dec")).toEqual(expected("dec"));
    expect(first("day")).toEqual(expected("day").map((value) => Date.parse(String(value))));
    expect(first("us")).toEqual(expected("us").map(() => Date.UTC(2024, 0, 2, 3, 4, 5)));
    expect(values(frame, "none").every(Number.isNaN)).toBe(true);
  });

  it("counts numbers that a double would round, and refuses what is no value where it is asked for", async () => {
    const file = path.join(vectors, "lz4.feather");
    const { report, frame } = await read(file, { i64: "number", dec: "number", ns: "timestamp" });
    expect(Object.fromEntries(report.issueCounts)).toEqual({ "i64:kind": expect.any(Number) as number, "dec:kind": 1 });
    expect(values(frame, "ns")[0]).toBe(1704164645000);
    for (const column of ["blob", "list"])
      await expect(read(file, { [column]: "text" })).rejects.toMatchObject({ code: "SOURCE_UNREADABLE" });
  });

  it("is read from folders of partitions", async () => {
    const folder = path.join(root, "parts");
    for (const p of [1, 2]) {
      fs.mkdirSync(path.join(folder, `p=${p}`), { recursive: true });
      const table = tableFromArrays({ n: [10 * p, 10 * p + 1] });
      fs.writeFileSync(path.join(folder, `p=${p}`, "a.arrow"), tableToIPC(table, { format: "file" })!);
    }
    const { frame } = await read(folder, { n: "number", p: "number" });
    expect([values(frame, "n"), values(frame, "p")]).toEqual([
      [10, 11, 20, 21],
      [1, 1, 2, 2],
    ]);
  });

  it("of real flights is read whole", async () => {
    const file = path.resolve("node_modules/vega-datasets/data/flights-200k.arrow");
    const { frame, report } = await read(file, { delay: "number", distance: "number", time: "number" });
    expect([frame.nRows, report.issueCounts]).toEqual([200_000, []]);
  });

  it("that is cut off anywhere is refused", async () => {
    for (const name of ["uncompressed.feather", "stream.arrows"]) {
      const whole = fs.readFileSync(path.join(vectors, name));
      for (const share of [0.01, 0.3, 0.7, 0.999]) {
        const file = path.join(root, "cut.arrow");
        fs.writeFileSync(file, whole.subarray(0, Math.floor(share * whole.length)));
        await expect(read(file, { i8: "number" })).rejects.toMatchObject({ code: "SOURCE_UNREADABLE" });
      }
    }
  });
});

/** What comes of a sound file where `code` is all that the process runs. */
async function decodedBy(code: string): Promise<string | null> {
  const child = path.join(root, "broken", "ingest", "arrow", "child.js");
  fs.mkdirSync(path.dirname(child), { recursive: true });
  fs.writeFileSync(child, code);
  const before = process.env["MILLRACE_DIST"];
  const dist = path.relative(path.resolve(import.meta.dirname, "../../.."), path.join(root, "broken"));
  process.env["MILLRACE_DIST"] = dist;
  try {
    const limits = { memoryMb: 448, timeoutMs: 60_000 };
    return await decodeApart(path.join(vectors, "lz4.feather"), path.join(root, "none.cells"), limits);
  } finally {
    if (before === undefined) delete process.env["MILLRACE_DIST"];
    else process.env["MILLRACE_DIST"] = before;
  }
}

describe("the process that decodes", () => {
  it("is told from a file that takes too much memory where it fails by itself", async () => {
    const failed = { code: "INTERNAL", message: expect.stringContaining("failed") as string };
    await expect(decodedBy('import "./nowhere.js";')).rejects.toMatchObject(failed);
  });

  it("is told from one, too, where it is interrupted while it starts", async () => {
    for (const signal of ["SIGINT", "SIGTERM"])
      await expect(decodedBy(`process.kill(process.pid, "${signal}");`)).rejects.toMatchObject({ code: "CANCELLED" });
  });
});

const nMutants = Number(process.env["MILLRACE_ARROW_MUTANTS"] ?? 24);
const ofMutants = { timeout: 300_000 + 2_000 * nMutants };

describe("damaged Arrow files", () => {
  it("are read or refused, without a crash, a hang or a file larger than a bound", ofMutants, async () => {
    const rng = createRng(20_261_121);
    const limits = { memoryMb: 448, timeoutMs: 8_000 };
    const outcomes = { read: 0, refused: 0 };
    for (let i = 0; i < nMutants; ++i) {
      const bytes = fs.readFileSync(path.join(vectors, files[i % files.length]!));
      const nChanges = 1 + rng.integer(4);
      // Most bytes are values; the messages around them are where a reader goes astray.
      for (let k = 0; k < nChanges; ++k) {
        const at = rng.integer(2) === 0 ? rng.integer(bytes.length) : rng.integer(Math.min(4_000, bytes.length));
        bytes[at] = [0, 255, 127, 128, rng.integer(256)][rng.integer(5)]!;
      }
      const file = path.join(root, "mutant.arrow");
      const output = path.join(root, "mutant.cells");
      fs.writeFileSync(file, bytes);
      const fault = await decodeApart(file, output, limits);
      ++outcomes[fault === null ? "read" : "refused"];
      // One that asks for more memory than there is ends at the limit; none may take its time.
      expect(fault ?? "").not.toContain("longer than");
      expect(fs.statSync(output, { throwIfNoEntry: false })?.size ?? 0).toBeLessThan(10_000_000);
    }
    expect(outcomes.read + outcomes.refused).toBe(nMutants);
    expect(outcomes.refused).toBeGreaterThan(nMutants / 10);
  });

  it("are given up once they took the processor's time, however long the clock says", async () => {
    const file = path.resolve("node_modules/vega-datasets/data/flights-200k.arrow");
    const output = path.join(root, "late.cells");
    expect(await decodeApart(file, output, { memoryMb: 900, timeoutMs: 150 })).toContain("longer than");
    expect(await decodeApart(file, output, { memoryMb: 900, timeoutMs: 60_000 })).toBeNull();
  });

  it("of LZ4 end in an error, never beyond their size", () => {
    const rng = createRng(7);
    // A frame of one block: 5 literals, a match of 20 that overlaps itself, 3 literals.
    const block = [0x5f, 97, 98, 99, 100, 101, 5, 0, 1, 0x30, 120, 121, 122];
    const frame = Uint8Array.from([4, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82, block.length, 0, 0, 0, ...block, 0, 0, 0, 0]);
    expect(Buffer.from(unpackLz4(frame, 28)).toString()).toBe("abcdeabcdeabcdeabcdeabcdexyz");
    for (let i = 0; i < 2_000; ++i) {
      const damaged = frame.slice(0, 1 + rng.integer(frame.length));
      damaged[rng.integer(damaged.length)] = rng.integer(256);
      try {
        expect(unpackLz4(damaged, 28).length).toBe(28);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }
  });
});
