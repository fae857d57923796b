import type { DenseColumn } from "../../model/design.ts";
import type { ColumnBins } from "../boosting/bins.ts";

/** Rows binned at a time. */
const blockRows = 4096;

/**
 * Writes the bins of a column's rows, at most 255 and the one for missing, one after the other from `at`. Yields after each
 * block of rows, so that the caller can let others run.
 */
export function* writeBins({ values }: DenseColumn, bins: ColumnBins, out: Uint8Array, at: number): Generator<void> {
  const write = bins.kind === "number" ? numberWriter(bins, values.length) : categoryWriter(bins);
  for (let from = 0; from < values.length; from += blockRows) {
    write(values, from, Math.min(values.length, from + blockRows), out, at);
    yield;
  }
}

type Writer = (values: Float64Array, from: number, to: number, out: Uint8Array, at: number) => void;

/**
 * Cells of the grid between the first and the last bound: so many that few hold a bound, and whether a value has to step is
 * foreseen; fewer where few rows are to be binned.
 */
const gridCells = (nRows: number): number => (nRows < 65_536 ? 2048 : 16_384);
/** With more bounds than this in a cell, halving beats stepping. */
const mostSteps = 6;

/**
 * Same as `binOf` row by row. A grid over the bounds says how many lie in the cells before a value's own, then steps pass
 * those in its cell: a value in a later cell is larger, since the cell never falls as the value rises.
 */
function numberWriter({ upper, nValues }: ColumnBins & { kind: "number" }, nRows: number): Writer {
  const low = upper[0] ?? 0;
  const cells = gridCells(nRows);
  const scale = (cells - 1) / (upper.at(-1)! - low);
  if (!(scale > 0 && scale < Infinity)) return halvingWriter(upper, nValues);
  const cellOf = (value: number): number => Math.max(0, Math.min(cells - 1, (value - low) * scale)) | 0;
  const before = new Uint8Array(cells + 1);
  for (const bound of upper) before[cellOf(bound) + 1]! += 1;
  if (before.some((count) => count > mostSteps)) return halvingWriter(upper, nValues);
  for (let cell = 1; cell <= cells; ++cell) before[cell]! += before[cell - 1]!;
  const bounds = new Float64Array(upper.length + 1).fill(Infinity);
  bounds.set(upper);
  return (values, from, to, out, at) => {
    // Locals: what a closure has caught is read again for every row.
    const [grid, sorted, start, step, last, missing] = [before, bounds, low, scale, cells - 1, nValues];
    for (let row = from; row < to; ++row) {
      const value = values[row]!;
      let position = (value - start) * step;
      if (!(position > 0)) position = 0;
      else if (position > last) position = last;
      let bin = grid[position | 0]!;
      while (sorted[bin]! < value) ++bin;
      out[at + row] = value === value ? bin : missing;
    }
  };
}

/** Same as `binOf` row by row; eight halvings without a branch over bounds padded with Infinity. */
function halvingWriter(bounds: Float64Array, missing: number): Writer {
  const upper = new Float64Array(256).fill(Infinity);
  upper.set(bounds);
  let width = 1;
  while (width <= bounds.length) width *= 2;
  const half = width >> 1;
  return (values, from, to, out, at) => {
    for (let row = from; row < to; ++row) {
      const value = values[row]!;
      let bin = 0;
      for (let step = half; step > 0; step >>= 1) bin += -Number(upper[bin + step - 1]! < value) & step;
      out[at + row] = value === value ? bin : missing;
    }
  };
}

function categoryWriter({ binOfCode, nValues }: ColumnBins & { kind: "category" }): Writer {
  return (values, from, to, out, at) => {
    for (let row = from; row < to; ++row) out[at + row] = binOfCode[values[row]!] ?? nValues;
  };
}
