import { describe, expect, it } from "vitest";
import { createRng } from "../../core/rng.ts";
import { logEvidence } from "./evidence.ts";

/** Evidence of one event after the other, as the definition says it: a mean of products. */
function naive(events: readonly (readonly [share: number, isCandidate: boolean])[], tolerance: number): number {
  const excesses = [1.5, 2, 3, 6, 16, 64];
  const products = excesses.map((excess) =>
    events.reduce((product, [share, isCandidate]) => {
      const part = (ratio: number): number => (ratio * share) / (ratio * share + 1 - share);
      const [bet, most] = [part(excess * tolerance), part(tolerance)];
      return product * (isCandidate ? bet / most : (1 - bet) / (1 - most));
    }, 1),
  );
  return Math.log(products.reduce((sum, product) => sum + product, 0) / products.length);
}

describe("logEvidence", () => {
  it("is the mean of bets multiplied event by event", () => {
    const rng = createRng(4);
    for (let round = 0; round < 30; ++round) {
      const shares = [0.05, 0.25, 0.5];
      const events = Array.from({ length: 40 }, () => [shares[rng.integer(3)]!, rng.next() < 0.3] as const);
      const counted = shares.map((share) => ({
        share,
        candidate: events.filter(([own, isCandidate]) => own === share && isCandidate).length,
        champion: events.filter(([own, isCandidate]) => own === share && !isCandidate).length,
      }));
      expect(logEvidence(counted, 1.2)).toBeCloseTo(naive(events, 1.2), 9);
    }
  });

  it("is nothing without events, and where there is no champion to compare with", () => {
    expect(logEvidence([])).toBeCloseTo(0, 12);
    expect(logEvidence([{ share: 1, candidate: 1000, champion: 0 }])).toBeCloseTo(0, 12);
  });

  it("crosses log(1 / alpha) in at most alpha of endless watches of equal arms, looked at after every event", () => {
    const rng = createRng(12);
    const watches = 2000;
    let crossed = 0;
    for (let watch = 0; watch < watches; ++watch) {
      const counts = { share: [0.05, 0.25, 0.5][watch % 3]!, candidate: 0, champion: 0 };
      for (let event = 0; event < 400; ++event) {
        if (rng.next() < counts.share) ++counts.candidate;
        else ++counts.champion;
        if (logEvidence([counts]) >= Math.log(1 / 0.05)) {
          ++crossed;
          break;
        }
      }
    }
    // 0.05 of 2,000 is 100; three standard deviations of chance above it are 129.
    expect(crossed).toBeLessThan(129);
    expect(crossed).toBeGreaterThan(0);
  });

  it("grows where the candidate is more prone, and not where it is less", () => {
    expect(logEvidence([{ share: 0.05, candidate: 8, champion: 10 }])).toBeGreaterThan(5);
    expect(logEvidence([{ share: 0.05, candidate: 0, champion: 50 }])).toBeLessThan(0);
  });
});
