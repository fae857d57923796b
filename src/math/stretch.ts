/**
 * Values that one call of a loop takes: a function that is called often is compiled after a few of them, as a whole and for
 * good; one that is called once runs long before, and what is compiled in its midst is left at its end. A multiple of 8, so
 * that a stretch of bits starts with a byte.
 */
export const stretch = 1_024;
