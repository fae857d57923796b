/** A set of integers as ascending, disjoint pairs [first, last] that do not touch. */
export type Intervals = (readonly [first: number, last: number])[];

export function hasSequence(intervals: Readonly<Intervals>, sequence: number): boolean {
  const place = placeOf(intervals, sequence);
  return place >= 0 && sequence <= intervals[place]![1];
}

/** Puts `sequence` into the set, joined to the neighbours it touches. */
export function addSequence(intervals: Intervals, sequence: number): void {
  const place = placeOf(intervals, sequence);
  const before = place >= 0 ? intervals[place]! : null;
  const after = place + 1 < intervals.length ? intervals[place + 1]! : null;
  if (before && sequence <= before[1]) return;
  const joinsBefore = before !== null && before[1] === sequence - 1;
  const joinsAfter = after !== null && after[0] === sequence + 1;
  if (joinsBefore && joinsAfter) intervals.splice(place, 2, [before[0], after[1]]);
  else if (joinsBefore) intervals[place] = [before[0], sequence];
  else if (joinsAfter) intervals[place + 1] = [sequence, after[1]];
  else intervals.splice(place + 1, 0, [sequence, sequence]);
}

/** All that is in one of the two. */
export function unionOf(some: Readonly<Intervals>, others: Readonly<Intervals>): Intervals {
  const union: Intervals = [];
  for (const [first, last] of [...some, ...others].sort(([a], [b]) => a - b)) {
    const before = union.at(-1);
    if (before && first <= before[1] + 1) union[union.length - 1] = [before[0], Math.max(before[1], last)];
    else union.push([first, last]);
  }
  return union;
}

/** With all up to `sequence`: of messages parted by others, one pair instead of one each. */
export function withAllUpTo(intervals: Readonly<Intervals>, sequence: number): Intervals {
  if (sequence <= 0) return [...intervals];
  const beyond = intervals.filter(([, last]) => last > sequence);
  const [next] = beyond;
  if (next && next[0] <= sequence + 1) return [[0, next[1]], ...beyond.slice(1)];
  return [[0, sequence], ...beyond];
}

/** The last interval that begins at or before `sequence`; -1 where there is none. */
function placeOf(intervals: Readonly<Intervals>, sequence: number): number {
  let low = -1;
  let high = intervals.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (intervals[middle]![0] <= sequence) low = middle;
    else high = middle - 1;
  }
  return low;
}
