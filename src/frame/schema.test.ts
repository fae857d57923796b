import { describe, expect, it } from "vitest";
import { boolean, category, contractOf, number, text, timestamp, type Schema } from "./schema.ts";

describe("contractOf", () => {
  it("lists the columns in key order with their defaults", () => {
    const schema = {
      area: number({ min: 0, max: 9, integer: true }),
      city: category(["a", "b"], { missing: 0.5, onViolation: "quarantine" }),
      style: category({ missing: 1 }),
      note: text({ pattern: /^\w+$/, maxLength: 10, unique: true }),
      sold: timestamp({ after: "2020-01-01", before: "2021-01-01T12:00" }),
      flag: boolean(),
    };
    expect(contractOf(schema).columns).toStrictEqual([
      { name: "area", kind: "number", missing: 0, onViolation: "fail", min: 0, max: 9, integer: true },
      { name: "city", kind: "category", missing: 0.5, onViolation: "quarantine", levels: ["a", "b"] },
      { name: "style", kind: "category", missing: 1, onViolation: "fail" },
      { name: "note", kind: "text", missing: 0, onViolation: "fail", unique: true, pattern: "^\\w+$", maxLength: 10 },
      {
        name: "sold",
        kind: "timestamp",
        missing: 0,
        onViolation: "fail",
        after: Date.UTC(2020, 0),
        before: Date.UTC(2021, 0, 1, 12),
      },
      { name: "flag", kind: "boolean", missing: 0, onViolation: "fail" },
    ]);
  });

  it("takes names that objects give a meaning to as plain names", () => {
    const schema = { ["__proto__"]: number(), constructor: text(), toString: boolean(), "a b\n": number() };
    expect(contractOf(schema).columns.map(({ name }) => name)).toStrictEqual(Object.keys(schema));
  });

  it("takes a schema without a prototype", () => {
    const schema = Object.assign(Object.create(null) as object, { a: number() });
    expect(contractOf(schema as Schema).columns).toHaveLength(1);
  });

  it("detects a __proto__ entry that set the prototype", () => {
    const schema = { a: number(), __proto__: number() } as unknown as Schema;
    expect(() => contractOf(schema)).toThrow(/a column as its prototype/);
  });

  it.each([
    ["an empty name", ""],
    ["a name that is too long", "x".repeat(1025)],
    ["NUL", "a\0b"],
    ["a lone high surrogate", "a\ud800"],
    ["a lone low surrogate", "\udc00a"],
  ])("refuses %s", (_, name) => {
    expect(() => contractOf({ [name]: number() })).toThrow(expect.objectContaining({ code: "COLUMN_NAME_INVALID" }));
  });

  it("takes a name of 1024 code units and whole surrogate pairs", () => {
    expect(contractOf({ ["x".repeat(1024)]: number(), "😀": number() }).columns).toHaveLength(2);
  });

  it("refuses two names that are equal after normalisation", () => {
    const schema = { "caf\u00e9": number(), "cafe\u0301": number() };
    expect(() => contractOf(schema)).toThrow(expect.objectContaining({ code: "COLUMN_NAME_DUPLICATE" }));
  });

  it.each([
    ["nothing", undefined],
    ["no columns", {}],
    ["a list", [number()]],
    ["entries no builder made", { a: { kind: "number", missing: 0 } }],
    ["entries that are no object", { a: "number" }],
    ["a map", new Map([["a", number()]])],
  ])("refuses %s", (_, schema) => {
    expect(() => contractOf(schema as unknown as Schema)).toThrow(
      expect.objectContaining({ code: "DEFINITION_INVALID" }),
    );
  });
});

describe("column builders", () => {
  it.each<[string, () => unknown, RegExp]>([
    ["a share above 1", () => number({ missing: 1.5 }), /missing must be a share/],
    ["a share that is NaN", () => number({ missing: NaN }), /missing must be a share/],
    ["min above max", () => number({ min: 2, max: 1 }), /min must not be above max, got 2 and 1/],
    ["an infinite bound", () => number({ min: -Infinity }), /min must be a finite number/],
    ["a misspelt option", () => number({ mim: 0 } as object), /has the options .*, got "mim"/],
    ["an option of another kind", () => boolean({ min: 0 } as object), /has the options/],
    ["a policy that is none", () => text({ onViolation: "ignore" as "fail" }), /onViolation must be one of/],
    ["a flag that is a text", () => number({ integer: "yes" as unknown as boolean }), /integer must be true or false/],
    ["a date that does not exist", () => timestamp({ after: "2024-02-30" }), /after must be an ISO 8601 text/],
    ["after later than before", () => timestamp({ after: "2024-02-02", before: "2024-02-01" }), /must not be above/],
    ["a pattern with flags", () => text({ pattern: /a/gi }), /may have the flag "u" only/],
    [
      "a pattern that needs to be without u",
      () => text({ pattern: new RegExp("\\-") }),
      /must be valid with the flag "u"/,
    ],
    ["a fractional length", () => text({ maxLength: 1.5 }), /maxLength must be a whole number/],
    ["no levels", () => category([]), /needs at least one level/],
    ["a level twice", () => category(["a", "a"]), /takes each level once/],
    ["levels that are numbers", () => category([1] as unknown as string[]), /takes levels that are texts/],
    ["options that are a number", () => number(3 as unknown as object), /takes its options as an object/],
  ])("refuse %s", (_, build, message) => {
    expect(build).toThrow(message);
  });

  it("suggest the nearest option", () => {
    expect(() => number({ mim: 0 } as object)).toThrow(expect.objectContaining({ remedy: 'Did you mean "min"?' }));
  });

  it("return frozen data", () => {
    expect(Object.isFrozen(number())).toBe(true);
    expect(Object.isFrozen(category(["a"]).levels)).toBe(true);
  });
});
