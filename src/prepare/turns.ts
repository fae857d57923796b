import type { Fold } from "./fold.ts";

/** A turn for each of `k` folds, which tests on the rows of that fold, `codes` by their position, and learns from all others. */
export function turns(k: number, rows: Uint32Array, codes: Uint32Array): Fold[] {
  const sorted = isAscending(rows) ? { rows, codes } : sortTogether(rows, codes);
  return Array.from({ length: k }, (_, fold) => oneTurn(fold, sorted.rows, sorted.codes));
}

function oneTurn(fold: number, rows: Uint32Array, codes: Uint32Array): Fold {
  const n = rows.length;
  let nTest = 0;
  for (let i = 0; i < n; ++i) if (codes[i] === fold) ++nTest;
  const train = new Uint32Array(n - nTest);
  const test = new Uint32Array(nTest);
  for (let i = 0, atTrain = 0, atTest = 0; i < n; ++i) {
    if (codes[i] === fold) test[atTest++] = rows[i]!;
    else train[atTrain++] = rows[i]!;
  }
  return { train, test };
}

function isAscending(rows: Uint32Array): boolean {
  for (let i = 1; i < rows.length; ++i) if (rows[i]! < rows[i - 1]!) return false;
  return true;
}

function sortTogether(rows: Uint32Array, codes: Uint32Array): { rows: Uint32Array; codes: Uint32Array } {
  const order = Array.from(rows, (_, i) => i).sort((a, b) => rows[a]! - rows[b]!);
  return { rows: Uint32Array.from(order, (i) => rows[i]!), codes: Uint32Array.from(order, (i) => codes[i]!) };
}

/**
 * A turn for each period of `order` but the first, which tests on it and learns from all rows that lie before it by the gap. `borders`
 * are where periods begin and, at last, where the last one ends; `times` are those of `order`.
 */
export function windows(order: Uint32Array, times: Float64Array, borders: ArrayLike<number>, gapMs: number): Fold[] {
  return Array.from({ length: borders.length - 2 }, (_, i) => ({
    train: order.slice(0, lastBefore(times, borders[i + 1]!, gapMs)).sort(),
    test: order.slice(borders[i + 1], borders[i + 2]).sort(),
  }));
}

/** How many of the rows before `border` lie at least a gap before it. */
function lastBefore(times: Float64Array, border: number, gapMs: number): number {
  let end = border;
  while (end > 0 && border < times.length && times[end - 1]! > times[border]! - gapMs) --end;
  return end;
}
