import { array, assert, constantFrom, oneof, property, string, tuple } from "fast-check";
import { describe, expect, it } from "vitest";
import { rowTextsOf } from "./row-texts.ts";

const textsOf = (body: string): readonly string[] =>
  rowTextsOf(body, (JSON.parse(body) as { readonly rows: readonly unknown[] }).rows);

describe("the text of the only row of a request", () => {
  it("is cut out of the body as it came", () => {
    for (const row of ["{}", '{"a":1}', '{"a": 1.50, "b":"x\\u00e9}]} ü", "c":null}', '{"a":-0,"__proto__":true}'])
      expect(textsOf(`{"rows":[${row}]}`)).toEqual([row]);
  });

  it.each([
    ["there are two rows", '{"rows":[{"a":1},{"a":2}]}'],
    ["something comes after the rows", '{"rows":[{"a":1}],"explain":true}'],
    ["something comes before them", '{"explain":false,"rows":[{"a":1}]}'],
    ["the rows come twice", '{"rows":[{"a":1}],"rows":[{"a":2}]}'],
    ["a name comes twice", '{"rows":[{"a":1,"b":2,"a":3}]}'],
    ["a name comes twice, once as an escape", '{"rows":[{"a":1,"\\u0061":3}]}'],
    ["the row is on lines of its own", '{"rows":[{"a":1,\n"b":2}]}'],
    ["the body is on lines of its own", '{"rows":[{"a":1}\n]}'],
    ["it is full of blanks", `{"rows":[{"a":${" ".repeat(5000)}1}]}`],
  ])("is not at hand where %s", (_, body) => {
    expect(textsOf(body)).toEqual([]);
  });

  it("holds the values of the row and no others, whatever a body holds", () => {
    const quoted = string().map((text) => JSON.stringify(text));
    const scalar = oneof(constantFrom("1", "-0", "null", "true", '"}]}"', '"{"', '","', '"\\n"'), quoted);
    const member = tuple(oneof(constantFrom('"a"', '"rows"', '"\\u0061"'), quoted), scalar).map((pair) =>
      pair.join(":"),
    );
    const row = array(member, { maxLength: 4 }).map((members) => `{${members.join(",")}}`);
    const blank = constantFrom("", "", "", " ", "\n");
    const rows = array(row, { minLength: 1, maxLength: 2 }).map((some) => some.join(","));
    const more = constantFrom("", "", ',"explain":true', ',"rows":[{"a":1}]');
    const bodies = tuple(blank, rows, blank, more).map(
      ([before, some, after, others]) => `{"rows":[${before}${some}${after}]${others}}`,
    );
    let nFound = 0;
    assert(
      property(bodies, (body) => {
        const { rows } = JSON.parse(body) as { readonly rows: readonly object[] };
        const texts = rowTextsOf(body, rows);
        nFound += texts.length;
        if (texts.length === 0) return;
        expect(texts.map((text) => JSON.parse(text) as unknown)).toEqual(rows);
        expect(texts[0]).not.toContain("\n");
      }),
      { numRuns: 2000 },
    );
    expect(nFound).toBeGreaterThan(50);
  });
});
