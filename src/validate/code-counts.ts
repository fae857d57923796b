import type { ColumnData } from "../frame/column.ts";
import { stretch } from "../math/stretch.ts";

type CodedColumn = Extract<ColumnData, { readonly kind: "boolean" | "category" }>;

/** How many of `rows` have each of the codes below `nCodes`; that of a missing level is none of them. */
export function countCodes(column: CodedColumn, rows: Uint32Array, nCodes: number): Uint32Array {
  // One place in front for the code -1.
  const counts = new Uint32Array(nCodes + 1);
  const own = new Int32Array(stretch);
  for (let from = 0; from < rows.length; from += stretch) {
    const some = rows.subarray(from, from + stretch);
    // A loop that meets arrays of two types is slow for both: one is told from the other once a stretch.
    if (column.kind === "boolean") gatherTruths(column.values, some, own);
    else gatherCodes(column.codes, some, own);
    addCounts(own, some.length, counts);
  }
  return counts.subarray(1);
}

function gatherTruths(truths: Uint8Array, rows: Uint32Array, out: Int32Array): void {
  for (let i = 0, n = rows.length; i < n; ++i) out[i] = truths[rows[i]!]!;
}

function gatherCodes(codes: Int32Array, rows: Uint32Array, out: Int32Array): void {
  for (let i = 0, n = rows.length; i < n; ++i) out[i] = codes[rows[i]!]!;
}

function addCounts(codes: Int32Array, n: number, counts: Uint32Array): void {
  for (let i = 0; i < n; ++i) counts[codes[i]! + 1]! += 1;
}
