const mostPairs = 200_000;

/**
 * Which line each row stands on, kept as the rows where lines and rows fall out of step. A file with more than 100,000
 * such places has no index.
 */
export class LineIndex {
  #pairs: number[] = [];
  #offset = NaN;
  #isFull = false;

  /** Rows and lines go up; rows count from 0, lines from 1. */
  add(row: number, line: number): void {
    if (line - row === this.#offset || this.#isFull) return;
    this.#offset = line - row;
    this.#pairs.push(row, line);
    this.#isFull = this.#pairs.length > mostPairs;
  }

  get pairs(): readonly number[] {
    return this.#isFull ? [] : this.#pairs;
  }
}

/** The line of a row, from the pairs of its file; null where the file has no lines. */
export function lineOf(pairs: readonly number[], row: number): number | null {
  let low = 0;
  let high = pairs.length / 2 - 1;
  if (high < 0 || pairs[0]! > row) return null;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (pairs[2 * middle]! <= row) low = middle;
    else high = middle - 1;
  }
  return pairs[2 * low + 1]! + row - pairs[2 * low]!;
}
