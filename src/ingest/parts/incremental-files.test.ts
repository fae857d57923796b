import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { silent } from "../../core/progress.ts";
import type { Contract } from "../../frame/contract.ts";
import { category, contractOf, number } from "../../frame/schema.ts";
import { quoteLiteral } from "../../query/quote.ts";
import { withQuery } from "../../query/session.ts";
import { createFetcher } from "../fetch.ts";
import { type Hold, ingestSource, type IngestReport } from "../ingest.ts";
import { csv, json, jsonl, parquet, type Source, type SourceOptions } from "../source.ts";
import { ingestIncrementally } from "./incremental-files.ts";

const root = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-incremental-"));
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));

const contract: Contract = {
  columns: [
    { name: "n", kind: "number", missing: 1, onViolation: "warn" },
    { name: "x", kind: "category", missing: 1, onViolation: "warn" },
    { name: "day", kind: "timestamp", missing: 1, onViolation: "warn" },
  ],
};
const texts = [{ column: "x", trim: true, case: "lower", missing: [], units: null, dates: null }] as const;

let counter = 0;
let folder = "";
beforeEach(() => {
  folder = `data${++counter}`;
});

function put(day: number, content: string): void {
  const file = path.join(root, folder, `day=2024-01-0${day}`, "part.csv");
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, content);
}

interface Read {
  readonly report: IngestReport;
  readonly bytes: Buffer;
}

async function read(incremental: boolean, options: { readonly contract?: Contract } = {}): Promise<Read> {
  const output = path.join(root, `out${++counter}.parquet`);
  const fetcher = createFetcher(path.join(root, `${folder}-kept`));
  const source = csv(folder, { incremental });
  try {
    const report = await ingestSource({ source, contract, texts, root, output, progress: silent, fetcher, ...options });
    return { report, bytes: fs.readFileSync(output) };
  } finally {
    await fetcher.close();
  }
}

/** Reads both ways, which must give the same. */
async function readBoth(): Promise<IngestReport["partitions"]> {
  const { report, bytes } = await read(true);
  const whole = await read(false);
  expect(bytes.equals(whole.bytes)).toBe(true);
  const { partitions, ...found } = report;
  // A file without rows has no row whose line could be asked for.
  const origins = whole.report.origins.map((origin) => (origin.nRows === 0 ? { ...origin, lines: [] } : origin));
  expect(found).toEqual({ ...whole.report, origins });
  return partitions;
}

describe("an incremental folder", () => {
  it("reads new files alone and gives what reading all of them gives", async () => {
    put(1, "n,x\n1, A\noops,b\n\n3,\n");
    put(2, "n,x\n4,a\n");
    expect(await readBoth()).toEqual({ reused: 0, converted: 2, changed: 0, gone: 0 });
    expect(await readBoth()).toEqual({ reused: 2, converted: 0, changed: 0, gone: 0 });
    put(3, 'x,n\n"C\nd",9\nE,what\n');
    expect(await readBoth()).toEqual({ reused: 2, converted: 1, changed: 0, gone: 0 });
  });

  it("notices files that changed and files that are gone", async () => {
    for (const day of [1, 2, 3]) put(day, `n,x\n${day},a\n`);
    await readBoth();
    put(2, "n,x\n22,a\n23,b\n");
    fs.rmSync(path.join(root, folder, "day=2024-01-03"), { recursive: true });
    expect(await readBoth()).toEqual({ reused: 1, converted: 1, changed: 1, gone: 1 });
  });

  it("takes a file without rows as such, and refuses where all are", async () => {
    put(1, "n,x\n");
    await expect(read(true)).rejects.toMatchObject({ code: "SOURCE_EMPTY" });
    put(2, "n,x\n1,a\n");
    expect(await readBoth()).toEqual({ reused: 1, converted: 1, changed: 0, gone: 0 });
  });

  it("converts again for another contract, and refuses files of other columns", async () => {
    put(1, "n,x\n1,a\n");
    await read(true);
    const other: Contract = { columns: [{ ...contract.columns[0]!, kind: "text" } as Contract["columns"][number]] };
    expect((await read(true, { contract: other })).report.partitions).toMatchObject({ reused: 0, converted: 1 });
    put(2, "n,x,y\n1,a,b\n");
    await expect(read(true)).rejects.toMatchObject({ code: "SOURCE_MISMATCH" });
  });

  it("are converted beside the output, where what a crash leaves is swept away", async () => {
    const kept = path.join(root, `${folder}-kept`);
    const output = path.join(fs.mkdtempSync(path.join(root, "swept-")), "out.parquet");
    const file = { path: path.join(root, "one.csv"), name: "one.csv", sizeBytes: 4, modifiedMs: 0, partition: [] };
    fs.writeFileSync(file.path, "n\n1\n");
    const converting = ingestIncrementally({
      located: { source: csv("one.csv", { incremental: true }), format: "csv", files: [file], parts: [] },
      folder: kept,
      output,
      contract: { columns: [] },
      how: "",
      async convert(_, to) {
        fs.writeFileSync(to, "raw");
        throw new TypeError("a crash");
      },
    });
    await expect(converting).rejects.toThrow("a crash");
    expect(fs.readdirSync(kept)).toEqual([]);
    expect(fs.readdirSync(path.dirname(output))).toEqual(["out.parquet.partial"]);
  });

  it("does not believe a converted file that was damaged", async () => {
    put(1, "n,x\n1,a\n");
    await read(true);
    const kept = path.join(root, `${folder}-kept`, "partitions");
    const file = fs.readdirSync(kept).find((name) => name.endsWith(".parquet"))!;
    fs.appendFileSync(path.join(kept, file), "x");
    expect(await readBoth()).toMatchObject({ reused: 0, converted: 1 });
  });
});

