import { array, assert, constantFrom, oneof, property, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { wordsOf } from "./text-terms.ts";

describe("the words of a text", () => {
  it("are runs of letters, marks, digits and underscores, whatever the script", () => {
    expect(wordsOf("A gift, URGENT_2: please! I")).toEqual(["gift", "urgent_2", "please"]);
    // The first letter is the sign of a kelvin, whose lower case is ASCII.
    expect(wordsOf("\u212Aelvin Ärger 東京 x")).toEqual(["kelvin", "ärger", "東京"]);
    expect(wordsOf("")).toEqual([]);
  });

  it("are those of Unicode where a text is ASCII, too", () => {
    const part = oneof(string(), constantFrom("ab", "A_1", "é", "\u212A", "\ud800", " ", "९९", "e\u0301"));
    assert(
      property(array(part), (parts) => {
        const text = parts.join("");
        expect(wordsOf(text)).toEqual(text.toLowerCase().match(/[\p{L}\p{M}\p{N}_]{2,}/gu) ?? []);
      }),
    );
  });
});
