import { cellCount, mostInCell, wholePart } from "./records.ts";

/** The range of a column's bounds cut into cells by a line: cell of x = scale * x + offset, rounded and held within them. */
export interface BoundCells {
  readonly scale: number;
  readonly offset: number;
  /** How many bounds stand in the cells before each. */
  readonly before: Uint8Array;
}

/** The cells of ascending bounds, fewer than 256; null where a cell would hold more than the kernel compares. */
export function cellsOf(bounds: Float64Array): BoundCells | null {
  const [low, high] = [bounds[0]!, bounds[bounds.length - 1]!];
  const scale = high > low ? (cellCount - 1) / (high - low) : 1;
  const offset = -low * scale;
  if (!(scale > 0 && scale < Infinity && Number.isFinite(offset))) return null;
  const counts = new Uint8Array(cellCount);
  for (const bound of bounds) {
    const onLine = Math.max(0, Math.min(cellCount - 1, bound * scale + offset));
    counts[onLine + wholePart - wholePart]! += 1;
  }
  if (counts.some((count) => count > mostInCell)) return null;
  let sum = 0;
  return { scale, offset, before: counts.map((count) => (sum += count) - count) };
}
