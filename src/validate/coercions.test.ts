import { describe, expect, it } from "vitest";
import { createFrame } from "../frame/frame.ts";
import { profileFrame } from "./profile.ts";
import { renderProfile } from "./profile-table.ts";

const frame = createFrame(3, [
  ["size", { kind: "number", values: Float64Array.of(1, NaN, 3) }],
  ["code", { kind: "category", codes: Int32Array.of(0, 1, 0), levels: ["7", "8"] }],
  ["seen", { kind: "boolean", values: Uint8Array.of(1, 0, 255) }],
  ["at", { kind: "timestamp", values: Float64Array.of(0, 1, 2) }],
]);

describe("what was read as another kind of value", () => {
  it("is counted by column, with what has no value", () => {
    const types = ["text", "integer", "integer", "time"].map((type, i) => ({ column: frame.names[i]!, type }));
    const profile = profileFrame(frame, types);
    expect(profile.coerced).toEqual([
      { column: "size", from: "text", to: "number", cells: 2, missing: 1 },
      { column: "code", from: "integer", to: "category", cells: 3, missing: 0 },
      { column: "seen", from: "integer", to: "boolean", cells: 2, missing: 1 },
    ]);
    expect(renderProfile(profile).slice(-3)).toEqual([
      "text read as number: size (2)",
      "integer read as category: code (3)",
      "integer read as boolean: seen (2)",
    ]);
  });

  it("is not told of where nobody knows what the source held", () => {
    expect(profileFrame(frame).coerced).toBeUndefined();
  });
});
