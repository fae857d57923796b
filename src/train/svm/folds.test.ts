import { describe, expect, it } from "vitest";
import { designOf } from "../../../test/support/design-of-rows.ts";
import { createRng } from "../../core/rng.ts";
import { foldsOfRows } from "./folds.ts";

describe("foldsOfRows", () => {
  it("spreads rows evenly, holds equal rows together and does not heed their order", () => {
    const rng = createRng(8);
    const rows = Array.from({ length: 3000 }, () => [rng.integer(40), rng.integer(50), rng.integer(2)]);
    const folds = foldsOfRows(designOf(rows, 2), 3);
    for (const fold of [0, 1, 2]) {
      const share = folds.filter((own) => own === fold).length / rows.length;
      expect(Math.abs(share - 1 / 3)).toBeLessThan(0.06);
    }
    const byRow = new Map(rows.map((row, i) => [row.join(), folds[i]]));
    rows.forEach((row, i) => expect(folds[i]).toBe(byRow.get(row.join())));
    expect(foldsOfRows(designOf(rows.toReversed(), 2), 3)).toEqual(folds.toReversed());
  });
});
