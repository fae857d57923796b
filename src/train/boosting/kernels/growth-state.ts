/**
 * What `grow` works on, a block a thread, as byte offsets: addresses of the thread's own (32-bit), then scales of sums
 * as doubles, then a record a leaf.
 */
export const growthState = {
  /** Features to search, and where their list ends; block of the search of cuts. */
  list: 0,
  listEnd: 4,
  search: 8,
  /** Best splits, one a histogram. */
  found: 12,
  /** Histograms the thread sums its rows into: of packed bins, and of bins where it is not alone. */
  packed: 16,
  wide: 20,
  /** Where it says how many rows it has summed. */
  summed: 24,
  gathered: 28,
  /** The runs of bins that are its own to add up, and of all those that packed bins have no room for, each with where they end. */
  runs: 32,
  runsEnd: 36,
  wideRuns: 40,
  wideRunsEnd: 44,
  /** How many rows packed bins are given before those of `wideRuns` are widened. */
  packedRows: 48,
  /** Where the rows of the root are listed that the tree is learned from: they are moved to the index. */
  rootList: 52,
  /** Where it says which of its listed rows are left to sum: see `leftRows`. */
  left: 56,
  /** The tree: see `treeLayout`. */
  tree: 60,
  gradientScale: 64,
  hessianScale: 72,
  leaves: 80,
} as const;

/** A run of bins, as `BinRun`, as byte offsets. */
export const binRun = { isKept: 0, from: 4, to: 8, bytes: 12 } as const;

/** A leaf: sums over the rows of all threads and what its best split gains (0: there is none) as doubles, then 32-bit integers: see `Leaf`. */
export const growthLeaf = {
  gradient: 0,
  hessian: 8,
  count: 16,
  gain: 24,
  begin: 32,
  own: 36,
  restBegin: 40,
  rest: 44,
  slot: 48,
  depth: 52,
  node: 56,
  bytes: 64,
} as const;

/** Bytes of the block of a thread, whole cache lines. */
export const growthBytes = (leaves: number): number =>
  Math.ceil((growthState.leaves + leaves * growthLeaf.bytes) / 64) * 64;
