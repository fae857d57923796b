import { describe, expect, it } from "vitest";
import { designOf } from "../../../test/support/design-of-rows.ts";
import { createRng } from "../../core/rng.ts";
import { createCandidates } from "./candidates.ts";
import { halfLengths } from "./nearest.ts";
import { leftAt, leftLength } from "./places.ts";
import { rankedRows } from "./ranking.fixtures.ts";

const nRows = 257;
const clusters = 60;

describe("createCandidates", () => {
  it("gives the same bits in vector registers as one by one, from any row to any other", () => {
    const rng = createRng(7);
    const number = (): number => (rng.next() - 0.5) * 10 ** rng.integer(5);
    for (const nDense of [1, 2, 7, 20, 33]) {
      const cells = Array.from({ length: nRows }, () => Array.from({ length: nDense }, number));
      const room = rankedRows(designOf(cells, nDense), clusters, 2);
      expect(room.kernel).not.toBeNull();
      const own = { ...room, left: new Float64Array(leftLength(nRows, clusters)), kernel: null };
      room.upper.forEach((_, row) => (room.upper[row] = row % 5 === 0 ? Infinity : 1e6 * rng.next()));
      for (const thread of [0, 1])
        for (const [from, to] of [
          [0, 256],
          [1, nRows],
          [nRows - 1, nRows],
          [3, 8],
        ] as const)
          for (const nPoints of [1, 4, 7, 8]) {
            const points = Float64Array.from({ length: nPoints * nDense }, number);
            const [plain, vector] = [own, room].map((of) => {
              const measured = createCandidates(of, thread);
              measured.aim(points, halfLengths(points, nPoints));
              measured.measure(from, to);
              return Array.from({ length: (to - from) * nPoints }, (_, i) => {
                return of.left[leftAt(nRows, from + Math.floor(i / nPoints), i % nPoints)]!;
              });
            });
            expect(vector).toEqual(plain);
          }
    }
  });
});
