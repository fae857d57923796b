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
  const before = new Uint8Array(cellCount);
  let [last, inLast] = [-1, 0];
  for (let i = 0; i < bounds.length; ++i) {
    const onLine = Math.max(0, Math.min(cellCount - 1, bounds[i]! * scale + offset));
    const cell = onLine + wholePart - wholePart;
    inLast = cell === last ? inLast + 1 : 1;
    if (inLast > mostInCell) return null;
    before.fill(i, last + 1, cell + 1);
    last = cell;
  }
  return { scale, offset, before: before.fill(bounds.length, last + 1) };
}
