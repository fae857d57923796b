import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { quoteLiteral } from "./quote.ts";
import { withQuery } from "./session.ts";
import { compareCodePoints, TextDictionary } from "./text-dictionary.ts";

/** The naive twin: strings, a set, a sort, positions. */
function codedNaively(texts: readonly string[]): { levels: string[]; codes: number[] } {
  const points = (text: string): number[] => Array.from(text, (c) => c.codePointAt(0)!);
  const compare = (a: number[], b: number[], i = 0): number =>
    i >= a.length || i >= b.length ? a.length - b.length : a[i]! - b[i]! || compare(a, b, i + 1);
  const levels = [...new Set(texts)].filter((text) => text !== "").sort((a, b) => compare(points(a), points(b)));
  return { levels, codes: texts.map((text) => levels.indexOf(text)) };
}

async function coded(texts: readonly string[]): Promise<{ levels: readonly string[]; codes: number[] }> {
  return withQuery({ files: [] }, async (session) => {
    await session.run("CREATE TABLE t (i INTEGER, v VARCHAR)");
    for (let i = 0; i < texts.length; i += 500) {
      const rows = texts.slice(i, i + 500).map((text, k) => `(${i + k}, ${quoteLiteral(text)})`);
      await session.run(`INSERT INTO t VALUES ${rows.join(", ")}`);
    }
    const dictionary = new TextDictionary();
    const codes = new Int32Array(texts.length);
    const reader = await session.stream("SELECT v FROM t ORDER BY i");
    let offset = 0;
    for (let chunk = await reader.next(); chunk; chunk = await reader.next()) {
      chunk.codes(0, dictionary, codes, offset);
      offset += chunk.nRows;
    }
    const { levels, newCodes } = dictionary.finish();
    return { levels, codes: Array.from(codes, (code) => (code < 0 ? -1 : newCodes[code]!)) };
  });
}

describe("TextDictionary", () => {
  it("agrees with its naive twin on texts short and long, of every plane, with marks in front", async () => {
    const unit = fc.constantFrom("a", "b", "é", "\uFEFF", "\uFFFD", "😀", "\u0001", " ");
    const text = fc.oneof(fc.string({ unit, maxLength: 4 }), fc.string({ unit, minLength: 11, maxLength: 14 }));
    const texts = fc.array(text, { minLength: 1, maxLength: 300 });
    await fc.assert(
      fc.asyncProperty(texts, async (all) => {
        expect(await coded(all)).toEqual(codedNaively(all));
      }),
      { numRuns: 15 },
    );
  });

  it("grows to many levels and spans many chunks", async () => {
    const texts = Array.from({ length: 6000 }, (_, i) => (i % 2 ? `s${i % 2500}` : `a rather long level ${i % 700}`));
    expect(await coded(texts)).toEqual(codedNaively(texts));
  });
});

describe("compareCodePoints", () => {
  it("orders as the bytes of UTF-8 do", () => {
    const text = fc.string({ unit: "binary", maxLength: 5 }).filter((value) => value.isWellFormed());
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareCodePoints(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });
});
