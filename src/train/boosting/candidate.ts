import type { Scales } from "./loss.ts";
import type { Settings } from "./plan.ts";

/** Sums over the rows of a leaf, in quantised units (exact whole numbers). */
export interface Totals {
  readonly gradient: number;
  readonly hessian: number;
  readonly count: number;
}

/**
 * The best split found so far; overwritten by better ones. `score` is the part of the gain that depends on the split:
 * GL^2 / (HL + l2) + GR^2 / (HR + l2), in quantised units, with G as `shrunk` by l1; -1 = none. A number split has `bin` >= 0 (left: bins up to
 * it); a category split has bin -1 and its left bins in `routes`.
 */
export interface Candidate {
  score: number;
  feature: number;
  bin: number;
  missingLeft: number;
  gradient: number;
  hessian: number;
  count: number;
  /** A byte a bin: 4 where it goes left. */
  readonly routes: Uint8Array;
}

/** Penalties on leaf values in quantised units: l1 of gradients, l2 of hessians. */
export interface Penalties {
  readonly l1: number;
  readonly l2: number;
}

/** Limits and penalties in quantised units. */
export interface SearchRules extends Penalties {
  readonly minRows: number;
  readonly minHessian: number;
  readonly category: CategoryRules;
}

/**
 * Categories are sorted by gradient / (hessian + smoothing) and cut as if they were numbers (Fisher 1958; smoothing,
 * penalty and limits as in LightGBM), which finds the best subset without trying all of them.
 */
export interface CategoryRules {
  readonly smoothing: number;
  readonly l2: number;
  /** Levels with fewer rows are never sent left; groups between two tried cuts have at least `minGroup` rows. */
  readonly minLevelRows: number;
  readonly minGroup: number;
  /** Most levels on the left side. */
  readonly maxLevels: number;
  /** Up to so many levels each is tried against the rest instead. */
  readonly oneVersusRest: number;
}

/** Smoothing and penalty are in rows of hessian 1, as the peers have them; `hessian` is the scale of the sums. */
export function searchRules(settings: Settings, scales: Scales, meanWeight: number): SearchRules {
  return {
    l1: settings.l1 * scales.gradient,
    l2: settings.l2 * scales.hessian,
    minRows: settings.minRows,
    minHessian: settings.minChildWeight * meanWeight * scales.hessian,
    category: {
      smoothing: 10 * scales.hessian,
      l2: 10 * scales.hessian,
      minLevelRows: Math.min(10, settings.minRows),
      minGroup: settings.minRows,
      maxLevels: 64,
      oneVersusRest: 4,
    },
  };
}

/** None yet, with a route of `binRoom` bytes. */
export function emptyCandidate(binRoom: number): Candidate {
  return {
    score: -1,
    feature: -1,
    bin: -1,
    missingLeft: 0,
    gradient: 0,
    hessian: 0,
    count: 0,
    routes: new Uint8Array(binRoom),
  };
}

/** What an l1 penalty leaves of a sum of gradients: it comes nearer to 0 by `l1`, or is 0 (soft thresholding). */
export function shrunk(gradient: number, l1: number): number {
  return gradient > l1 ? gradient - l1 : gradient < -l1 ? gradient + l1 : 0;
}

/** gL^2 / hL + gR^2 / hR with one division, the slowest instruction of a search. */
export function splitScore(gLeft: number, hLeft: number, gRight: number, hRight: number): number {
  return (gLeft * gLeft * hRight + gRight * gRight * hLeft) / (hLeft * hRight);
}

/** A histogram as 32-bit words: four a bin (see KernelShape.countShift). */
export interface HistogramWords {
  readonly words: Int32Array;
  readonly countShift: number;
}

/** G^2 / (H + l2) of the leaf itself: what a split must beat. */
export function parentScore(totals: Totals, { l1, l2 }: Penalties): number {
  const divisor = totals.hessian + l2;
  const gradient = shrunk(totals.gradient, l1);
  return divisor > 0 ? (gradient * gradient) / divisor : 0;
}

/** Makes a better split the best one; the routes of a category split are the caller's to write. */
export function keep(
  best: Candidate,
  score: number,
  feature: number,
  bin: number,
  missingLeft: number,
  gradient: number,
  hessian: number,
  count: number,
): void {
  best.score = score;
  best.feature = feature;
  best.bin = bin;
  best.missingLeft = missingLeft;
  best.gradient = gradient;
  best.hessian = hessian;
  best.count = count;
}

/** Weight of the upper word of a 64-bit lane. */
export const upperWord = 4294967296;
