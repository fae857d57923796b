import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkContract } from "./check.ts";
import type { Contract } from "./contract.ts";
import { frameFromRows, rowsFromFrame } from "./rows.ts";
import { boolean, category, contractOf, number, text, timestamp } from "./schema.ts";

const contract = contractOf({
  area: number({ min: 0, max: 100 }),
  rooms: number({ missing: 0.5, integer: true }),
  city: category(["a", "b"]),
  style: category({ missing: 1 }),
  note: text({ missing: 1, maxLength: 5, pattern: /^[a-z]*$/ }),
  flag: boolean(),
  sold: timestamp({ after: "2000-01-01" }),
});
const namesOf = ({ columns }: Contract): string[] => columns.map(({ name }) => name);
const inputs = namesOf(contract);
const good = { area: 1, rooms: 2, city: "a", style: "s", note: "abc", flag: true, sold: "2024-05-06" };
const read = (...rows: unknown[]): ReturnType<typeof frameFromRows> => frameFromRows(rows, contract, inputs);
const codesOf = (...rows: unknown[]): string[] => read(...rows).issues.map((issue) => `${issue.column}:${issue.code}`);

describe("a column that only warns", () => {
  const lenient = contractOf({
    area: number({ min: 0, onViolation: "warn" }),
    city: category(["a", "b"], { onViolation: "warn" }),
    rooms: number({ min: 1 }),
  });
  const ask = (row: object): ReturnType<typeof frameFromRows> => frameFromRows([row], lenient, namesOf(lenient));

  it("has values that break its rules read as they are, and told", () => {
    const found = ask({ area: -1, city: "c", rooms: 1 });
    expect(found).toMatchObject({
      issues: [],
      nIssues: 0,
      warnings: [
        { code: "min", column: "area", row: 0, expected: "at least 0", actual: "-1" },
        { code: "levels", column: "city" },
      ],
      nWarnings: 2,
    });
    expect(rowsFromFrame(found.frame)).toEqual([{ area: -1, city: "c", rooms: 1 }]);
    expect(ask({ rooms: 1 }).warnings.map(({ code }) => code)).toEqual(["missing", "missing"]);
  });

  it("refuses what is no value of it, as any other, and excuses no other column", () => {
    for (const row of [{ area: "1" }, { area: 1, citty: "a" }, { rooms: 0 }])
      expect(ask({ city: "a", area: 1, rooms: 1, ...row }).nIssues).toBe(1);
  });
});

