import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import type { Kind } from "../../frame/column.ts";
import { withQuery } from "../../query/session.ts";
import type { BlockColumn } from "../delimited/block.ts";
import { concatenateSnapshots } from "./concatenate.ts";
import { countBits, decodeCodes, encodeCodes, widthFor } from "./page-values.ts";
import { readColumns } from "./read-columns.ts";
import { openSnapshot } from "./snapshot-file.ts";
import { SnapshotWriter } from "./snapshot-writer.ts";

const root = mkdtempSync(join(tmpdir(), "millrace-snapshot-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

type Cell = number | string | null;

interface Table {
  readonly kinds: readonly Kind[];
  /** By row. */
  readonly rows: readonly (readonly Cell[])[];
}

/** Some rows of a column as the parser gives them. */
function blockOf(kind: Kind, cells: readonly Cell[]): BlockColumn {
  if (kind === "number" || kind === "timestamp")
    return { kind, values: Float64Array.from(cells, (cell) => (cell === null ? NaN : Number(cell))) };
  if (kind === "boolean")
    return { kind, values: Uint8Array.from(cells, (cell) => (cell === null ? 255 : Number(cell))) };
  if (kind === "category") {
    const levels = [...new Set(cells.filter((cell) => cell !== null).map(String))].reverse();
    return {
      kind,
      codes: Int32Array.from(cells, (cell) => (cell === null ? -1 : levels.indexOf(String(cell)))),
      levels,
    };
  }
  const parts = cells.map((cell) => Buffer.from(cell === null ? "" : String(cell)));
  let end = 0;
  const ends = Int32Array.from(parts, (part) => (end += part.length));
  return { kind: "text", ends, bytes: new Uint8Array(Buffer.concat(parts)) };
}

/** Writes the rows in blocks of so many. */
async function write(name: string, { kinds, rows }: Table, blockRows: number): Promise<string> {
  const path = join(root, name);
  const writer = await SnapshotWriter.open(
    path,
    kinds.map((kind, i) => ({ name: `${kind} ${i}`, kind })),
  );
  for (let start = 0; start < rows.length; start += blockRows) {
    const part = rows.slice(start, start + blockRows);
    const columns = kinds.map((kind, i) =>
      blockOf(
        kind,
        part.map((row) => row[i]!),
      ),
    );
    await writer.add(columns, part.length);
  }
  await writer.finish();
  return path;
}

async function read(path: string, kinds: readonly Kind[]): Promise<Cell[][]> {
  const file = (await openSnapshot(path))!;
  const columns = await readColumns(
    file,
    kinds.map((kind, position) => ({ kind, position })),
  );
  await file.close();
  return Array.from({ length: file.nRows }, (_, row) =>
    columns.map((column) => {
      if (column.kind === "category") return column.levels[column.codes[row]!] ?? null;
      const value = column.values[row]!;
      return value === null || (column.kind === "boolean" && value === 255) || Number.isNaN(value) ? null : value;
    }),
  );
}

const text = fc.string({ unit: fc.constantFrom("a", "é", "😀", "\uFEFF", "\n", '"'), minLength: 1, maxLength: 5 });
const cells: Readonly<Record<Kind, fc.Arbitrary<Cell>>> = {
  number: fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer({ min: 0, max: 3 })),
  timestamp: fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }),
  boolean: fc.constantFrom(0, 1),
  category: text,
  text,
};
const kind = fc.constantFrom<Kind>("number", "timestamp", "boolean", "category", "text");
const table: fc.Arbitrary<Table> = fc.array(kind, { minLength: 1, maxLength: 5 }).chain((kinds) => {
  const row = fc.tuple(...kinds.map((one) => fc.option(cells[one], { freq: 4 })));
  return fc.array(row, { minLength: 1, maxLength: 60 }).map((rows) => ({ kinds, rows }));
});

