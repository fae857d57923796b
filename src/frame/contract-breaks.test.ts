import { describe, expect, it } from "vitest";
import type { ContractColumn } from "./contract.ts";
import { contractBreaks } from "./contract-breaks.ts";
import type { RequestContract } from "./contract-breaks.ts";
import { frameFromRows } from "./rows.ts";

function of(...columns: readonly (Partial<ContractColumn> & { readonly name: string })[]): RequestContract {
  const whole = columns.map((column) => ({ kind: "number", missing: 0, onViolation: "fail", ...column }) as const);
  return { contract: { columns: whole }, inputs: whole.map(({ name }) => name) };
}

const category = { kind: "category" } as const;
const text = { kind: "text" } as const;

/** Before, after, the rule that breaks, and a row that was taken and is refused. */
const narrowed: readonly (readonly [RequestContract, RequestContract, string, object])[] = [
  [of({ name: "a" }, { name: "b" }), of({ name: "a" }), "removed", { a: 1, b: 1 }],
  [of({ name: "a" }), of({ name: "a" }, { name: "b" }), "required", { a: 1 }],
  [of({ name: "a", missing: 0.5 }), of({ name: "a" }), "required", { a: null }],
  [of({ name: "a" }), of({ name: "a", ...text }), "kind", { a: 1 }],
  [of({ name: "a", min: 0 }), of({ name: "a", min: 1 }), "min", { a: 0 }],
  [of({ name: "a" }), of({ name: "a", max: 9 }), "max", { a: 10 }],
  [of({ name: "a" }), of({ name: "a", integer: true }), "integer", { a: 0.5 }],
  [
    of({ name: "a", ...category, levels: ["x", "y"] }),
    of({ name: "a", ...category, levels: ["x"] }),
    "levels",
    { a: "y" },
  ],
  [of({ name: "a", ...category }), of({ name: "a", ...category, levels: ["x"] }), "levels", { a: "z" }],
  [of({ name: "a", ...text }), of({ name: "a", ...text, maxLength: 2 }), "maxLength", { a: "abc" }],
  [of({ name: "a", ...text }), of({ name: "a", ...text, pattern: "^x" }), "pattern", { a: "y" }],
  [of({ name: "a", kind: "timestamp" }), of({ name: "a", kind: "timestamp", after: 5 }), "after", { a: 1 }],
];

describe("what a new contract refuses of an old one's requests", () => {
  it.each(narrowed)("names what was narrowed, case %#, and the request that breaks", (before, after, rule, row) => {
    expect(contractBreaks(before, after)).toMatchObject([{ rule }]);
    expect(frameFromRows([row], before.contract, before.inputs).nIssues).toBe(0);
    expect(frameFromRows([row], after.contract, after.inputs).nIssues).toBeGreaterThan(0);
  });

  it.each(narrowed.filter(([, , rule]) => rule !== "kind" && rule !== "removed" && rule !== "required"))(
    "lets every rule be widened, case %#",
    (before, after) => expect(contractBreaks(after, before)).toEqual([]),
  );

  it("names what a column that only warned let pass, and nothing that it lets pass from now on", () => {
    const strict = of({ name: "a", min: 0, max: 9 });
    const lenient = of({ name: "a", min: 0, max: 9, onViolation: "warn" });
    expect(contractBreaks(strict, lenient)).toEqual([]);
    expect(contractBreaks(lenient, strict).map(({ rule }) => rule)).toEqual(["required", "min", "max"]);
  });

  it("lets columns that may be missing be added, and minds only what a request sends", () => {
    expect(contractBreaks(of({ name: "a" }), of({ name: "a" }, { name: "b", missing: 1 }))).toEqual([]);
    const { contract } = of({ name: "a" }, { name: "price" });
    const narrower = of({ name: "a" }, { name: "price", max: 1 });
    expect(contractBreaks({ contract, inputs: ["a"] }, { ...narrower, inputs: ["a"] })).toEqual([]);
  });
});
