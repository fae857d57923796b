import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DelimitedFault, type DelimitedScan, DelimitedScanner, splitRecord } from "./delimited-scan.ts";

function scan(text: string | Buffer, chunk = 1 << 20, quotes = true): DelimitedScan {
  const scanner = new DelimitedScanner(",", quotes);
  const bytes = Buffer.from(text);
  for (let i = 0; i < bytes.length; i += chunk) scanner.add(bytes.subarray(i, i + chunk));
  return scanner.finish();
}

const cell = fc.string({ unit: fc.constantFrom("a", "é", "😀", '"', ",", "\n", "\r\n", " ", "1"), maxLength: 6 });
const table = fc
  .integer({ min: 1, max: 4 })
  .chain((width) => fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 8 }));
const end = fc.constantFrom("\n", "\r\n", "\r");

function write(rows: readonly (readonly string[])[], lineEnd: string): string {
  return rows.map((row) => row.map((value) => `"${value.replaceAll('"', '""')}"`).join(",") + lineEnd).join("");
}

describe("DelimitedScanner", () => {
  it("counts the records of any table that was written with quotes, in chunks of any size", () => {
    fc.assert(
      fc.property(table, end, fc.integer({ min: 1, max: 20 }), (rows, lineEnd, chunk) => {
        const found = scan(write(rows, lineEnd), chunk);
        expect(found.nRecords).toBe(rows.length);
        expect(found.first).toEqual(rows[0]!.map((value) => value));
      }),
    );
  });

  it("finds the same in one chunk as byte by byte, faults and their lines too", () => {
    const outcome = (text: string, chunk: number): unknown => {
      try {
        const { nBytes: _, ...found } = scan(text, chunk);
        return found;
      } catch (error) {
        expect(error).toBeInstanceOf(DelimitedFault);
        return (error as DelimitedFault).message;
      }
    };
    const text = fc.string({ unit: fc.constantFrom("a", '"', ",", "\n", "\r", " ", "é", "\uFEFF"), maxLength: 30 });
    fc.assert(
      fc.property(text, (value) => {
        expect(outcome(value, 1)).toEqual(outcome(value, 1 << 20));
      }),
      { numRuns: 1000 },
    );
  });

  it("takes quotes as ordinary characters where it is told to", () => {
    expect(scan('a,b"c\n"x,y"z\n', 7, false)).toMatchObject({ nRecords: 2, first: ["a", 'b"c'] });
  });

  it("counts a blank line as a record only where records have one cell", () => {
    expect(scan("a\n\n1\n\n").nRecords).toBe(4);
    expect(scan("a,b\n\n1,2\n\n").nRecords).toBe(2);
  });

  it("names the line on which a broken character stands, even far into a file", () => {
    const text = Buffer.concat([Buffer.from("a\n".repeat(5000)), Buffer.from([0xc3, 0x28, 0x0a])]);
    expect(() => scan(text, 64)).toThrow(/^line 50(00|01) holds bytes/);
    expect(() => scan(text)).toThrow("line 5001 holds bytes that are not UTF-8");
  });
});

describe("splitRecord", () => {
  it("gives back the cells that were written", () => {
    const cells = fc.array(cell, { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(cells, (row) => {
        expect(splitRecord(write([row], "\n"), ",")).toEqual(row);
      }),
    );
  });
});
