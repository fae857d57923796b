import { missingCode, type ColumnData } from "../frame/column.ts";
import { choleskySolve } from "../math/linear-algebra.ts";
import { argsort } from "../math/sort.ts";
import { binOf, edgesOf } from "./grouping.ts";
import { numbersOf, sampleOf } from "./sample-rows.ts";

/** How well a classifier tells two sets of rows apart, on rows it has not seen: 0.5 not at all, 1 always. */
export interface Separation {
  readonly auc: number;
  /** Columns that tell most, the first first; at most three. */
  readonly columns: readonly string[];
}

const mostRows = 2500;
const mostIndicators = 150;
const nBins = 5;
const mostLevels = 6;

interface Indicators {
  /** By row of the sample, by indicator. */
  readonly matrix: Float64Array;
  readonly width: number;
  /** The column of each indicator. */
  readonly columnOf: readonly string[];
}

/**
 * A ridge regression of "belongs to the second set" on indicators of quantile bins and levels, learned from every other
 * row and judged on the rest. Null where a set has fewer than 100 rows or nothing tells them apart but text.
 */
export function tellApart(
  names: readonly string[],
  columns: readonly ColumnData[],
  first: Uint32Array,
  second: Uint32Array,
): Separation | null {
  if (first.length < 100 || second.length < 100) return null;
  const [a, b] = [sampleOf(first, mostRows), sampleOf(second, mostRows)];
  const rows = Uint32Array.from([...a, ...b]);
  const truth = Float64Array.from(rows, (_, i) => (i < a.length ? 0 : 1));
  const indicators = indicate(names, columns, rows);
  if (indicators.width === 0) return null;
  const weights = fit(indicators, truth);
  const { matrix, width } = indicators;
  const judged = Array.from(rows.keys()).filter((i) => i % 2 === 1);
  const scores = Float64Array.from(judged, (i) => {
    let score = 0;
    for (let k = 0; k < width; ++k) score += matrix[i * width + k]! * weights[k]!;
    return score;
  });
  const labels = Uint8Array.from(judged, (i) => truth[i]!);
  return { auc: areaOf(scores, labels), columns: strongest(indicators, weights) };
}

function indicate(names: readonly string[], columns: readonly ColumnData[], rows: Uint32Array): Indicators {
  const blocks = columns.map((column) => binsOf(column, rows));
  const columnOf: string[] = [];
  const starts = blocks.map((block, i) => {
    const start = columnOf.length;
    if (!block || start + block.nBins > mostIndicators) return -1;
    for (let k = 0; k < block.nBins; ++k) columnOf.push(names[i]!);
    return start;
  });
  const width = columnOf.length;
  const matrix = new Float64Array(rows.length * width);
  blocks.forEach((block, c) => {
    if (!block || starts[c]! < 0) return;
    for (let i = 0; i < rows.length; ++i) matrix[i * width + starts[c]! + block.codes[i]!] = 1;
  });
  return { matrix, width, columnOf };
}

/** Bin 0 holds the missing, the last one the rare levels. */
function binsOf(column: ColumnData, rows: Uint32Array): { readonly codes: Int32Array; readonly nBins: number } | null {
  switch (column.kind) {
    case "text":
      return null;
    case "boolean":
      return {
        nBins: 3,
        codes: Int32Array.from(rows, (row) => (column.values[row]! > 1 ? 0 : column.values[row]! + 1)),
      };
    case "category": {
      const counts = new Uint32Array(column.levels.length);
      for (const row of rows) if (column.codes[row] !== missingCode) ++counts[column.codes[row]!]!;
      const order = Array.from(counts.keys()).sort((x, y) => counts[y]! - counts[x]! || x - y);
      const bin = new Int32Array(counts.length).fill(mostLevels + 1);
      order.slice(0, mostLevels).forEach((code, i) => (bin[code] = i + 1));
      const codes = Int32Array.from(rows, (row) => (column.codes[row] === missingCode ? 0 : bin[column.codes[row]!]!));
      return { nBins: mostLevels + 2, codes };
    }
    default: {
      const values = numbersOf(column, rows);
      const edges = edgesOf(values, nBins);
      const codes = Int32Array.from(values, (value) =>
        value === value && edges.length > 0 ? 1 + binOf(edges, value) : 0,
      );
      return { nBins: edges.length + 1, codes };
    }
  }
}

/** Least squares with a ridge of one row a weight, over the rows at even places. */
function fit({ matrix, width }: Indicators, truth: Float64Array): Float64Array {
  const gram = new Float64Array(width * width);
  const right = new Float64Array(width);
  for (let i = 0; i < truth.length; i += 2) {
    const row = i * width;
    for (let j = 0; j < width; ++j) {
      if (matrix[row + j] === 0) continue;
      right[j]! += truth[i]! - 0.5;
      for (let k = 0; k < width; ++k) gram[j * width + k]! += matrix[row + k]!;
    }
  }
  for (let j = 0; j < width; ++j) gram[j * width + j]! += 1;
  return choleskySolve(gram, width, right) ?? new Float64Array(width);
}

/** The area under the curve by ranks, ties counted half. */
function areaOf(scores: Float64Array, labels: Uint8Array): number {
  const order = argsort(scores);
  let below = 0;
  let area = 0;
  let nPositive = 0;
  for (let i = 0; i < order.length;) {
    const score = scores[order[i]!]!;
    let positive = 0;
    let negative = 0;
    for (; i < order.length && scores[order[i]!] === score; ++i) {
      if (labels[order[i]!] === 1) ++positive;
      else ++negative;
    }
    area += positive * (below + negative / 2);
    below += negative;
    nPositive += positive;
  }
  return nPositive === 0 || below === 0 ? 0.5 : area / (nPositive * below);
}

function strongest({ columnOf }: Indicators, weights: Float64Array): readonly string[] {
  const range = new Map<string, readonly [number, number]>();
  columnOf.forEach((name, k) => {
    const [low, high] = range.get(name) ?? [Infinity, -Infinity];
    range.set(name, [Math.min(low, weights[k]!), Math.max(high, weights[k]!)]);
  });
  const spreads = [...range].map(([name, [low, high]]) => [name, high - low] as const);
  return spreads
    .sort((x, y) => y[1] - x[1])
    .slice(0, 3)
    .map(([name]) => name);
}
