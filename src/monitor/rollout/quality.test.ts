import { describe, expect, it } from "vitest";
import { evidenceAgainst } from "./judge.ts";
import { qualityTally } from "./quality.ts";
import { totalOf } from "./tally.ts";

describe("labels of a rollout", () => {
  const rows = Array.from({ length: 400 }, (_, i) => ({
    version: i % 4 === 0 ? 2 : 1,
    predictedAt: i < 200 ? 10 : 30,
    output: "yes",
    actual: i % 4 === 0 ? "no" : "yes",
  }));
  const tally = qualityTally([...rows, { ...rows[0]!, version: 7 }], { version: 2, champion: 1, stepsAt: [0, 20] });

  it("are counted by version and step, with those that were wrong", () => {
    expect(totalOf(tally, "labelled")).toEqual([100, 300]);
    expect(totalOf(tally, "wrong")).toEqual([100, 0]);
    expect(tally[0]).toMatchObject({ labelled: [50, 150] });
  });

  it("are no evidence, however wrong the version is: rows of one request are no bets of their own", () => {
    expect(evidenceAgainst(tally, [0.25, 0.25]).map(({ log }) => log)).toEqual([0, 0, 0]);
  });
});
