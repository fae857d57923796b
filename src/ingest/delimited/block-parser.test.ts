import { isUtf8 } from "node:buffer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Kind } from "../../frame/column.ts";
import { lineOf } from "../line-index.ts";
import { DelimitedFault, type DelimitedScan, DelimitedScanner } from "../delimited-scan.ts";
import type { Block, BlockColumn, BlockPlan } from "./block.ts";
import { BlockParser } from "./block-parser.ts";
import { instantOf, isMissingText, numberOf, truthOf } from "./cell-values.ts";
import { headOf } from "./file-head.ts";
import { compileKernels } from "./kernel-module.ts";
import { recordsNaively } from "./naive-records.fixtures.ts";

const parserOf = (plan: BlockPlan): BlockParser => new BlockParser(plan, compileKernels(plan));

const kinds: readonly Kind[] = ["number", "category", "timestamp", "text", "boolean"];

function valueNaively(kind: Kind, cell: string): unknown {
  if (kind === "category" || kind === "text") return cell === "" ? null : cell;
  if (isMissingText(cell, [])) return kind === "boolean" ? 255 : NaN;
  return kind === "number" ? numberOf(cell) : kind === "boolean" ? truthOf(cell) : instantOf(cell);
}

function valueAt(column: BlockColumn, row: number): unknown {
  if (column.kind === "category") return column.codes[row]! < 0 ? null : column.levels[column.codes[row]!];
  if (column.kind !== "text") return column.values[row];
  const start = row === 0 ? 0 : column.ends[row - 1]!;
  const text = Buffer.from(column.bytes.subarray(start, column.ends[row])).toString("utf8");
  return text === "" ? null : text;
}

function scan(bytes: Buffer): DelimitedScan | null {
  const scanner = new DelimitedScanner(",");
  try {
    scanner.add(bytes);
    return scanner.finish();
  } catch (error) {
    if (error instanceof DelimitedFault) return null;
    throw error;
  }
}

/** Whatever the bytes: where the parser takes them, the scanner counts the same and the twin reads the same. */
function compare(bytes: Buffer): "taken" | "left" {
  const head = headOf(bytes, ",", true);
  if (head === null || head.end === bytes.length) return "left";
  const columns = head.first.slice(0, kinds.length).map((_, cell) => ({ kind: kinds[cell]!, cell, missing: [] }));
  const parser = parserOf({ delimiter: ",", quotes: true, nCells: head.first.length, columns });
  const rest = bytes.subarray(head.end);
  const isWhole = rest.at(-1) === 0x0a;
  const block = parser.parse(Buffer.concat([rest, Buffer.from(isWhole ? "" : head.lineEnd)]));
  if (block === null || block.lineEnd !== head.lineEnd) return "left";
  const found = scan(bytes);
  expect(found?.nRecords).toBe(block.nRows + 1);
  expect(isUtf8(bytes)).toBe(true);
  compareRows(block, `${bytes.toString("utf8", head.end)}${isWhole ? "" : head.lineEnd}`, head.first.length);
  for (let row = 0; row < block.nRows; ++row) {
    expect(head.lines + 1 + lineOf(block.lines, row)!).toBe(lineOf(found!.lines, row + 1));
  }
  return "taken";
}

function compareRows(block: Block, text: string, nCells: number): void {
  const prefix = `${Array.from({ length: nCells }, () => "h").join(",")}\n`;
  const records = recordsNaively(prefix + text)!.slice(1);
  expect(records.length).toBe(block.nRows);
  for (const [row, cells] of records.entries()) {
    for (const [i, column] of block.columns.entries()) {
      const expected = valueNaively(kinds[i]!, cells[i]!);
      expect(valueAt(column, row)).toEqual(expected);
      const hasNone = kinds[i] === "boolean" ? expected === 255 : Number.isNaN(expected);
      const isBad = hasNone && !isMissingText(cells[i]!, []);
      expect(block.badRows[i]!.includes(row)).toBe(isBad);
    }
  }
}

const sound = Buffer.from(
  'n,c,t,x,b\n1.5,red,2024-01-02,"say ""hi""",true\n-7,"a,b",2024-01-02T03:04:05Z,"two\nlines",false\n,,,,\n12345678901234567890,é😀,2024-13-01, blank ,maybe\n\n"0.25","",1999-12-31 23:59:59,x,"1"\n',
);
const pieces = ['"', '""', ",", "\n", "\r\n", "\r", "\0", "\xff", "é", " ", "-", ".", "1e5", "\uFEFF", "0", "x"];
const change = fc.record({ at: fc.nat(sound.length), cut: fc.nat(4), piece: fc.constantFrom(...pieces) });

