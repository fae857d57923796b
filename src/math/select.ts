import { quantileSorted, withoutNaN } from "./quantile.ts";

/**
 * Quantiles (R type 7) of values in any order, NaN left out: what `quantiles` gives, without sorting everything.
 *
 * Method: Hoare's selection. The order statistics that are asked for are put in their places, the middle one first, so
 * that each later one searches one side of it only. Ranges that refuse to shrink are sorted instead, which keeps hostile
 * orders from costing quadratic time.
 */
export function selectQuantiles(values: Float64Array, ps: readonly number[]): number[] {
  const present = withoutNaN(values);
  const n = present.length;
  const places = new Set<number>();
  for (const p of ps) {
    if (n === 0 || !(p >= 0 && p <= 1)) continue;
    const below = Math.floor((n - 1) * p);
    places.add(below).add(Math.min(below + 1, n - 1));
  }
  placeAll(
    present,
    0,
    n,
    [...places].sort((a, b) => a - b),
  );
  return ps.map((p) => quantileSorted(present, p));
}

/** Puts the order statistics `places` (ascending, all within from..to) where sorting would. */
function placeAll(values: Float64Array, from: number, to: number, places: readonly number[]): void {
  if (places.length === 0) return;
  const middle = places.length >> 1;
  const place = places[middle]!;
  placeOne(values, from, to, place);
  placeAll(values, from, place, places.slice(0, middle));
  placeAll(values, place + 1, to, places.slice(middle + 1));
}

function placeOne(values: Float64Array, start: number, end: number, place: number): void {
  let from = start;
  let to = end - 1;
  for (let patience = 4 * Math.ceil(Math.log2(end - start + 1)); from < to; --patience) {
    if (patience === 0 || to - from < 32) {
      values.subarray(from, to + 1).sort();
      return;
    }
    const pivot = medianOfThree(values[from]!, values[(from + to) >> 1]!, values[to]!);
    let i = from;
    let j = to;
    while (i <= j) {
      while (values[i]! < pivot) ++i;
      while (pivot < values[j]!) --j;
      if (i > j) break;
      const held = values[i]!;
      values[i++] = values[j]!;
      values[j--] = held;
    }
    // values[from..j] <= pivot <= values[i..to]; between them only pivots
    if (place <= j) to = j;
    else if (place >= i) from = i;
    else return;
  }
}

function medianOfThree(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}
