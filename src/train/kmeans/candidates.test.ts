import { describe, expect, it } from "vitest";
import { designOf } from "../../../test/support/design-of-rows.ts";
import { createRng } from "../../core/rng.ts";
import { createCandidates } from "./candidates.ts";
import { halfLengths } from "./nearest.ts";
import { leftAt } from "./places.ts";
import { rankedRows, rowPlaces } from "./ranking.fixtures.ts";

const nRows = 257;
const clusters = 60;

describe.each(rowPlaces)("createCandidates of rows $name", (at) => {
  it("gives the same bits in vector registers as one by one, from any row to any other", () => {
    const rng = createRng(7);
    const number = (): number => (rng.next() - 0.5) * 10 ** rng.integer(5);
    for (const nDense of [1, 2, 7, 20, 33]) {
      const cells = Array.from({ length: nRows }, () => Array.from({ length: nDense }, number));
      const { first, ...room } = rankedRows(designOf(cells, nDense), clusters, 2, at);
      expect(room.kernel).not.toBeNull();
      for (let row = 0; row < nRows; ++row) room.upper[first + row] = row % 5 === 0 ? Infinity : 1e6 * rng.next();
      for (const thread of [0, 1])
        for (const [from, to] of [
          [0, 256],
          [1, nRows],
          [nRows - 1, nRows],
          [3, 8],
        ] as const)
          for (const nPoints of [1, 4, 7, 8]) {
            const points = Float64Array.from({ length: nPoints * nDense }, number);
            const [vector, plain] = [room, { ...room, kernel: null }].map((of) => {
              const measured = createCandidates(of, thread);
              measured.aim(points, halfLengths(points, nPoints));
              measured.measure(first + from, first + to);
              return Array.from({ length: (to - from) * nPoints }, (_, i) => {
                const row = first + from + Math.floor(i / nPoints);
                return of.left[leftAt(of.norms.length, row, i % nPoints)]!;
              });
            });
            expect(vector).toEqual(plain);
          }
    }
  });
});
