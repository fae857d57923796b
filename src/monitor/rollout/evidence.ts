import { exp, log } from "../../math/elementary.ts";

/** How often something happened to each arm while requests were given to the candidate with probability `share`. */
export interface ArmEvents {
  readonly share: number;
  readonly candidate: number;
  readonly champion: number;
}

/** By how much more often it may happen to one arm than to the other, or than tolerated: the alternatives, weighted equally. */
const excesses = [1.5, 2, 3, 6, 16, 64];

/**
 * Evidence, as the logarithm of an e-value, that something happens more often to the candidate than to the champion. It may
 * be looked at after every request and acted on at any: where it does not, the chance that it ever reaches log(1 / alpha) is
 * at most alpha (Ville's inequality).
 *
 * Arms are given by chance, so that of the events the candidate has, where it is `r` times as prone to them, the part
 * r s / (r s + 1 - s), s being its share of requests. Each event is a bet on that: it multiplies the evidence by the likelihood
 * of its arm under an excess over that under none; the mean over the excesses is a mixture martingale.
 * Methods: Kulldorff et al. 2011 (arm given event), Robbins 1970 (mixtures), Waudby-Smith and Ramdas 2024 (betting).
 */
export function logEvidence(events: readonly ArmEvents[]): number {
  return logMean(excesses.map((excess) => sumOfBets(events, 1, excess)));
}

/**
 * Evidence that something happens more than `tolerance` times as often to one arm as to the other, whichever it is: half of
 * it is held back, so that where nothing happens it never falls below log(1 / 2), and evidence of many such things adds up.
 */
export function logDifference(events: readonly ArmEvents[], tolerance: number): number {
  const ratios = excesses.flatMap((excess) => [excess * tolerance, 1 / (excess * tolerance)]);
  const bets = ratios.map((ratio) => sumOfBets(events, ratio > 1 ? tolerance : 1 / tolerance, ratio));
  return logMean([0, logMean(bets)]);
}

function sumOfBets(events: readonly ArmEvents[], tolerated: number, ratio: number): number {
  let total = 0;
  for (const { share, candidate, champion } of events) {
    // Without a champion beside it there is nothing to compare with.
    if (share <= 0 || share >= 1) continue;
    const most = (tolerated * share) / (tolerated * share + 1 - share);
    const bet = (ratio * share) / (ratio * share + 1 - share);
    total += candidate * log(bet / most) + champion * log((1 - bet) / (1 - most));
  }
  return total;
}

/** The logarithm of the mean of values given by their logarithms. */
export function logMean(logs: readonly number[]): number {
  const highest = Math.max(...logs);
  return highest + log(logs.reduce((sum, value) => sum + exp(value - highest), 0) / logs.length);
}