function mutate(changes: readonly { at: number; cut: number; piece: string }[], isReturned: boolean): Buffer {
  let bytes = isReturned ? Buffer.from(sound.toString("utf8").replaceAll("\n", "\r\n")) : sound;
  for (const { at, cut, piece } of changes) {
    const encoding = piece === "\xff" ? "latin1" : "utf8";
    bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(piece, encoding), bytes.subarray(at + cut)]);
  }
  return bytes;
}

describe("BlockParser", () => {
  it("reads the sound file", () => {
    expect(compare(sound)).toBe("taken");
  });

  it("agrees with its naive twin and with the scanner's accounts on mutants of a sound file", () => {
    // MILLRACE_MUTANTS=20000 is the long form.
    const numRuns = Number(process.env["MILLRACE_MUTANTS"] ?? 500);
    let nTaken = 0;
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), fc.boolean(), (changes, isReturned) => {
        if (compare(mutate(changes, isReturned)) === "taken") ++nTaken;
      }),
      { numRuns },
    );
    expect(nTaken).toBeGreaterThan(numRuns / 10);
  });

  it("reads cells as their texts are read, many rows of them, quoted or not, with any line end", () => {
    const digits = fc.stringMatching(/^-?\d{0,17}\.?\d{0,4}$/);
    const clock = fc.stringMatching(/^[0-2]\d:[0-6]\d:[0-6]\d$/);
    const date = fc.stringMatching(/^\d{4}-[01]\d-[0-3]\d$/);
    const time = fc.tuple(date, fc.constantFrom("", "T", " "), fc.option(clock), fc.constantFrom("", "Z"));
    const cells: Readonly<Record<Kind, fc.Arbitrary<string>>> = {
      number: fc.oneof(
        digits,
        fc.constantFrom(..."-999,-,.,1e3,-0,00.5,9007199254740993,0.1234567890123456,123456789012345".split(",")),
      ),
      timestamp: fc.oneof(
        time.map(([day, t, at, zone]) => `${day}${at === null ? "" : `${t}${at}${zone}`}`),
        fc.constantFrom("2024-02-29", "2023-02-29", "0001-01-01", "9999-12-31T23:59:59Z", "1900-03-01", "2024-05"),
      ),
      boolean: fc.constantFrom("true", "false", "1", "0", "tru", "falsy", "yes", "2", "t", "truer"),
      category: fc.constantFrom("", "red", "a b", "é", "red "),
      text: fc.constantFrom("", "x", "-", "0"),
    };
    const quoted = (cell: fc.Arbitrary<string>): fc.Arbitrary<string> =>
      fc.tuple(cell, fc.constantFrom("", "", '"')).map(([text, mark]) => `${mark}${text}${mark}`);
    const record = fc.tuple(
      ...kinds.map((kind) => quoted(fc.oneof({ arbitrary: cells[kind], weight: 9 }, fc.constant("")))),
    );
    fc.assert(
      fc.property(fc.array(record, { minLength: 2, maxLength: 40 }), fc.constantFrom("\n", "\r\n"), (rows, lineEnd) => {
        const text = rows.map((row) => row.join(",") + lineEnd).join("");
        expect(compare(Buffer.from(`n,c,t,x,b${lineEnd}${text}`))).toBe("taken");
      }),
    );
  });

  it("reads blocks of any length one after the other, and blank lines in any number", () => {
    const columns = [
      { kind: "number", cell: 0, missing: [] } as const,
      { kind: "text", cell: 1, missing: [] } as const,
    ];
    const parser = parserOf({ delimiter: ";", quotes: false, nCells: 2, columns });
    for (const nRows of [1, 100_000, 3, 20_000]) {
      const text = Array.from({ length: nRows }, (_, row) => `${row / 8};"${row}\n${"\n".repeat(row % 3)}`).join("");
      const block = parser.parse(Buffer.from(text))!;
      expect(block.nRows).toBe(nRows);
      for (const row of [0, nRows >> 1, nRows - 1])
        expect(block.columns.map((column) => valueAt(column, row))).toEqual([row / 8, `"${row}`]);
    }
  });

  it("leaves a block with NUL or with bytes that are not UTF-8, wherever they stand, also after another one", () => {
    const columns = [{ kind: "text", cell: 0, missing: [] } as const];
    const parser = parserOf({ delimiter: ",", quotes: true, nCells: 1, columns });
    const sound = Buffer.from(`${"abcdefghi\n".repeat(40)}end\n`);
    expect(parser.parse(sound)?.nRows).toBe(41);
    for (let at = 0; at < sound.length; ++at) {
      if (sound[at] === 0x0a) continue;
      for (const byte of [0, 0x80, 0xff]) {
        const block = Buffer.from(sound);
        block[at] = byte;
        expect(parser.parse(block)).toBeNull();
      }
      const withLetter = Buffer.concat([sound.subarray(0, at), Buffer.from("é"), sound.subarray(at)]);
      expect(parser.parse(withLetter)?.nRows).toBe(41);
    }
  });

  it("puts all but the bytes of texts into one memory, that of a block before where they fit", () => {
    const columns = kinds.map((kind, cell) => ({ kind, cell, missing: [] }));
    const parser = parserOf({ delimiter: ",", quotes: true, nCells: kinds.length, columns });
    const long = parser.parse(Buffer.from("1,a,2024-01-01,x,true\n".repeat(100)))!;
    const short = parser.parse(Buffer.from("2,b,2024-01-02,y,false\n3,,,zz,\n"), long.memory)!;
    expect(short.memory).toBe(long.memory);
    const memories = short.columns.map((column) =>
      column.kind === "category" ? column.codes : column.kind === "text" ? column.ends : column.values,
    );
    for (const { buffer } of memories) expect(buffer).toBe(short.memory);
    const rows = [0, 1].map((row) => short.columns.map((column) => valueAt(column, row)));
    expect(rows).toEqual([
      [2, "b", Date.UTC(2024, 0, 2), "y", 0],
      [3, null, NaN, "zz", 255],
    ]);
  });

  it("codes levels by their bytes, many of them and of any length, also quoted ones, with block after block", () => {
    const columns = [{ kind: "category", cell: 1, missing: [] } as const];
    const parser = parserOf({ delimiter: ",", quotes: true, nCells: 2, columns });
    for (const nLevels of [3, 5_000, 1, 700]) {
      const levels = Array.from({ length: nLevels }, (_, i) => `${"level".repeat(i % 5)}${i}${i % 7 === 0 ? '"' : ""}`);
      const rows = Array.from({ length: 3 * nLevels + 2 }, (_, row) => levels[(row * 7) % nLevels]!);
      const written = (level: string, row: number): string =>
        level.includes('"') || row % 3 === 0 ? `"${level.replaceAll('"', '""')}"` : level;
      const block = parser.parse(Buffer.from(rows.map((level, row) => `x,${written(level, row)}\n`).join("")))!;
      const [column] = block.columns;
      expect(rows.map((_, row) => valueAt(column!, row))).toEqual(rows);
      expect(new Set(rows).size).toBe(column?.kind === "category" ? column.levels.length : -1);
    }
  });

  it("knows how many days each month has, with a time and without", () => {
    const columns = [{ kind: "timestamp", cell: 1, missing: [] } as const];
    const parser = parserOf({ delimiter: ",", quotes: true, nCells: 2, columns });
    const two = (value: number): string => String(value).padStart(2, "0");
    const dates = [1900, 2000, 2023, 2024].flatMap((year) =>
      Array.from({ length: 14 * 33 }, (_, i) => `${year}-${two(Math.floor(i / 33))}-${two(i % 33)}`),
    );
    for (const time of ["", " 23:59:58", "T23:59:58Z"]) {
      const block = parser.parse(Buffer.from(dates.map((date) => `x,${date}${time}\n`).join("")))!;
      for (const [row, date] of dates.entries()) {
        const [year, month, day] = date.split("-").map(Number) as [number, number, number];
        const instant = Date.UTC(year, month - 1, day, ...(time === "" ? [] : [23, 59, 58]));
        const exists = new Date(instant).toISOString().startsWith(date);
        expect([date, valueAt(block.columns[0]!, row)]).toEqual([date, exists ? instant : NaN]);
        expect(block.badRows[0]!.includes(row)).toBe(!exists);
      }
    }
  });

  it("agrees on any text of the characters that matter, wherever in a block it stands", () => {
    const unit = fc.constantFrom(...'a1,,\n\n"" .-'.split(""), "\r\n");
    const filled = [
      (end: string, before: string) => `h,i${end}1,2${end}"${before}",b${end}`,
      (end: string, before: string) => `h${end}1${end}${before}${end}`,
    ];
    for (const fill of filled)
      fc.assert(
        fc.property(
          fc.string({ unit, maxLength: 40 }),
          fc.nat(130),
          fc.constantFrom("\n", "\r\n"),
          (text, before, end) => {
            compare(Buffer.from(fill(end, "a".repeat(before)) + text));
          },
        ),
        { numRuns: 2000 },
      );
  });
});
