/**
 * What `scanFeatures` reads and keeps up to date, as byte offsets: two 64-bit lanes each, one a leaf. Scores, totals and
 * limits of hessians are doubles; sums are the 64-bit integers of a histogram (hessian and count in one).
 */
export const scanState = {
  bestScore: 0,
  bestPosition: 16,
  bestGradient: 32,
  bestHessianCount: 48,
  totalGradient: 64,
  totalHessian: 80,
  l2: 96,
  minHessian: 112,
  /** Sums of hessian and count with rows enough on both sides lie strictly between these. */
  fewestRows: 128,
  mostRows: 144,
  l1: 160,
  /** Where the list has the feature of the best cut; only where there is one. */
  bestEntry: 176,
  bytes: 192,
} as const;

/** Set in a position where the missing rows go left. Bins are fewer: 16 bytes each, they fit into 32-bit addresses. */
export const missingLeftBit: number = 2 ** 29;

/** A feature of numbers in the list `scanFeatures` takes, as byte offsets: its value bins, where its bins start, its number. */
export const scanEntry = { nValues: 0, offset: 4, feature: 8, bytes: 12 } as const;

/** A split as `takeSplit` writes it, as byte offsets: sums of its left side and its score as doubles, then 32-bit integers, then a route byte a bin. */
export const foundSplit = {
  score: 0,
  gradient: 8,
  hessian: 16,
  count: 24,
  feature: 32,
  bin: 36,
  missingLeft: 40,
  routes: 64,
} as const;
