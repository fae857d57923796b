import { describe, expect, it } from "vitest";
import type { Roles } from "../model/model.ts";
import { completeSplit } from "./split-options.ts";
import { noRoles } from "./split.fixtures.ts";

describe("completeSplit", () => {
  it("follows the roles where nothing is said", () => {
    expect(completeSplit({}, { ...noRoles, target: "y", time: "t" }, "binary").by).toBe("time");
    expect(completeSplit({}, { ...noRoles, target: "y", group: "g" }, "binary").by).toBe("group");
    expect(completeSplit({}, { ...noRoles, target: "y" }, "binary").by).toBe("target");
    expect(completeSplit({}, { ...noRoles, target: "y" }, "regression")).toEqual({
      by: "random",
      test: 0.2,
      validation: 0.1,
    });
  });

  it("refuses shares that cannot be", () => {
    for (const options of [{ test: -0.1 }, { test: 1 }, { validation: Number.NaN }, { test: 0.6, validation: 0.4 }]) {
      expect(() => completeSplit(options, noRoles, "clustering")).toThrow(/split\./);
    }
    expect(() => completeSplit({ by: "hash" }, noRoles, "clustering")).toThrow("`id`");
  });

  it("takes a gap by time and a column by column, and refuses both elsewhere", () => {
    const roles: Roles = { target: null, id: null, time: "t", group: null, weight: null, sensitive: [] };
    expect(completeSplit({ gap: "2h" }, roles, "regression")).toMatchObject({ by: "time", gapMs: 7_200_000 });
    expect(completeSplit({ by: "column", column: "part" }, roles, "regression")).toMatchObject({
      by: "column",
      column: "part",
      validation: 0,
    });
    expect(() => completeSplit({ gap: "soon" }, roles, "regression")).toThrow(/must be a duration/);
    expect(() => completeSplit({ by: "random", gap: "1d" }, roles, "regression")).toThrow(/is for a split by time/);
    expect(() => completeSplit({ column: "part" }, roles, "regression")).toThrow(/is for split.by: "column"/);
    expect(() => completeSplit({ by: "column" }, roles, "regression")).toThrow(/must name the column/);
  });
});
