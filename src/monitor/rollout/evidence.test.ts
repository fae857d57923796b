import { describe, expect, it } from "vitest";
import { createRng, type Rng } from "../../core/rng.ts";
import { type ArmEvents, logDifference, logEvidence } from "./evidence.ts";

type Event = readonly [share: number, isCandidate: boolean];

const excesses = [1.5, 2, 3, 6, 16, 64];

/** What betting on one ratio makes of one event after the other, as the definition says it: a product. */
function winnings(events: readonly Event[], ratio: number, tolerated: number): number {
  return events.reduce((product, [share, isCandidate]) => {
    const part = (r: number): number => (r * share) / (r * share + 1 - share);
    const [bet, most] = [part(ratio), part(tolerated)];
    return product * (isCandidate ? bet / most : (1 - bet) / (1 - most));
  }, 1);
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

const shares = [0.05, 0.25, 0.5];
const someEvents = (rng: Rng): readonly Event[] =>
  Array.from({ length: 40 }, () => [shares[rng.integer(3)]!, rng.next() < 0.3] as const);
const counted = (events: readonly Event[]): readonly ArmEvents[] =>
  shares.map((share) => ({
    share,
    candidate: events.filter(([own, isCandidate]) => own === share && isCandidate).length,
    champion: events.filter(([own, isCandidate]) => own === share && !isCandidate).length,
  }));

describe("logEvidence", () => {
  it("is the mean of bets multiplied event by event", () => {
    const rng = createRng(4);
    for (let round = 0; round < 30; ++round) {
      const events = someEvents(rng);
      const naive = mean(excesses.map((excess) => winnings(events, excess, 1)));
      expect(logEvidence(counted(events))).toBeCloseTo(Math.log(naive), 9);
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

describe("logDifference", () => {
  it("holds half back and bets the other half on either arm having more than is tolerated", () => {
    const rng = createRng(5);
    for (let round = 0; round < 30; ++round) {
      const events = someEvents(rng);
      const bets = excesses.flatMap((excess) => [
        winnings(events, excess * 1.2, 1.2),
        winnings(events, 1 / (excess * 1.2), 1 / 1.2),
      ]);
      expect(logDifference(counted(events), 1.2)).toBeCloseTo(Math.log((1 + mean(bets)) / 2), 9);
    }
  });
});
