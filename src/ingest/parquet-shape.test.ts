import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import zlib, { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { silent } from "../core/progress.ts";
import { createRng } from "../core/rng.ts";
import { contractOf, text } from "../frame/schema.ts";
import { withQuery } from "../query/session.ts";
import { ingestSource } from "./ingest.ts";
import {
  columnElement,
  groupElement,
  growingTexts,
  levelsOf,
  oneColumn,
  parquetOf,
  plainText,
  runOf,
} from "./parquet-bombs.fixtures.ts";
import { checkParquetShape, ParquetFault, type ParquetShape } from "./parquet-shape.ts";
import { encodeThrift, putVarint, type ThriftItem } from "./snapshot/thrift.ts";
import { parquet } from "./source.ts";

const root = mkdtempSync(join(tmpdir(), "millrace-shape-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const contract = contractOf({ a: text({ missing: 1 }) });

/** What ingesting the bytes as a file, or a file that is there, says; how many rows it read where it says nothing. */
async function outcomeOf(bytes: Buffer | null, name = "a.parquet", wanted = contract): Promise<string> {
  if (bytes !== null) writeFileSync(join(root, name), bytes);
  const output = join(root, "out.parquet");
  rmSync(output, { force: true });
  const source = parquet(name);
  const found = await ingestSource({ source, contract: wanted, root, output, progress: silent }).then(
    ({ nRows }) => `${nRows} rows`,
    (error: unknown) => `${(error as { code: string }).code}: ${String(error)}`,
  );
  expect(statSync(output, { throwIfNoEntry: false }) !== undefined).toBe(found.endsWith(" rows"));
  return found;
}

const emptyFile = (schema: readonly ThriftItem[]): Buffer =>
  parquetOf([
    [1, { i32: 1 }],
    [2, { list: schema }],
    [3, { i64: 0 }],
    [4, { list: [] }],
  ]);

const nulls = (nRows: number, nValues = nRows): Buffer =>
  oneColumn({ type: "int64", nRows, pages: [{ nValues, bytes: levelsOf(nValues, false) }] });

/** A text of `length` letters, once in the dictionary, beside so many empty ones, and in each of `nRows` rows. */
function repeatedText(length: number, nRows: number, nEmpty = 0): Buffer {
  const empty = Buffer.alloc(4 * nEmpty);
  const codes = Buffer.concat([levelsOf(nRows, true), Buffer.from([1]), runOf(nRows, 0)]);
  return oneColumn({
    type: "bytes",
    nRows,
    pages: [
      { dictionary: true, nValues: 1 + nEmpty, bytes: Buffer.concat([plainText(Buffer.alloc(length, "a")), empty]) },
      { nValues: nRows, encoding: 8, bytes: codes },
    ],
  });
}

/** `n` texts, each the one before and a letter more, in a page that says what they share. */
function sharedTexts(n: number): Buffer {
  const bytes = Buffer.concat([levelsOf(n, true), growingTexts(n)]);
  return oneColumn({ type: "bytes", nRows: n, pages: [{ nValues: n, encoding: 7, bytes }] });
}

/** One text of `length` letters in a page that is packed, and that says it unpacks to `unpacked`. */
function packedText(length: number, unpacked?: number): Buffer {
  const page = Buffer.concat([levelsOf(1, true), plainText(Buffer.alloc(length, "a"))]);
  const pages = [{ nValues: 1, bytes: gzipSync(page), unpacked: unpacked ?? page.length }];
  return oneColumn({ type: "bytes", codec: "gzip", nRows: 1, pages });
}

/** A footer that begins with a list of structs of that length, and ends. */
function longList(length: number): Buffer {
  const bytes = [0x15, 2, 0x19, 0xfc];
  putVarint(bytes, length);
  return parquetOf(Buffer.from(bytes));
}

const sharedPrefixes = JSON.parse(
  readFileSync(new URL("../../test/vectors/shared-prefixes.json", import.meta.url), "utf8"),
) as { readonly nRows: number; readonly nBytes: number; readonly files: Readonly<Record<string, string>> };

const peakMiB = (): number => process.resourceUsage().maxRSS / 1024;
const billions = 2_000_000_000;

describe("a Parquet file made for harm", () => {
  it.each([
    ["billions of missing values in a run of nine bytes", () => nulls(billions), "it says it holds 2000000000 rows in"],
    ["more rows than there are", () => nulls(1e12, 100), "it says it holds 1000000000000 rows in"],
    [
      "a long text for a million rows",
      () => repeatedText(1 << 20, 1_000_000),
      "texts of it that are stored once unpack",
    ],
    [
      "a long text for a million rows, beside many empty ones that none refers to",
      () => repeatedText(1 << 20, 1_000_000, 100_000),
      "texts of it that are stored once unpack",
    ],
    [
      "a page of texts each of which is the one before and a letter more",
      () => sharedTexts(100_000),
      "the values of a page of it grow from",
    ],
    ["a page that unpacks to a thousand times its size", () => packedText(80 << 20), "a page of it unpacks from"],
    [
      "a page that says it unpacks to two gigabytes",
      () => packedText(100, 2 ** 31 - 1),
      "it unpacks to more than 1200",
    ],
    [
      "groups in groups, which overflow the stack of a reader that recurs",
      () => emptyFile([...Array.from({ length: 100_000 }, () => groupElement("g", 1)), columnElement("a", "int64")]),
      "its schema is nested more than 32 deep",
    ],
    [
      "two hundred thousand columns",
      () => {
        const columns = Array.from({ length: 200_000 }, (_, i) => columnElement(`c${i}`, "int64"));
        return emptyFile([groupElement("root", columns.length), ...columns]);
      },
      "it has more than 10000 columns",
    ],
    [
      "more children than there are",
      () => emptyFile([groupElement("root", 2 ** 31 - 1), columnElement("a", "int64")]),
      "its schema holds less than it says",
    ],
    [
      "fewer children than there are",
      () => emptyFile([groupElement("root", 1), columnElement("a", "int64"), columnElement("b", "int64")]),
      "its schema holds more than its root says",
    ],
    ["a list longer than the file", () => longList(2 ** 31 - 1), "metadata ends early"],
    ["no footer", () => parquetOf(encodeThrift([])), "its schema holds less than it says"],
  ])("is refused before it is read: %s", async (_name, make, reason) => {
    const bytes = make();
    const before = peakMiB();
    expect(await outcomeOf(bytes)).toMatch(new RegExp(`^SOURCE_UNREADABLE: .*${reason}`));
    expect(peakMiB() - before).toBeLessThan(128);
  });

  it("is refused where it is the columns together that unpack to too much, and not for those that are left out", async () => {
    const path = join(root, "wide.parquet");
    const columns = Array.from({ length: 10 }, (_, i) => `repeat(chr(${97 + i}), 2000) AS c${i}`).join(", ");
    const copy = (select: string): Promise<void> =>
      withQuery({ files: [path] }, (session) => session.run(`COPY (${select}) TO '${path}' (FORMAT parquet)`));
    await copy(`SELECT 't' AS a, ${columns} FROM range(100000)`);
    expect(statSync(path).size).toBeLessThan(30_000);
    const ingest = (names: readonly string[]): Promise<string> =>
      outcomeOf(
        null,
        "wide.parquet",
        contractOf(Object.fromEntries(names.map((name) => [name, text({ missing: 1 })]))),
      );
    expect(await ingest(["a"])).toBe("100000 rows");
    expect(await ingest(["a", "c3"])).toBe("100000 rows");
    expect(await ingest(Array.from({ length: 10 }, (_, i) => `c${i}`))).toMatch(
      /^SOURCE_UNREADABLE: .*texts of it that are stored once unpack/,
    );
  });

  it("is told from a column of which few rows hold a long text", async () => {
    for (const [i, other] of ["NULL", "''"].entries()) {
      const path = join(root, `rare-${i}.parquet`);
      const long = `repeat(chr((97 + i // 100000)::INTEGER), 85000)`;
      const select = `SELECT i AS id, CASE WHEN i % 100000 = 7 THEN ${long} ELSE ${other} END AS a FROM range(1000000) AS r(i)`;
      await withQuery({ files: [path] }, (session) => session.run(`COPY (${select}) TO '${path}' (FORMAT parquet)`));
      expect(await outcomeOf(null, `rare-${i}.parquet`)).toBe("1000000 rows");
    }
  });

  it("is told from one that only repeats itself", async () => {
    expect(await outcomeOf(nulls(900_000))).toBe("900000 rows");
    expect(await outcomeOf(repeatedText(100, 200_000))).toBe("200000 rows");
    expect(await outcomeOf(packedText(1 << 20))).toBe("1 rows");
    expect(await outcomeOf(sharedTexts(5_000))).toBe("5000 rows");
  });
});

describe("checkParquetShape", () => {
  it.each(Object.keys(sharedPrefixes.files))("adds up what texts share in a page: %s", async (name) => {
    const path = join(root, "shared.parquet");
    writeFileSync(path, Buffer.from(sharedPrefixes.files[name]!, "base64"));
    const [column] = (await checkParquetShape(path)).repeated;
    const length = sharedPrefixes.nBytes;
    const isUnpacked = !name.startsWith("zstd") || "zstdDecompressSync" in zlib;
    expect(column!.grown).toBeGreaterThanOrEqual(length);
    // What is stored beside the texts' ends: levels, and how long the ends are.
    if (isUnpacked) expect(column!.grown).toBeLessThan(length + 20 * sharedPrefixes.nRows);
    expect(await outcomeOf(null, "shared.parquet")).toBe(`${sharedPrefixes.nRows} rows`);
  });

  it("passes what DuckDB writes, however it is packed", async () => {
    for (const codec of ["uncompressed", "snappy", "gzip", "zstd", "lz4_raw", "brotli"]) {
      const path = join(root, `${codec}.parquet`);
      const select =
        "SELECT i AS a, i / 7 AS b, 't' || i % 9 AS c, [i, i] AS d, {x: i, y: {z: 'one and the same'}} AS e FROM range(50000) AS r(i)";
      await withQuery({ files: [path] }, (session) =>
        session.run(`COPY (${select}) TO '${path}' (FORMAT parquet, CODEC ${codec}, ROW_GROUP_SIZE 9000)`),
      );
      await expect(checkParquetShape(path), codec).resolves.toBeDefined();
    }
  });

  it("passes columns of one value, which DuckDB writes in a few bytes for each 100,000 rows", async () => {
    const path = join(root, "constant.parquet");
    await withQuery({ files: [path] }, (session) =>
      session.run(
        `COPY (SELECT 1 AS a, 2 AS b FROM range(20000000)) TO '${path}' (FORMAT parquet, ROW_GROUP_SIZE 1000000)`,
      ),
    );
    await expect(checkParquetShape(path)).resolves.toBeDefined();
  });

  it("counts the columns of a schema and the groups around them, each by itself", async () => {
    const shapeOf = (elements: readonly ThriftItem[]): Promise<ParquetShape> => {
      const path = join(root, "schema.parquet");
      writeFileSync(path, emptyFile(elements));
      return checkParquetShape(path);
    };
    const list = [groupElement("l", 1), groupElement("list", 1), columnElement("element", "int64")];
    const lists = (n: number): ThriftItem[] => [
      groupElement("root", n),
      ...Array.from({ length: n }, () => list).flat(),
    ];
    await expect(shapeOf(lists(10_000))).resolves.toBeDefined();
    await expect(shapeOf(lists(10_001))).rejects.toThrow("more than 10000 columns");
    const nested = (n: number): ThriftItem[] => [
      groupElement("root", 1),
      ...Array.from({ length: n }, () => groupElement("g", 1)),
      columnElement("a", "int64"),
    ];
    await expect(shapeOf(nested(32))).resolves.toBeDefined();
    await expect(shapeOf(nested(33))).rejects.toThrow("nested more than 32 deep");
  });

  it("passes metadata with types that we do not write, as of the bounding boxes of geometries", async () => {
    const footer = (unknown: readonly number[]): Buffer => {
      const known = encodeThrift([
        [1, { i32: 1 }],
        [2, { list: [groupElement("root", 1), columnElement("a", "int64")] }],
        [3, { i64: 0 }],
        [4, { list: [] }],
      ]);
      return Buffer.concat([known.subarray(0, -1), Buffer.from([...unknown, 0])]);
    };
    const path = join(root, "types.parquet");
    const double = [0xb7, ...Buffer.from(Float64Array.of(4.9).buffer)];
    const uuid = [0xbd, ...Buffer.alloc(16, 9)];
    const set = [0xba, 0x23, 1, 2];
    for (const bytes of [double, uuid, set]) {
      writeFileSync(path, parquetOf(footer(bytes)));
      await expect(checkParquetShape(path)).resolves.toBeDefined();
      writeFileSync(path, parquetOf(footer(bytes.slice(0, -2))));
      await expect(checkParquetShape(path)).rejects.toThrow("it is damaged: metadata ends early");
    }
  });

  it("refuses or passes each of 3,000 damaged files, and fails with nothing else", async () => {
    const rng = createRng(17);
    const whole = repeatedText(30, 500);
    const path = join(root, "mutant.parquet");
    let nRefused = 0;
    for (let i = 0; i < 3000; ++i) {
      const bytes = Buffer.from(whole);
      for (let k = 0; k <= rng.integer(4); ++k) bytes[rng.integer(bytes.length)] = rng.integer(256);
      writeFileSync(path, i % 5 === 0 ? bytes.subarray(0, rng.integer(bytes.length)) : bytes);
      const error: unknown = await checkParquetShape(path).then(
        () => null,
        (fault: unknown) => fault,
      );
      if (error === null) continue;
      expect(error).toBeInstanceOf(ParquetFault);
      ++nRefused;
    }
    expect(nRefused).toBeGreaterThan(1000);
  });
});
