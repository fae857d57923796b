import { describe, expect, it } from "vitest";

import { blend, boosting, forest, linear } from "./choice.ts";
import type { BoostingHyperparameters, Estimator } from "./choice-types.ts";
import { tune } from "./tuning-choice.ts";
import { warmStart } from "./warm-start.ts";

describe("warmStart()", () => {
  it("is the estimator with the version it goes on from", () => {
    const given = boosting({ trees: 50 });
    expect(warmStart(given, { from: 3 })).toEqual({ ...given, from: 3 });
    expect(warmStart(given, { from: "champion" })).toEqual({ ...given, from: "champion" });
    expect(given).not.toHaveProperty("from");
  });

  it("refuses versions that cannot be, and estimators that cannot go on", () => {
    const refused = expect.objectContaining({ code: "DEFINITION_INVALID" }) as Error;
    for (const from of [0, 1.5, Number.NaN, "latest"])
      expect(() => warmStart(boosting(), { from: from as number })).toThrow(refused);
    const other = forest() as unknown as Estimator<"regression", BoostingHyperparameters>;
    expect(() => warmStart(other, { from: 1 })).toThrow(refused);
    expect(() => warmStart(tune(boosting()), { from: 1 })).toThrow(refused);
  });

  it("is no part of a search or an ensemble, whose held-out rows the earlier trees may have learned from", () => {
    const refused = expect.objectContaining({ code: "DEFINITION_INVALID" }) as Error;
    expect(() => tune(warmStart(boosting(), { from: 1 }))).toThrow(refused);
    expect(() => blend([linear(), warmStart(boosting(), { from: 1 })])).toThrow(refused);
  });
});
