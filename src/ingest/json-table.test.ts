import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { values } from "./column-values.fixtures.ts";
import { failure, put, read } from "./ingest.fixtures.ts";
import { json, jsonl } from "./source.ts";

describe("json", () => {
  it("reads a list of objects as the same objects in lines, however it is laid out", async () => {
    const record = fc.record({
      n: fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(null)),
      x: fc.string({ unit: "binary" }).filter((text) => !text.includes("\0") && text.isWellFormed()),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 8 }), fc.nat(4), async (list, indent) => {
        const a = (
          await read(json(put("a.json", JSON.stringify(list, null, indent))), [
            ["n", "number"],
            ["x", "text"],
          ])
        ).frame;
        const b = (
          await read(jsonl(put("a.jsonl", list.map((row) => JSON.stringify(row)).join("\n"))), [
            ["n", "number"],
            ["x", "text"],
          ])
        ).frame;
        expect([values(a, "n"), values(a, "x")]).toEqual([values(b, "n"), values(b, "x")]);
      }),
      { numRuns: 15 },
    );
  });

  it.each([
    ['{"n":1}', /does not begin with \[/],
    ['[{"n":1}', /cut off in element 1/],
    ['[{"n":1},', /cut off in element 2/],
    ['[{"n":1},]', /element 2 is empty/],
    ['[,{"n":1}]', /element 1 is empty/],
    ['[{"n":1}] x', /follows the end/],
    ['[{"n":1} {"n":2}]', /element 1 is no JSON/],
    ["[1]", /element 1 holds no JSON object but number/],
    ['[{"n":"a]b}', /cut off in element 1/],
    ["[]", /an empty list/],
  ])("refuses %s", async (text, message) => {
    const error = await failure(read(json(put("a.json", text)), [["n", "number"]]));
    expect(error.message).toMatch(message);
  });
});
