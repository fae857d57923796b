/** The same memory as words, as bytes and as the cells of columns. */
export interface PartitionViews {
  readonly words: Int32Array | Uint32Array;
  readonly bytes: Uint8Array;
  readonly cells: Uint8Array | Uint16Array;
}

/** The naive twin of `partitionKernel`; `column` is the position of the cell of row 0. */
export function partitionPlainly(
  { words, bytes, cells }: PartitionViews,
  begin: number,
  end: number,
  target: number,
  column: number,
  route: number,
  scratch: number,
): number {
  let left = target / 4;
  let right = scratch / 4;
  for (let at = begin / 4; at < end / 4; ++at) {
    if (bytes[route + cells[column + words[at]!]!] === 4) words[left++] = words[at]!;
    else words[right++] = words[at]!;
  }
  words.copyWithin(left, scratch / 4, right);
  return left - target / 4;
}
