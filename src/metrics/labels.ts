/** Label positions, one a row: 0 or 1 (1 = positive) of a binary task, 0..K-1 of K classes. */
export type Labels = Float64Array | Int32Array | Uint8Array;
