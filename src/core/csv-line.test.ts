import { describe, expect, it } from "vitest";
import { csvLine, withoutFormula } from "./csv-line.ts";

describe("csvLine", () => {
  it("quotes what would end a cell, and nothing else", () => {
    expect(csvLine(["a b", "", "1,5", 'say "x"', "two\nlines", "\r"])).toBe('a b,,"1,5","say ""x""","two\nlines","\r"');
  });
});

describe("withoutFormula", () => {
  it("puts an apostrophe before what a spreadsheet would run", () => {
    for (const text of ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "-", "+"])
      expect(withoutFormula(text)).toBe(`'${text}`);
  });

  it("leaves numbers and all other texts as they are", () => {
    for (const text of ["-1.5", "+2", "-1e-7", "a=b", "", "'=1"]) expect(withoutFormula(text)).toBe(text);
  });
});