describe("a snapshot", () => {
  it("gives back the rows that were written, whatever the blocks they came in", async () => {
    await fc.assert(
      fc.asyncProperty(table, fc.integer({ min: 1, max: 20 }), async (given, blockRows) => {
        const path = await write("a.parquet", given, blockRows);
        expect(await read(path, given.kinds)).toEqual(given.rows);
        const whole = await write("b.parquet", given, given.rows.length);
        expect(readFileSync(path).equals(readFileSync(whole))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it("is Parquet, which DuckDB reads as the same values", async () => {
    await fc.assert(
      fc.asyncProperty(table, async (given) => {
        const path = await write("c.parquet", given, 7);
        const select = given.kinds.map((one, i) => {
          const name = `"${one} ${i}"`;
          return one === "timestamp" ? `epoch_ms(${name})::DOUBLE` : one === "boolean" ? `${name}::TINYINT` : name;
        });
        const marked = select.map((sql, i) => (/text|cat/.test(given.kinds[i]!) ? `'|' || ${sql}` : sql));
        const rows = await withQuery({ files: [path] }, (session) =>
          session.rows(`SELECT ${marked.join(", ")} FROM read_parquet('${path}')`),
        );
        const expected = given.rows.map((row) => row.map((cell) => (typeof cell === "string" ? `|${cell}` : cell)));
        expect(rows).toEqual(expected);
      }),
      { numRuns: 25 },
    );
  });

  it("has its times as DuckDB's TIMESTAMP", async () => {
    const path = await write("t.parquet", { kinds: ["timestamp"], rows: [[0], [null]] }, 1);
    const types = await withQuery({ files: [path] }, (session) =>
      session.rows(`DESCRIBE SELECT * FROM read_parquet('${path}')`),
    );
    expect(types[0]![1]).toBe("TIMESTAMP");
  });

  it("of many rows in groups is the same from many blocks, from few, and from parts", async () => {
    const kinds: readonly Kind[] = ["number", "category", "text"];
    const rows = Array.from({ length: 250_000 }, (_, i) => [i % 7 === 0 ? null : i / 4, `k${i % 1000}`, `t${i % 11}`]);
    const a = await write("many-a.parquet", { kinds, rows }, 4099);
    const b = await write("many-b.parquet", { kinds, rows }, 250_000);
    expect(readFileSync(a).equals(readFileSync(b))).toBe(true);
    const first = await write("part-1.parquet", { kinds, rows: rows.slice(0, 130_001) }, 50_000);
    const second = await write("part-2.parquet", { kinds, rows: rows.slice(130_001) }, 50_000);
    const joined = join(root, "joined.parquet");
    const columns = kinds.map((one, i) => ({ name: `${one} ${i}`, kind: one }));
    expect(await concatenateSnapshots([first, second], joined, columns)).toBe(true);
    expect(readFileSync(joined).equals(readFileSync(a))).toBe(true);
    expect((await read(a, kinds)).at(-1)).toEqual(rows.at(-1));
  });

  it("refuses to be read as other kinds than it was written in", async () => {
    const kinds: readonly Kind[] = ["number", "timestamp", "boolean", "category", "text"];
    const rows = Array.from({ length: 9 }, (_, i): Cell[] => [i, i, i % 2, `k${i}`, `t${i}`]);
    const path = await write("kinds.parquet", { kinds, rows }, 9);
    const file = (await openSnapshot(path))!;
    for (const [position, own] of kinds.entries())
      for (const other of kinds)
        if (other !== own)
          await expect(readColumns(file, [{ position, kind: other }]), `${own} as ${other}`).rejects.toThrow(
            RangeError,
          );
    await file.close();
  });

  it("that was damaged is a fault or other values, never a crash; another file is none", async () => {
    const bytes = readFileSync(
      await write(
        "d.parquet",
        {
          kinds: ["number", "category", "text"],
          rows: [
            [1, "a", "b"],
            [null, "c", "d"],
          ],
        },
        2,
      ),
    );
    const path = join(root, "damaged.parquet");
    for (let at = 4; at < bytes.length; ++at) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 0x11;
      writeFileSync(path, damaged);
      await openSnapshot(path).then(
        async (file) => {
          if (file === null) return;
          await readColumns(file, [
            { position: 0, kind: "number" },
            { position: 1, kind: "category" },
            { position: 2, kind: "text" },
          ]).catch((error: unknown) => expect(error, `byte ${at}`).toBeInstanceOf(RangeError));
          await file.close();
        },
        (error: unknown) => expect(error, `byte ${at}`).toBeInstanceOf(RangeError),
      );
    }
  });
});

describe("codes", () => {
  it("come back at any width", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 24 }),
        fc.array(fc.nat(), { minLength: 1, maxLength: 40 }),
        (size, numbers) => {
          const codes = Int32Array.from(numbers, (value) => value % size);
          const out = new Int32Array(codes.length);
          decodeCodes(encodeCodes(codes, codes.length, widthFor(size)), 1, widthFor(size), codes.length, out);
          expect(out).toEqual(codes);
        },
      ),
    );
  });
});

describe("bits", () => {
  it("are counted up to where they end", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.nat(7), (bytes, nLess) => {
        const n = 8 * bytes.length - nLess;
        const bits = Array.from({ length: n }, (_, i) => (bytes[i >> 3]! >> (i % 8)) & 1);
        expect(countBits(bytes, n)).toBe(bits.filter((bit) => bit === 1).length);
      }),
    );
  });
});
