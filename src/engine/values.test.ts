import { describe, expect, it } from "vitest";
import { createDecodedValues } from "./values.ts";

const one = "sha256:1";
const two = "sha256:2";

describe("decoded values", () => {
  it("are told apart by digest and type", () => {
    const values = createDecodedValues();
    values.keep(one, "text", "a", true);
    values.keep(one, "json", { a: 1 }, true);
    expect(values.get(one, "text")).toBe("a");
    expect(values.get(one, "json")).toEqual({ a: 1 });
    expect(values.get(two, "text")).toBeUndefined();
  });

  it("are still found by their last reader, while it holds them", () => {
    const values = createDecodedValues();
    const frame = { rows: 3 };
    values.keep(one, "frame", frame, true);
    values.keep(one, "frame", frame, false);
    expect(values.get(one, "frame")).toBe(frame);
  });

  it("are let go of once no later step needs them", () => {
    const values = createDecodedValues();
    values.keep(one, "frame", { rows: 1 }, true);
    values.keep(two, "frame", { rows: 2 }, true);
    values.release(new Set([two]));
    expect(values.get(one, "frame")).toBeUndefined();
    expect(values.get(two, "frame")).toEqual({ rows: 2 });
  });
});
