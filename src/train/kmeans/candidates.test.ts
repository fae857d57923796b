import { describe, expect, it } from "vitest";
import { designOf } from "../../../test/support/design-of-rows.ts";
import { createRng } from "../../core/rng.ts";
import { createCandidates } from "./candidates.ts";
import { halfLengths } from "./nearest.ts";
import { rankedRows } from "./ranking.ts";
import { scoredAtOnce } from "./ranking-kernel.ts";

const nRows = scoredAtOnce + 1;

describe("createCandidates", () => {
  it("gives the same bits in vector registers as one by one, from any row to any other", () => {
    const rng = createRng(7);
    const number = (): number => (rng.next() - 0.5) * 10 ** rng.integer(5);
    for (const nDense of [1, 2, 7, 20, 33]) {
      const cells = Array.from({ length: nRows }, () => Array.from({ length: nDense }, number));
      const { rows, kernel } = rankedRows(designOf(cells, nDense), 10, 2);
      expect(kernel).not.toBeNull();
      const points = Float64Array.from({ length: 8 * nDense }, number);
      const halves = halfLengths(points, 8);
      const plain = createCandidates(rows, null, 0);
      for (const thread of [0, 1]) {
        const measured = createCandidates(rows, kernel, thread);
        for (const [from, to] of [
          [0, scoredAtOnce],
          [1, nRows],
          [nRows - 1, nRows],
          [3, 8],
        ] as const)
          for (const [first, count] of [
            [0, 4],
            [4, 4],
            [5, 1],
          ] as const) {
            const scores = [plain, measured].map((one) => {
              one.aim(points, halves, first, count);
              one.score(from, to);
              return Array.from(one.scores.subarray(0, 4 * (to - from))).filter((_, i) => i % 4 < count);
            });
            expect(scores[1]).toEqual(scores[0]);
          }
      }
    }
  });
});
