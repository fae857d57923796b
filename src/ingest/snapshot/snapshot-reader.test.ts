import { truncateSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { Contract } from "../../frame/contract.ts";
import type { ColumnData } from "../../frame/column.ts";
import { columnOf, createFrame, type Frame, kindOf, takeColumn, takeRows } from "../../frame/frame.ts";
import { writeFrame } from "../frame-writer.ts";
import { readDataset } from "../dataset.ts";
import { contractOfKinds, root } from "../ingest.fixtures.ts";
import { writeSnapshot } from "./write-frames.ts";

const nRows = 300_000;
const kinds = [
  ["n", "number"],
  ["t", "timestamp"],
  ["b", "boolean"],
  ["c", "category"],
  ["x", "text"],
] as const;
const contract: Contract = contractOfKinds(kinds);

/** Three row groups; the levels of the first are not those of the last, and each kind has missing values. */
function someFrame(): Frame {
  const rows = Array.from({ length: nRows }, (_, row) => row);
  const numbers = [NaN, -0, 1 / 3, Infinity, 5e-324];
  const levels = ["z", "é", "a", "late"];
  return createFrame(nRows, [
    ["n", { kind: "number", values: Float64Array.from(rows, (row) => (row % 7 < 5 ? numbers[row % 7]! : row / 3)) }],
    ["t", { kind: "timestamp", values: Float64Array.from(rows, (row) => (row % 11 === 0 ? NaN : row * 1e7)) }],
    ["b", { kind: "boolean", values: Uint8Array.from(rows, (row) => [0, 1, 255][row % 3]!) }],
    ["c", { kind: "category", levels, codes: Int32Array.from(rows, (row) => (row > 250_000 ? 3 : (row % 4) - 1)) }],
    ["x", { kind: "text", values: rows.map((row) => (row % 5 === 0 ? null : `text ${row}`)) }],
  ]);
}

const memory = (heldBytes: number): { heldBytes: number; temporaryPath: () => string } => ({
  heldBytes,
  temporaryPath: () => join(root, "copy.parquet"),
});

const own = join(root, "own.parquet");
const others = join(root, "others.parquet");

/** Whether they are equal bit by bit. */
function same(a: ColumnData, b: ColumnData): boolean {
  if (a.kind === "text" || b.kind === "text") return JSON.stringify(a) === JSON.stringify(b);
  const [left, right] = [a, b].map((column) => {
    const { buffer, byteOffset, byteLength } = column.kind === "category" ? column.codes : (column as Numbers).values;
    return Buffer.from(buffer, byteOffset, byteLength);
  });
  const levels = [a, b].map((column) => (column.kind === "category" ? column.levels.join() : ""));
  return a.kind === b.kind && levels[0] === levels[1] && left!.equals(right!);
}

type Numbers = Extract<ColumnData, { readonly values: Float64Array | Uint8Array }>;

describe("a dataset larger than the memory it may take", () => {
  let held: Frame;
  beforeAll(async () => {
    const frame = someFrame();
    await writeSnapshot(own, contract.columns, (write) => write(frame));
    await writeFrame(frame, contract, others);
    held = await readDataset(own, contract);
  });

  it.each([
    ["our own writer's", own, 0],
    ["our own writer's, with room for one column", own, nRows * 8],
    ["another writer's", others, 0],
  ])("gives the columns it would hold, from %s file", async (_, path, heldBytes) => {
    const read = await readDataset(path, contract, memory(heldBytes));
    expect(read.reader).toBeDefined();
    expect(kinds.map(([name]) => kindOf(read, name))).toEqual(kinds.map(([, kind]) => kind));
    for (const [name] of kinds) expect(same(columnOf(read, name), columnOf(held, name))).toBe(true);
  });

  it("gives any rows of a column as they would be taken from one in memory", async () => {
    const read = await readDataset(own, contract, memory(0));
    const rows = fc.array(fc.nat(nRows - 1), { maxLength: 50 }).map((list) => Uint32Array.from(list));
    fc.assert(
      fc.property(fc.constantFrom(...kinds), rows, fc.boolean(), ([name], drawn, inOrder) => {
        const wanted = inOrder ? drawn.slice().sort() : drawn;
        expect(same(takeColumn(read, name, wanted), takeColumn(held, name, wanted))).toBe(true);
      }),
      { numRuns: 60 },
    );
    const last = Uint32Array.of(0, nRows - 1);
    const taken = takeRows(held, last).columns;
    for (const [i, column] of takeRows(read, last).columns.entries()) expect(same(column, taken[i]!)).toBe(true);
  });

  it("is held whole where it takes no more than it may", async () => {
    const bytes = nRows * (8 + 8 + 1 + 4 + 64);
    expect((await readDataset(own, contract, memory(bytes))).reader).toBeUndefined();
    expect((await readDataset(own, contract, memory(bytes - 1))).reader).toBeDefined();
  });

  it("refuses columns of another kind when it is opened, and says so where the file is cut off later", async () => {
    const wrong = contractOfKinds([["n", "boolean"]]);
    await expect(readDataset(own, wrong, memory(0))).rejects.toMatchObject({ code: "SOURCE_UNREADABLE" });
    const path = join(root, "cut.parquet");
    await writeSnapshot(path, contract.columns, (write) => write(held));
    const read = await readDataset(path, contract, memory(0));
    truncateSync(path, 1000);
    expect(() => columnOf(read, "x")).toThrow(expect.objectContaining({ code: "SOURCE_UNREADABLE" }));
  });
});