describe("frameFromRows", () => {
  it("reads rows into the columns of the contract and back", () => {
    const { frame, issues } = read(good, { ...good, rooms: null, style: undefined, note: "" });
    expect(issues).toStrictEqual([]);
    expect(frame.names).toStrictEqual(inputs);
    expect(rowsFromFrame(frame)).toEqual([
      { ...good, sold: "2024-05-06T00:00:00.000Z" },
      { ...good, sold: "2024-05-06T00:00:00.000Z", rooms: null, style: null, note: "" },
    ]);
  });

  it("reads only the inputs, in their order", () => {
    const { frame, issues } = frameFromRows([{ flag: true, area: 3 }], contract, ["flag", "area"]);
    expect(frame.names).toStrictEqual(["flag", "area"]);
    expect(issues).toStrictEqual([]);
  });

  it.each([
    ["a Date", new Date(Date.UTC(2024, 4, 6))],
    ["an ISO text", "2024-05-06T00:00:00Z"],
    ["a date alone", "2024-05-06"],
    ["milliseconds", Date.UTC(2024, 4, 6)],
    ["a time with a space", "2024-05-06 00:00:00"],
  ])("takes %s as a timestamp", (_, sold) => {
    const { frame, issues } = read({ ...good, sold });
    expect(issues).toStrictEqual([]);
    expect(rowsFromFrame(frame)[0]).toMatchObject({ sold: "2024-05-06T00:00:00.000Z" });
  });

  it.each<[string, Record<string, unknown>, string]>([
    ["a number as text", { area: "1" }, "area:kind"],
    ["NaN", { area: NaN }, "area:kind"],
    ["Infinity", { area: Infinity }, "area:kind"],
    ["a bigint", { area: 1n }, "area:kind"],
    ["a truth value as number", { flag: 1 }, "flag:kind"],
    ["a category as number", { city: 3 }, "city:kind"],
    ["a text as object", { note: {} }, "note:kind"],
    ["an invalid Date", { sold: new Date(NaN) }, "sold:kind"],
    ["a date that does not exist", { sold: "2024-02-30" }, "sold:kind"],
    ["a time beyond all times", { sold: 8.65e15 }, "sold:kind"],
    ["a required value that is null", { area: null }, "area:missing"],
    ["a required value that is undefined", { city: undefined }, "city:missing"],
    ["a number below its bound", { area: -0.5 }, "area:min"],
    ["a number above its bound", { area: 100.5 }, "area:max"],
    ["a fraction", { rooms: 1.5 }, "rooms:integer"],
    ["an unknown level", { city: "c" }, "city:levels"],
    ["a text that is too long", { note: "abcdef" }, "note:maxLength"],
    ["a text that does not match", { note: "A" }, "note:pattern"],
    ["a time before its bound", { sold: "1999-12-31" }, "sold:after"],
    ["an unknown member", { romos: 2 }, "romos:unknownColumn"],
  ])("reports %s as one issue", (_, change, expected) => {
    expect(codesOf({ ...good, ...change })).toStrictEqual([expected]);
  });

  it("reports a required member that is absent, and suggests the nearest name for one it does not know", () => {
    const { area, ...rest } = good;
    const { issues } = read({ ...rest, aera: area });
    expect(issues).toMatchObject([
      { code: "missing", column: "area", row: 0 },
      { code: "unknownColumn", column: "aera", expected: 'a column a request sends ("area"?)' },
    ]);
  });

  it.each([null, 3, "row", [1], undefined])("reports %j in place of a row, and reads the others", (row) => {
    const { frame, issues } = read(good, row);
    expect(issues).toMatchObject([{ code: "kind", column: "", row: 1 }]);
    expect(frame.nRows).toBe(2);
    expect(rowsFromFrame(frame, Uint32Array.of(0))[0]).toMatchObject({ area: 1 });
  });

  it("never reads a prototype, and takes an own __proto__ as data", () => {
    const odd = contractOf({ ["__proto__"]: number(), toString: text({ missing: 1 }) });
    const rows = [JSON.parse('{"__proto__": 7}'), Object.create({ ["__proto__"]: 1 }) as object, {}];
    const { frame, issues } = frameFromRows(rows, odd, namesOf(odd));
    expect(issues.map((issue) => [issue.row, issue.code])).toStrictEqual([
      [1, "missing"],
      [2, "missing"],
    ]);
    const back = rowsFromFrame(frame);
    expect(Object.getPrototypeOf(back[0])).toBe(null);
    expect(JSON.stringify(back[0])).toBe('{"__proto__":7,"toString":null}');
    expect(codesOf(JSON.parse(`{"__proto__": 7, ${JSON.stringify(good).slice(1)}`))).toStrictEqual([
      "__proto__:unknownColumn",
    ]);
  });

  it("counts all issues of a hostile request and keeps the first thousand", () => {
    const row = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`x${i}`, 1]));
    const { issues, nIssues } = read({ ...good, ...row }, { ["y".repeat(1e6)]: 1, ...good });
    expect(issues).toHaveLength(1000);
    expect(nIssues).toBe(5001);
  });

  it("reads an empty request", () => {
    const { frame, issues } = read();
    expect([frame.nRows, issues.length, frame.names.length]).toStrictEqual([0, 0, 7]);
  });

  it("finds in a request what checkContract finds in a dataset of the same values", () => {
    const cell = <T>(...values: T[]): fc.Arbitrary<T | null> => fc.constantFrom(...values, null);
    const row = fc.record({
      area: cell(-1, 0, 50, 101),
      rooms: cell(1, 1.5),
      city: cell("a", "c", ""),
      style: cell("p", "q"),
      note: cell("abc", "ABC", "abcdefg"),
      flag: cell(true, false),
      sold: cell("1990-01-01", "2024-01-01"),
    });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 6 }), (rows) => {
        const served = frameFromRows(rows, contract, inputs);
        const trained = checkContract(served.frame, contract);
        expect(trained.issues.filter(({ code }) => code !== "missingShare")).toStrictEqual(served.issues);
      }),
    );
  });
});

describe("rowsFromFrame", () => {
  it("gives what frameFromRows reads back to the same bits, for any instant and number", () => {
    const cell = fc.record({
      area: fc.double({ noNaN: true, noDefaultInfinity: true }),
      sold: fc.double({ min: -8.64e15, max: 8.64e15, noNaN: true }),
    });
    const loose = contractOf({ area: number(), sold: timestamp() });
    fc.assert(
      fc.property(fc.array(cell), (rows) => {
        const { frame } = frameFromRows(rows, loose, namesOf(loose));
        const again = frameFromRows(rowsFromFrame(frame), loose, namesOf(loose));
        expect(again.issues).toStrictEqual([]);
        expect(again.frame).toEqual(frame);
      }),
    );
  });
});
