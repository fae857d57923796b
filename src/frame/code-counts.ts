import { stretch } from "../math/stretch.ts";
import type { BooleanColumnData, CategoryColumnData } from "./column.ts";

const known = new WeakMap<Int32Array | Uint8Array, Uint32Array>();

/**
 * How many rows have each code, that of a missing level, -1, first; of a boolean column each byte, one place further, too.
 * Counted once a column: who checks it and who profiles it ask the same.
 */
export function rowsByCode(column: BooleanColumnData | CategoryColumnData): Uint32Array {
  const codes = column.kind === "category" ? column.codes : column.values;
  let counts = known.get(codes);
  if (counts === undefined) {
    counts = column.kind === "category" ? countLevels(column) : countBytes(column.values);
    known.set(codes, counts);
  }
  return counts;
}

// A count waits for the one before of the same code: neighbours are counted apart.

function countLevels({ codes, levels }: CategoryColumnData): Uint32Array {
  const [counts, others] = [new Uint32Array(levels.length + 1), new Uint32Array(levels.length + 1)];
  for (let from = 0; from < codes.length; from += stretch)
    addLevels(codes.subarray(from, from + stretch), counts, others);
  return addAll(counts, others);
}

function addLevels(codes: Int32Array, counts: Uint32Array, others: Uint32Array): void {
  const n = codes.length;
  for (let i = 1; i < n; i += 2) {
    counts[codes[i - 1]! + 1]! += 1;
    others[codes[i]! + 1]! += 1;
  }
  if (n % 2 === 1) counts[codes[n - 1]! + 1]! += 1;
}

function countBytes(bytes: Uint8Array): Uint32Array {
  const [counts, others] = [new Uint32Array(257), new Uint32Array(257)];
  for (let from = 0; from < bytes.length; from += stretch)
    addBytes(bytes.subarray(from, from + stretch), counts, others);
  return addAll(counts, others);
}

function addBytes(bytes: Uint8Array, counts: Uint32Array, others: Uint32Array): void {
  const n = bytes.length;
  for (let i = 1; i < n; i += 2) {
    counts[bytes[i - 1]! + 1]! += 1;
    others[bytes[i]! + 1]! += 1;
  }
  if (n % 2 === 1) counts[bytes[n - 1]! + 1]! += 1;
}

function addAll(counts: Uint32Array, others: Uint32Array): Uint32Array {
  for (let i = 0; i < counts.length; ++i) counts[i]! += others[i]!;
  return counts;
}