describe("an incremental folder of another format", () => {
  const plain = contractOf({ n: number({ missing: 1 }), x: category({ missing: 1 }) });

  /** Reads both ways, which must give the same. */
  async function readAlike(of: (path: string, options: SourceOptions) => Source): Promise<IngestReport["partitions"]> {
    const fetcher = createFetcher(path.join(root, `${folder}-kept`));
    const reads = [];
    for (const incremental of [true, false]) {
      const output = path.join(root, `out${++counter}.parquet`);
      const source = of(folder, { incremental });
      const report = await ingestSource({ source, contract: plain, root, output, progress: silent, fetcher });
      reads.push({ report, bytes: fs.readFileSync(output) });
    }
    await fetcher.close();
    const [kept, whole] = reads;
    expect(kept!.bytes.equals(whole!.bytes)).toBe(true);
    const { partitions, ...found } = kept!.report;
    expect(found).toEqual(whole!.report);
    return partitions;
  }

  function write(name: string, content: string | Buffer): void {
    fs.mkdirSync(path.join(root, folder), { recursive: true });
    fs.writeFileSync(path.join(root, folder, name), content);
  }

  it("reads new files of JSON alone, where a key may be absent of one and not of all", async () => {
    write("1.jsonl", '{"n":1,"x":"a"}\n{"n":"oops"}\n');
    write("2.jsonl", '\n{"n":9007199254740993}\n');
    expect(await readAlike(jsonl)).toEqual({ reused: 0, converted: 2, changed: 0, gone: 0 });
    write("3.jsonl.gz", gzipSync('{"x":"b"}\n'));
    expect(await readAlike(jsonl)).toEqual({ reused: 2, converted: 1, changed: 0, gone: 0 });
    write("1.jsonl", '{"n":1,"y":"a"}\n');
    write("3.jsonl.gz", gzipSync('{"n":3}\n'));
    await expect(readAlike(jsonl)).rejects.toMatchObject({ code: "COLUMN_MISSING", context: { found: ["n", "y"] } });
    write("1.json", '[{"x":"a"}]');
    write("2.json", '[{"n":7}, {"n":8}]');
    expect(await readAlike(json)).toEqual({ reused: 0, converted: 2, changed: 0, gone: 0 });
  });

  it("reads new files of Parquet alone, and refuses one of other types", async () => {
    const file = async (name: string, select: string): Promise<void> => {
      write(name, "");
      const at = fs.realpathSync(path.join(root, folder, name));
      await withQuery({ files: [at] }, ({ run }) =>
        run(`COPY (${select}) TO ${quoteLiteral(at)} (FORMAT parquet, USE_TMP_FILE false)`),
      );
    };
    await file("1.parquet", "SELECT i::DOUBLE AS n, 'x' || i % 7 AS x FROM range(150000) t(i)");
    await file("2.parquet", "SELECT 'b' AS x, 2::DOUBLE AS n");
    expect(await readAlike(parquet)).toEqual({ reused: 0, converted: 2, changed: 0, gone: 0 });
    await file("3.parquet", "SELECT 3::DOUBLE AS n, NULL::VARCHAR AS x");
    expect(await readAlike(parquet)).toEqual({ reused: 2, converted: 1, changed: 0, gone: 0 });
    await file("4.parquet", "SELECT 'four' AS n, 'x' AS x");
    await expect(readAlike(parquet)).rejects.toMatchObject({ code: "SOURCE_MISMATCH" });
  });
});

it("no part of a source is held for the whole of it", async () => {
  for (const name of ["1.csv", "2.csv"]) {
    fs.mkdirSync(path.join(root, folder), { recursive: true });
    fs.writeFileSync(path.join(root, folder, name), "n\n1\n");
  }
  const fetcher = createFetcher(path.join(root, `${folder}-kept`));
  const given: (number | undefined)[] = [];
  for (const incremental of [true, false]) {
    const source = csv(`${folder}/*.csv`, { incremental });
    const hold: Hold = { heldBytes: Infinity, frame: null };
    const output = path.join(root, `out${++counter}.parquet`);
    const plain = { columns: contract.columns.slice(0, 1) };
    await ingestSource({ source, contract: plain, root, output, progress: silent, fetcher, hold });
    given.push(hold.frame?.nRows);
  }
  await fetcher.close();
  expect(given).toEqual([undefined, 2]);
});
