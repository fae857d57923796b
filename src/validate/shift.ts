import { missingBoolean, missingCode, type ColumnData } from "../frame/column.ts";
import { log } from "../math/elementary.ts";
import { binOf, edgesOf } from "./grouping.ts";
import { numbersOf } from "./sample-rows.ts";

export interface Shift {
  /** Population stability index: sum of (q - p) ln(q / p) over bins, shares kept above 0.0001. */
  readonly psi: number;
  /** What two samples of these sizes from one population may reach: three times the expectation. */
  readonly noise: number;
}

const nBins = 10;
const mostLevels = 20;
const smallestShare = 1e-4;

/** Shift between two sets of rows, in ten bins of equal size of the first or its 20 commonest levels; null for text. */
export function populationShift(column: ColumnData, before: Uint32Array, after: Uint32Array): Shift | null {
  if (before.length === 0 || after.length === 0) return null;
  const binAt = binning(column, before);
  if (!binAt) return null;
  const p = shares(before, binAt);
  const q = shares(after, binAt);
  let psi = 0;
  for (let i = 0; i < p.length; ++i) {
    const from = Math.max(smallestShare, p[i]!);
    const to = Math.max(smallestShare, q[i]!);
    psi += (to - from) * log(to / from);
  }
  const used = p.reduce((n, share, i) => n + (share > 0 || q[i]! > 0 ? 1 : 0), 0);
  return { psi, noise: 3 * (used - 1) * (1 / before.length + 1 / after.length) };
}

const mostBins = Math.max(nBins, mostLevels) + 2;

/** Bin 0 is for missing values. */
function binning(column: ColumnData, rows: Uint32Array): ((row: number) => number) | null {
  switch (column.kind) {
    case "text":
      return null;
    case "boolean":
      return (row) => (column.values[row] === missingBoolean ? 0 : 1 + column.values[row]!);
    case "category": {
      const ranks = levelRanks(column.codes, column.levels.length, rows);
      return (row) => (column.codes[row] === missingCode ? 0 : ranks[column.codes[row]!]!);
    }
    default: {
      const edges = edgesOf(numbersOf(column, rows), nBins);
      return (row) =>
        column.values[row] === column.values[row] && edges.length > 0 ? 1 + binOf(edges, column.values[row]!) : 0;
    }
  }
}

/** The bin of each level: 1 to 20 for the commonest, 21 for all others. */
function levelRanks(codes: Int32Array, nLevels: number, rows: Uint32Array): Uint8Array {
  const counts = new Uint32Array(nLevels);
  for (const row of rows) if (codes[row] !== missingCode) ++counts[codes[row]!]!;
  const order = Array.from(counts.keys()).sort((a, b) => counts[b]! - counts[a]! || a - b);
  const ranks = new Uint8Array(nLevels).fill(mostLevels + 1);
  for (let i = 0; i < Math.min(mostLevels, order.length); ++i) ranks[order[i]!] = i + 1;
  return ranks;
}

function shares(rows: Uint32Array, binAt: (row: number) => number): Float64Array {
  const result = new Float64Array(mostBins);
  for (const row of rows) result[binAt(row)]! += 1;
  return result.map((count) => count / rows.length);
}
