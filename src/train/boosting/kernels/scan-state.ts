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
  bytes: 192,
} as const;

/** A feature of numbers in the list `scanFeatures` takes, as byte offsets: its number, its value bins, where its bins start. */
export const scanEntry = { feature: 0, nValues: 4, offset: 8, bytes: 12 } as const;
