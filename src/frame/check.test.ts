import { describe, expect, it } from "vitest";
import { checkContract, createContractChecker } from "./check.ts";
import { createFrame, type Frame } from "./frame.ts";
import { boolean, category, contractOf, number, text, timestamp } from "./schema.ts";

const numbers = (...values: number[]): { kind: "number"; values: Float64Array } => ({
  kind: "number",
  values: Float64Array.from(values),
});
const frameOf = (columns: Parameters<typeof createFrame>[1], nRows: number): Frame => createFrame(nRows, columns);

describe("checkContract", () => {
  it("finds nothing in a dataset that satisfies the contract, and nothing in an empty one", () => {
    const contract = contractOf({ a: number({ min: 0, missing: 0.5 }) });
    expect(checkContract(frameOf([["a", numbers(1, NaN)]], 2), contract).issues).toStrictEqual([]);
    expect(checkContract(frameOf([["a", numbers()]], 0), contract).issues).toStrictEqual([]);
  });

  it("judges a column that may be missing by its share, a required one row by row", () => {
    const contract = contractOf({ a: number({ missing: 0.25 }), b: number() });
    const frame = frameOf(
      [
        ["a", numbers(NaN, NaN, 1)],
        ["b", numbers(NaN, 2, NaN)],
      ],
      3,
    );
    const { issues, counts } = checkContract(frame, contract);
    expect(issues).toStrictEqual([
      { code: "missingShare", column: "a", row: -1, expected: "at most 25 % missing", actual: "66.67 %" },
      { code: "missing", column: "b", row: 0, expected: "a value in every row", actual: "missing" },
      { code: "missing", column: "b", row: 2, expected: "a value in every row", actual: "missing" },
    ]);
    expect([...counts]).toStrictEqual([
      ["a:missingShare", 1],
      ["b:missing", 2],
    ]);
  });

  it("stands in the way of no answer where a column only warns and there is a value, and counts what it lets pass", () => {
    const contract = contractOf({ a: number({ min: 0, onViolation: "warn" }), b: number({ min: 0 }) });
    const columns = [["a", numbers(-1, NaN, 2)]] as const;
    const checker = createContractChecker(contract, 3, { ofRequest: true });
    checker.add(frameOf([...columns, ["b", numbers(1, 2, -3)]], 3));
    expect([checker.total(), checker.nTolerated()]).toEqual([1, 2]);
    expect(checker.finish().issues).toMatchObject([{ code: "min", column: "b", row: 2 }]);
    const absent = createContractChecker({ columns: [contract.columns[0]!] }, 1, { ofRequest: true });
    absent.add(frameOf([], 1));
    expect(absent.finish().issues).toMatchObject([{ code: "columnAbsent" }]);
  });

  it("gives the rows to set aside by policy", () => {
    const contract = contractOf({
      a: number({ min: 0, onViolation: "quarantine" }),
      b: number({ max: 1, onViolation: "quarantine" }),
      c: category(["x"], { onViolation: "warn" }),
    });
    const c = { kind: "category", codes: Int32Array.of(0, 1, 0, 0), levels: ["x", "y"] } as const;
    const frame = frameOf(
      [
        ["a", numbers(-1, 1, 1, -2)],
        ["b", numbers(2, 1, 1, 0)],
        ["c", c],
      ],
      4,
    );
    const check = checkContract(frame, contract);
    expect(Array.from(check.rows("quarantine"))).toStrictEqual([0, 3]);
    expect(Array.from(check.rows("warn"))).toStrictEqual([1]);
    expect(Array.from(check.rows("fail"))).toStrictEqual([]);
  });

  it("finds the same levels and gaps in many rows as in a few of them at a time", () => {
    const nRows = 10_000;
    const codes = Int32Array.from({ length: nRows }, (_, i) => (i % 7 === 3 ? -1 : i % 3));
    const truths = Uint8Array.from({ length: nRows }, (_, i) => (i % 11 === 5 ? 255 : i % 2));
    const between = (from: number, to: number): Frame =>
      frameOf(
        [
          ["level", { kind: "category", codes: codes.subarray(from, to), levels: ["a", "b", "c"] }],
          ["truth", { kind: "boolean", values: truths.subarray(from, to) }],
        ],
        to - from,
      );
    for (const missing of [0, 0.5])
      for (const levels of [
        ["a", "b"],
        ["a", "b", "c"],
      ]) {
        const contract = contractOf({ level: category(levels, { missing }), truth: boolean({ missing }) });
        const whole = checkContract(between(0, nRows), contract, { limit: nRows });
        const inParts = createContractChecker(contract, nRows, { limit: nRows });
        for (let from = 0; from < nRows; from += 100) inParts.add(between(from, from + 100));
        const parts = inParts.finish();
        expect(new Map(whole.counts)).toEqual(new Map(parts.counts));
        const byPlace = (check: typeof whole): string[] => check.issues.map((issue) => JSON.stringify(issue)).sort();
        expect(byPlace(whole)).toEqual(byPlace(parts));
      }
  });

  it("keeps a limited number of issues and counts all", () => {
    const contract = contractOf({ a: number({ min: 0 }) });
    const { issues, counts } = checkContract(frameOf([["a", numbers(...Array(5000).fill(-1))]], 5000), contract, {
      limit: 3,
    });
    expect(issues).toHaveLength(3);
    expect(counts.get("a:min")).toBe(5000);
  });

  it("finds values that are not unique, after their first, and lets missing ones be", () => {
    const contract = contractOf({ a: number({ unique: true, missing: 1 }), s: text({ unique: true, missing: 1 }) });
    const s = { kind: "text", values: ["x", null, "y", null, "x"] } as const;
    const { issues } = checkContract(
      frameOf(
        [
          ["a", numbers(1, NaN, 2, NaN, 1)],
          ["s", s],
        ],
        5,
      ),
      contract,
    );
    expect(issues.map(({ column, code, row }) => [column, code, row])).toStrictEqual([
      ["a", "unique", 4],
      ["s", "unique", 4],
    ]);
  });

  it("names absent columns and columns of another kind, and does not look at columns the contract does not name", () => {
    const contract = contractOf({ a: number(), t: timestamp() });
    const { issues } = checkContract(
      frameOf(
        [
          ["t", numbers(1)],
          ["z", numbers(1)],
        ],
        1,
      ),
      contract,
    );
    expect(issues.map(({ column, code, row }) => [column, code, row])).toStrictEqual([
      ["a", "columnAbsent", -1],
      ["t", "kind", -1],
    ]);
  });

  it("refuses numbers that are not finite, which no request could send", () => {
    const { issues } = checkContract(frameOf([["a", numbers(Infinity)]], 1), contractOf({ a: number() }));
    expect(issues).toMatchObject([{ code: "kind", row: 0, actual: "Infinity" }]);
  });
});
