/** Added to a double below 2^51 in size it leaves no bits after the point: the sum holds the nearest integer, ties to even. */
export const roundingMagic = 6755399441055744;

/** The nearest integer, ties to even, of a number below 2^51 in size. */
export function nearestInteger(value: number): number {
  return value + roundingMagic - roundingMagic;
}

/** From one row to the next the dither moves by the golden ratio of its range: it fills the range evenly (Weyl 1916). */
export const ditherStep = 0x9e3779b9;
