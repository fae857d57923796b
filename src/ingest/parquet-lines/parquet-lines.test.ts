import { execFile } from "node:child_process";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { withQuery } from "../../query/session.ts";
import { compiledModule } from "../../threads/location.ts";
import { ParquetFault } from "../parquet-shape.ts";
import { openParquetLines } from "./parquet-lines.ts";

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(path.join(tmpdir(), "millrace-lines-")));
  file = path.join(folder, "a.parquet");
  await withQuery({ files: [file] }, (session) =>
    session.run(`COPY (SELECT i AS a, 'b' || i AS b FROM range(50000) r(i)) TO '${file}' (FORMAT parquet)`),
  );
});
afterAll(() => rm(folder, { recursive: true }));

const wanted = [
  { name: "b", kind: "category" },
  { name: "a", kind: "number" },
] as const;

it("gives the head of a file, and its rows as lines of what is wanted", async () => {
  const { names, nRows, lines } = await openParquetLines(file, wanted, { memoryMb: 640, timeoutMs: 60_000 });
  expect([names, nRows]).toEqual([["a", "b"], 50_000]);
  let text = "";
  for await (const part of lines) text += String(part);
  const rows = text.split("\n");
  expect([rows.length, rows[0], rows[49_999], rows[50_000]]).toEqual([
    50_001,
    '{"b":"b0","a":0}',
    '{"b":"b49999","a":49999}',
    "",
  ]);
});

it.each([
  [{ memoryMb: 20, timeoutMs: 60_000 }, /takes more than 20 MB of memory/],
  [{ memoryMb: 640, timeoutMs: 1 }, /takes more than 1 s of work/],
])("says what reading costs too much: %j", async (limits, reason) => {
  const reading = openParquetLines(file, wanted, limits).then(async ({ lines }) => {
    for await (const _ of lines);
  });
  await expect(reading).rejects.toThrow(reason);
  await expect(reading).rejects.toBeInstanceOf(ParquetFault);
});

it("is told from a damaged file where the process fails by itself", async () => {
  // A limit that Node does not start with.
  const reading = openParquetLines(file, wanted, { memoryMb: NaN, timeoutMs: 60_000 });
  await expect(reading).rejects.toMatchObject({
    code: "INTERNAL",
    message: expect.stringContaining("failed") as string,
  });
});

it("says so where there are too many open files for a process", async () => {
  const script = `
    import { openSync } from "node:fs";
    import { openParquetLines } from ${JSON.stringify(compiledModule("parquet-lines", import.meta.url))};
    try { for (;;) openSync("/dev/null"); } catch {}
    await openParquetLines(${JSON.stringify(file)}, [], { memoryMb: 640, timeoutMs: 60_000 }).catch(({ code }) => console.log(code));`;
  const run = 'ulimit -n 100 && exec "$0" --input-type=module -e "$1"';
  const { stdout } = await promisify(execFile)("sh", ["-c", run, process.execPath, script]);
  expect(stdout).toBe("EMFILE\n");
});

it("opens nothing for somebody who is gone, before or meanwhile", async () => {
  const gone = new AbortController();
  const opening = openParquetLines(file, wanted, { memoryMb: 640, timeoutMs: 60_000 }, gone.signal);
  gone.abort(new Error("nobody waits"));
  await expect(opening).rejects.toThrow("nobody waits");
  const later = openParquetLines(file, wanted, { memoryMb: 640, timeoutMs: 60_000 }, gone.signal);
  await expect(later).rejects.toThrow("nobody waits");
});
