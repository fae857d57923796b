import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonDepth } from "./json.ts";

/** The definition: depth of the parsed value. */
function naiveDepth(value: unknown): number {
  if (value === null || typeof value !== "object") return 0;
  return 1 + Math.max(0, ...Object.values(value).map(naiveDepth));
}

describe("jsonDepth", () => {
  it("is the depth of the value the text stands for", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        expect(jsonDepth(JSON.stringify(value))).toBe(naiveDepth(value));
        expect(jsonDepth(JSON.stringify(value, null, 2))).toBe(naiveDepth(value));
      }),
    );
  });

  it("does not count brackets inside strings", () => {
    expect(jsonDepth(String.raw`["[[[[\"[[", "\\", {"{{": 1}]`)).toBe(2);
    expect(jsonDepth('"[[')).toBe(0);
  });
});
