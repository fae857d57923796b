/** Rows whose bytes fill a vector register. */
export const groupRows = 16;
/** Groups that are asked the same split at a time: what a split is has then to be read once for all of them. */
export const groups = 4;
/** Bytes of a tree's open leaves for a group of rows: four planes of eight leaves, a byte a row each. */
export const planeBytes = 64;
/** Leaves a tree may have: one bit each. */
export const mostLeaves = 32;

/** A tree, by byte offset: where the records of each of its planes end, and the offset of its output among a row's scores. */
export const treeRecord = { ends: 0, output: 16, bytes: 20 } as const;
/** What a split of numbers does to a plane: where the ranks it asks about stand, from which rank on a row goes right, and the leaves it then keeps. */
export const numberRecord = { ranks: 0, above: 4, keep: 5, bytes: 8 } as const;
/** What a split of codes does: its table, its tree's first plane that it clears, the clear bytes, their number. */
export const codeRecord = { table: 0, plane: 4, clear: 8, planes: 12, bytes: 16 } as const;
/** A run of code records that ask the same column: where its codes stand, first record, end. */
export const segmentRecord = { values: 0, begin: 4, end: 8, bytes: 12 } as const;

/** Bounds of a column are padded to this many, so that eight halvings reach any. */
export const boundsLength = 256;
/** Ranks are held less 128, as vectors compare signed bytes. */
export const leastRank = -128;
/** Cells that the range of a column's bounds is cut into, a byte each: how many bounds stand in the cells before. */
export const cellCount = 1024;
/** Bounds that a cell may hold. */
export const mostInCell = 2;
/** Added to a number below it, leaves nothing but a whole number in the lower bits. */
export const wholePart: number = 2 ** 52;
