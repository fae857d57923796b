import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeEach, expect } from "vitest";
import { refusalOf } from "../core/errors/error.fixtures.ts";
import type { MillraceError } from "../core/errors/error.ts";
import { silent } from "../core/progress.ts";
import type { Kind } from "../frame/column.ts";
import type { Contract } from "../frame/contract.ts";
import type { Frame } from "../frame/frame.ts";
import { quoteLiteral } from "../query/quote.ts";
import { withQuery } from "../query/session.ts";
import { readDataset } from "./dataset.ts";
import { createFetcher } from "./fetch.ts";
import { fingerprintSource } from "./fingerprint.ts";
import { type Hold, type IngestReport, ingestSource } from "./ingest.ts";
import { csv, type CsvOptions, type Source } from "./source.ts";

/** The project of a file's tests; removed behind them. */
export const root: string = mkdtempSync(join(tmpdir(), "millrace-ingest-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let counter = 0;
/** The running test's own folder, relative to the project, which `put` makes. */
export let folder = "";
/** Where the running test ingests to. */
export let output = "";
beforeEach(() => {
  folder = `case${++counter}`;
  output = join(root, `out${counter}.parquet`);
});

function place(name: string): string {
  const path = join(root, folder, name);
  mkdirSync(dirname(path), { recursive: true });
  return path;
}

/** Writes a file below the test's folder; its path relative to the project. */
export function put(name: string, content: string | Buffer): string {
  writeFileSync(place(name), content);
  return `${folder}/${name}`;
}

/** The same for what a query gives. */
export async function putParquet(name: string, select: string): Promise<string> {
  const path = place(name);
  await withQuery({ files: [path] }, (session) =>
    session.run(`COPY (${select}) TO ${quoteLiteral(path)} (FORMAT parquet)`),
  );
  return `${folder}/${name}`;
}

export type Columns = readonly (readonly [name: string, kind: Kind])[];

/** A contract that lets every value be missing. */
export function contractOfKinds(columns: Columns): Contract {
  return { columns: columns.map(([name, kind]) => ({ name, kind, missing: 1, onViolation: "fail" })) };
}

/** What a source is read as, which the dataset is that was held meanwhile, where one was. */
export async function read(
  source: Source,
  columns: Columns,
  heldBytes: number = Infinity,
): Promise<{ report: IngestReport; frame: Frame; held: Frame | null }> {
  const contract = contractOfKinds(columns);
  const hold: Hold = { heldBytes, frame: null };
  const report = await ingestSource({ source, contract, root, output, progress: silent, hold });
  const frame = await readDataset(output, contract);
  if (hold.frame) expect(hold.frame).toEqual(frame);
  return { report, frame, held: hold.frame };
}

export function readCsv(content: string | Buffer, columns: Columns, options: CsvOptions = {}): ReturnType<typeof read> {
  return read(csv(put("a.csv", content), options), columns);
}

export async function fingerprint(source: Source): Promise<string> {
  const fetcher = createFetcher();
  try {
    return await fingerprintSource(source, { root, fetcher });
  } finally {
    await fetcher.close();
  }
}

/** The coded error `work` ends with, which leaves no file behind. */
export async function failure(work: Promise<unknown>): Promise<MillraceError> {
  const error = await refusalOf(work);
  expect(existsSync(output)).toBe(false);
  expectNoScratch();
  return error;
}

/** What ingesting writes beside its output on the way is gone. */
export function expectNoScratch(): void {
  expect(readdirSync(root).filter((name) => name.startsWith("ingest-"))).toEqual([]);
}
