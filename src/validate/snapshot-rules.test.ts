import { describe, expect, it } from "vitest";
import { brokenRules, type SnapshotRules } from "./snapshot-rules.ts";

const rules: SnapshotRules = {
  minRows: null,
  maxRows: null,
  newestMs: null,
  change: null,
  columns: [],
  schema: false,
  onViolation: "fail",
};

describe("the share of rows set aside", () => {
  it("may be the limit itself, whatever a double makes of it", () => {
    const broken = (quarantined: number, nQuarantined: number, nIn: number): number =>
      brokenRules({ ...rules, quarantined }, { nRows: nIn, nQuarantined, nIn, time: null, nowMs: 0, comparison: null })
        .length;
    for (let percent = 0; percent <= 100; ++percent) {
      expect(broken(percent / 100, percent, 100)).toBe(0);
      expect(broken(percent / 100, percent + 1, 100)).toBe(1);
    }
    expect(broken(0, 0, 0)).toBe(0);
  });
});
