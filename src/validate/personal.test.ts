import { describe, expect, it } from "vitest";
import type { ColumnData } from "../frame/column.ts";
import { isCardNumber, isIban, personalDataIn } from "./personal.ts";

const find = (name: string, values: readonly (string | null)[]): unknown =>
  personalDataIn(name, { kind: "text", values }, Uint32Array.from(values.keys()));
const many = (of: (i: number) => string, n = 30): string[] => Array.from({ length: n }, (_, i) => of(i));

describe("personalDataIn", () => {
  it.each([
    ["contact", many((i) => `a.b${i}@example.org`), "mail addresses"],
    ["c", many((i) => `+49 30 1234${100 + i}`), "phone numbers"],
    ["c", many((i) => `(212) 555-${1000 + i}`), "phone numbers"],
    ["c", many(() => "4111 1111 1111 1111"), "card numbers"],
    ["c", many(() => "DE89 3704 0044 0532 0130 00"), "bank accounts"],
    ["c", many((i) => `123-45-${6000 + i}`), "national ids"],
    ["c", many((i) => `10.0.0.${i}`), "IP addresses"],
    ["firstName", many((i) => `Ada${i}`), "names of persons"],
    ["street_address", many((i) => `${i} High Street`), "postal addresses"],
    ["DOB", many((i) => `19${50 + i}-01-01`), "dates of birth"],
  ])("tells %s of %j", (name, values, what) => {
    expect(find(name, values)).toBe(what);
    expect(find(name, [...values, null, "?"])).toBe(what);
  });

  it.each([
    ["text", many((i) => `call +49 30 1234${i} now`)],
    ["code", many((i) => `4111 1111 1111 11${10 + i}`)],
    ["when", many((i) => `2024-01-${10 + (i % 20)}`)],
    ["number", many((i) => String(1000 + i))],
    ["name_of_product", many((i) => `chair ${i}`)],
    ["address", ["yes", "no"]],
  ])("takes %s for nothing personal where its values are none", (name, values) => {
    expect(
      name === "address"
        ? personalDataIn(name, { kind: "category", codes: Int32Array.of(0, 1), levels: values }, Uint32Array.of(0, 1))
        : find(name, values),
    ).toBeNull();
  });

  it("sees card numbers that were read as numbers, and no phone in a flag called phone", () => {
    const card: ColumnData = { kind: "number", values: new Float64Array(20).fill(4_111_111_111_111_111) };
    const flag: ColumnData = { kind: "category", codes: new Int32Array(20), levels: ["No"] };
    const rows = Uint32Array.from({ length: 20 }, (_, row) => row);
    expect(personalDataIn("n", card, rows)).toBe("card numbers");
    expect(personalDataIn("phone", flag, rows)).toBeNull();
  });

  it("checks the digits", () => {
    expect([isCardNumber("4111111111111111"), isCardNumber("4111111111111112"), isCardNumber("411")]).toEqual([
      true,
      false,
      false,
    ]);
    expect([isIban("GB82WEST12345698765432"), isIban("GB83WEST12345698765432")]).toEqual([true, false]);
  });
});
