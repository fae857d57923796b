import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { ColumnData, Kind } from "../../frame/column.ts";
import { root } from "../ingest.fixtures.ts";
import { readColumns } from "../snapshot/read-columns.ts";
import { openSnapshot } from "../snapshot/snapshot-file.ts";
import { SnapshotWriter } from "../snapshot/snapshot-writer.ts";
import { BlockParser } from "./block-parser.ts";
import { HeldColumns } from "./held-columns.ts";
import { compileKernels } from "./kernel-module.ts";

const kinds: readonly Kind[] = ["number", "timestamp", "boolean", "category", "text"];
const columns = kinds.map((kind, cell) => ({ kind, cell, missing: [] }));
const plan = { delimiter: ",", quotes: true, nCells: kinds.length, columns };
const parser = new BlockParser(plan, compileKernels(plan));

const numbers = ["", "-0", "0", "1.5", "-7", "5e-324", "0.1234567890123456", "1e308", "no number", "123456789012345"];
const times = ["", "1970-01-01", "1969-12-31T23:59:59.9996Z", "2024-02-29 01:02:03", "2024-13-01", "-271821-04-20"];
const cells: readonly (readonly string[])[] = [
  numbers,
  times,
  ["", "true", "no", "maybe"],
  ["", "z", "a", "\u{1f600}", "\uffee", "b c", '"q,""r"'],
  ["", "x", "\u00e9", '"two\nlines"'],
];

/** Whether they are equal bit by bit. */
function expectSame(held: ColumnData, read: ColumnData): void {
  expect(held).toEqual(read);
  if (held.kind === "text" || read.kind === "text") return;
  const [a, b] = [held, read].map((one) => (one.kind === "category" ? one.codes : (one as Numbers).values));
  const bytesOf = ({ buffer, byteOffset, byteLength }: NodeJS.TypedArray): Buffer =>
    Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
  expect(bytesOf(a!).equals(bytesOf(b!))).toBe(true);
}

type Numbers = Extract<ColumnData, { readonly values: Float64Array | Uint8Array }>;

it("columns that are held are those of the snapshot, bit for bit, however many rows were expected", async () => {
  const row = fc.tuple(...cells.map((some) => fc.constantFrom(...some))).map((record) => `${record.join(",")}\n`);
  const blocks = fc.array(fc.array(row, { minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 6 });
  const path = join(root, "held.parquet");
  await fc.assert(
    fc.asyncProperty(blocks, fc.nat(100), async (texts, nExpected) => {
      const nRows = texts.flat().length;
      const [held, tooMany] = [new HeldColumns(kinds, nRows), new HeldColumns(kinds, nRows - 1)];
      const writer = await SnapshotWriter.open(
        path,
        kinds.map((kind, i) => ({ name: `c${i}`, kind })),
      );
      for (const text of texts) {
        const block = parser.parse(Buffer.from(text.join("")))!;
        for (const one of [held, tooMany]) one.add(block.columns, block.nRows, nExpected);
        await writer.add(block.columns, block.nRows);
      }
      await writer.finish();
      const file = (await openSnapshot(path))!;
      const read = await readColumns(
        file,
        kinds.map((kind, position) => ({ kind, position })),
      );
      await file.close();
      const found = held.finish()!;
      for (const [i, column] of read.entries()) expectSame(found[i]!, column);
      expect(tooMany.finish()).toBeNull();
    }),
    { numRuns: 200 },
  );
});
