import fc from "fast-check";
import { expect, it } from "vitest";
import { sha256 } from "../core/digest.ts";
import { digestOf } from "./platform-digest.ts";

it("the platform's digest is the portable one, of bytes and of any text", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => digestOf(bytes) === sha256(bytes)));
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 100 }), (text) => digestOf(text) === sha256(text)));
  expect(digestOf("a\ud800b")).toBe(sha256("a\ud800b"));
});
