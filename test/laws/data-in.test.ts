import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { isMillraceError } from "../../src/core/errors/error.ts";
import { silent } from "../../src/core/progress.ts";
import type { Contract } from "../../src/frame/contract.ts";
import { columnOf, type Frame } from "../../src/frame/frame.ts";
import { frameFromRows } from "../../src/frame/rows.ts";
import { category, contractOf, number, text } from "../../src/frame/schema.ts";
import { readDataset } from "../../src/ingest/dataset.ts";
import { recordsNaively } from "../../src/ingest/delimited/naive-records.fixtures.ts";
import { ingestSource } from "../../src/ingest/ingest.ts";
import { csv, json, jsonl, type Source } from "../../src/ingest/source.ts";
import { quoteIdentifier, quoteLiteral } from "../../src/query/quote.ts";
import { withQuery } from "../../src/query/session.ts";

/*
 * What is promised of data that come in, one describe for each promise. Damaged files at length, bombs, addresses inside
 * and the sandbox of queries have tests of their own in src/ingest and src/query.
 */

const shared = process.env["MILLRACE_SHARED"] ?? resolve(import.meta.dirname, "../../../shared");
const suite = join(shared, "corpora", "json-test-suite", "test_parsing");
const strings = join(shared, "corpora", "naughty-strings", "blns.json");
const root = mkdtempSync(join(tmpdir(), "millrace-data-in-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const output = join(root, "out.parquet");

interface Read {
  readonly frame: Frame;
  readonly nIssues: number;
}

/** The rows, or the code of a refusal, which leaves nothing behind. */
async function read(source: Source, contract: Contract): Promise<Read | string> {
  rmSync(output, { force: true });
  try {
    const report = await ingestSource({ source, contract, root, output, progress: silent });
    const frame = await readDataset(output, contract);
    expect(frame.nRows).toBe(report.nRows);
    return { frame, nIssues: report.issueCounts.reduce((sum, [, count]) => sum + count, 0) };
  } catch (error) {
    if (!isMillraceError(error)) throw error;
    expect(statSync(output, { throwIfNoEntry: false })).toBeUndefined();
    return error.code;
  }
}

const texts = (names: readonly string[]): Contract =>
  contractOf(Object.fromEntries(names.map((name) => [name, text({ missing: 1 })])));

const put = (name: string, content: string | Buffer): string => {
  writeFileSync(join(root, name), content);
  return name;
};

describe("a malformed CSV never changes shape silently", () => {
  const names = ["a", "b", "c", "d"];
  const lines = [names, ...Array.from({ length: 30 }, (_, row) => names.map((name) => `${name}${row},"x"`))].map(
    (cells) => cells.map((cell) => (cell.length === 1 ? cell : `"${cell.replaceAll('"', '""')}"`)),
  );
  const table = (rows: readonly (readonly string[])[], delimiter = ",", end = "\n"): string =>
    rows.map((cells) => cells.join(delimiter) + end).join("");
  const at = (row: number, change: (cells: string[]) => readonly string[]): string =>
    table(lines.map((cells, i) => (i === row ? change([...cells]) : cells)));
  /** Pollutions of the Pollock benchmark, each at every row where it has one. */
  const pollutions: Readonly<Record<string, (row: number) => string>> = {
    "a cell too few": (row) => at(row, (cells) => cells.slice(1)),
    "a cell too many": (row) => at(row, (cells) => [...cells, '"more"']),
    "another delimiter in a row": (row) => at(row, (cells) => [cells.join(";")]),
    "a quote too few at the end": (row) => at(row, (cells) => [...cells.slice(0, 3), cells[3]!.replace(/"?$/, "")]),
    "a quote too few at the start": (row) => at(row, (cells) => [cells[0]!.replace(/^"/, ""), ...cells.slice(1)]),
    "a quote that is not doubled": (row) => at(row, (cells) => cells.map((cell) => cell.replaceAll('""', '"'))),
    "apostrophes for quotes": (row) => at(row, (cells) => cells.map((cell) => `'${cell.slice(1, -1)}'`)),
    "a backslash before quotes": (row) =>
      at(row, (cells) => cells.map((cell) => cell.replaceAll('""', String.raw`\"`))),
    "a blank between delimiter and quote": (row) => at(row, (cells) => cells.map((cell) => ` ${cell}`)),
    "a blank line": (row) => at(row, (cells) => [`\n${cells.join(",")}`]),
    "a note between rows": (row) => at(row, (cells) => [`note\n${cells.join(",")}`]),
    "a second table": (row) => at(row, (cells) => [`x,y\n1,2\n${cells.join(",")}`]),
    "another line end in a row": (row) => at(row, (cells) => [`${cells.join(",")}\r`]),
    "the line end of an old Mac in a row": (row) => at(row, (cells) => [cells.join(",").concat("\r", cells.join(","))]),
    "an end without a line end": (row) => table(lines.slice(0, row + 2)).slice(0, -1),
    "an end within a row": (row) => table(lines).slice(0, 40 + 23 * row),
    "another delimiter throughout": () => table(lines, ";"),
    "lines that end with CR LF": () => table(lines, ",", "\r\n"),
    "lines that end with CR": () => table(lines, ",", "\r"),
    "no header": () => table(lines.slice(1)),
    "two headers": () => table([lines[0]!, ...lines]),
    nothing: () => "",
  };

  it.each(Object.entries(pollutions))("%s", async (_, polluted) => {
    for (let row = 0; row < lines.length; row += 6) {
      const content = polluted(row);
      const found = await read(csv(put("polluted.csv", content)), texts(names));
      if (typeof found === "string") continue;
      // A CR ends lines where it is the only thing that does; blanks may stand before an opening quote.
      const plain = (content.includes("\n") ? content : content.replaceAll("\r", "\n")).replaceAll(
        /(?<=^|,) +"/gm,
        '"',
      );
      const records = recordsNaively(plain.endsWith("\n") ? plain : `${plain}\n`);
      expect(records?.[0], content).toEqual(names);
      const rows = Array.from({ length: found.frame.nRows }, (_unused, i) =>
        names.map((name) => (columnOf(found.frame, name) as { readonly values: readonly (string | null)[] }).values[i]),
      );
      expect(rows, content).toEqual(records!.slice(1).map((cells) => cells.map((cell) => cell || null)));
    }
  });

  it("and a sound one of each kind is read", async () => {
    for (const end of ["\n", "\r\n"]) {
      const found = (await read(csv(put("sound.csv", table(lines, ",", end))), texts(names))) as Read;
      expect([found.frame.nRows, found.nIssues]).toEqual([30, 0]);
    }
  });
});

describe.skipIf(!existsSync(suite))("JSON is taken as the standard says (skipped without ../shared/corpora)", () => {
  it("refuses all of 188 and reads all of 95 texts, as elements of a list", async () => {
    const counts = { y: 0, n: 0 };
    for (const name of readdirSync(suite)) {
      const must = name[0];
      if (must !== "y" && must !== "n") continue;
      const bytes = readFileSync(join(suite, name));
      put("suite.json", Buffer.concat([Buffer.from('[{"value":'), bytes, Buffer.from("}]")]));
      const found = await read(json("suite.json"), texts(["value"]));
      ++counts[must];
      if (must === "y") expect(found, name).toBeTypeOf("object");
      else expect(found, name).toBe("SOURCE_UNREADABLE");
    }
    expect(counts).toEqual({ y: 95, n: 188 });
  });
});

describe("numbers survive bit for bit or are refused", () => {
  const contract = contractOf({ n: number({ missing: 1 }) });
  const wholeNumbers = fc.bigInt({ min: -(2n ** 130n), max: 2n ** 130n }).map(String);
  const doubles = fc
    .double({ noNaN: true, noDefaultInfinity: true })
    .map((value) => (Object.is(value, -0) ? "-0" : `${value}`));
  const edges = ["5e-324", "1.7976931348623157e308", "9007199254740993", "-9223372036854775808", "9223372036854775807"];

  /** What a double holds of it without rounding a whole number; else NaN. */
  const numberOf = (cell: string): number =>
    /^-?\d+$/.test(cell) && BigInt(cell) !== BigInt(Number(cell)) ? NaN : Number(cell);

  it("from CSV, read quickly and slowly, and from JSON lines alike, 100,000 numbers", async () => {
    const cells = [...edges, ...fc.sample(wholeNumbers, 50_000), ...fc.sample(doubles, 50_000)];
    const sources = [
      csv(put("numbers.csv", `n\n${cells.join("\n")}\n`)),
      // Of such a delimiter, SQL makes the values.
      csv("numbers.csv", { delimiter: "#" }),
      jsonl(put("numbers.jsonl", cells.map((cell) => `{"n":${cell}}\n`).join(""))),
    ];
    for (const source of sources) {
      const { frame, nIssues } = (await read(source, contract)) as Read;
      const { values } = columnOf(frame, "n") as { readonly values: Float64Array };
      // Compared at once: a hundred thousand expectations take longer than reading does.
      const kept = cells.map((cell, i) => [cell, values[i]!] as const);
      expect(kept.filter(([cell, value]) => !Object.is(value, numberOf(cell)))).toEqual([]);
      const nRefused = kept.filter(([, value]) => Number.isNaN(value)).length;
      expect(nRefused).toBeGreaterThan(cells.length / 4);
      expect(nIssues).toBe(nRefused);
    }
  });
});

describe("what is wrong with a row is the same in a file and in a request", () => {
  it("for missing, unknown and ill-typed values of 10,000 rows", async () => {
    const contract = contractOf({ n: number({ missing: 1 }), c: category({ missing: 1 }) });
    // Whole numbers beyond 2^53 are refused in files; a request's were rounded before they can be seen.
    const cell = fc.oneof(fc.double({ noNaN: true, min: -(2 ** 53), max: 2 ** 53 }), fc.constant(null));
    const level = fc.oneof(fc.string({ unit: "grapheme", minLength: 1 }), fc.constant(null));
    const rows = fc.sample(fc.record({ n: cell, c: level }), 10_000).filter(({ c }) => !c?.includes("\0"));
    const { frame: asked } = frameFromRows(rows, contract, ["n", "c"]);
    const source = jsonl(put("rows.jsonl", rows.map((row) => `${JSON.stringify(row)}\n`).join("")));
    const { frame } = (await read(source, contract)) as Read;
    const levelsOf = (of: Frame): (string | null)[] => {
      const column = columnOf(of, "c") as { readonly codes: Int32Array; readonly levels: readonly string[] };
      return Array.from(column.codes, (code) => column.levels[code] ?? null);
    };
    const numbersOf = (of: Frame): number[] => [...(columnOf(of, "n") as { readonly values: Float64Array }).values];
    expect(levelsOf(frame)).toEqual(levelsOf(asked));
    expect(numbersOf(frame).map((value) => value + 0)).toEqual(numbersOf(asked).map((value) => value + 0));
  });
});

describe("names and values are hostile and stay what they are", () => {
  it("hold no SQL: a canary outlives 5,000 names and values, each of them in one statement", async () => {
    const hostile = existsSync(strings) ? (JSON.parse(readFileSync(strings, "utf8")) as string[]) : [];
    const attacks = [
      "'; DROP TABLE canary; --",
      '"; DROP TABLE canary; --',
      "' OR 1=1 --",
      "$$; DROP TABLE canary",
      "/*",
    ];
    const drawn = fc.sample(
      fc.array(fc.constantFrom(...`'"\\;-/*$\n()x `.split(""), ...attacks)).map((parts) => parts.join("")),
      5_500,
    );
    const usable = [...attacks, ...hostile, ...drawn].filter(
      (one) => one !== "" && !one.includes("\0") && one.isWellFormed(),
    );
    expect(usable.length).toBeGreaterThan(5_000);
    const parser = await (await DuckDBInstance.create(":memory:")).connect();
    await withQuery({ files: [] }, async (session) => {
      await session.run("CREATE TABLE canary AS SELECT 7 AS alive");
      for (const one of usable) {
        const sql = `SELECT ${quoteIdentifier(one)} FROM (SELECT ${quoteLiteral(one)} AS ${quoteIdentifier(one)})`;
        expect((await parser.extractStatements(sql)).count, one).toBe(1);
        expect(await session.rows(sql)).toEqual([[one]]);
      }
      expect(await session.rows("SELECT alive FROM canary")).toEqual([[7]]);
    });
  });

  it("change no prototype, lose no column, and twins in Unicode are refused", async () => {
    const before = Reflect.ownKeys(Object.prototype);
    const names = ["__proto__", "constructor", "toString", "=cmd()", "\u202Ertl", "<b>", "n".repeat(1_000)];
    const header = names.map((name) => `"${name}"`).join(",");
    const contract: Contract = {
      columns: names.map((name) => ({ name, kind: "text", missing: 1, onViolation: "fail" })),
    };
    const values = names.map((_, i) => `v${i}`);
    const found = (await read(csv(put("names.csv", `${header}\n${values.join(",")}\n`)), contract)) as Read;
    expect(found.frame.names).toEqual(names);
    expect(found.frame.columns.map((column) => column.kind === "text" && column.values[0])).toEqual(values);
    expect(Reflect.ownKeys(Object.prototype)).toEqual(before);
    expect(await read(csv(put("twins.csv", "é,e\u0301\n1,2\n")), texts(["é"]))).toBe("COLUMN_NAME_DUPLICATE");
  });
});
