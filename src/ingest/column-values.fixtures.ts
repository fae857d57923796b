import { columnOf, type Frame } from "../frame/frame.ts";

/** A column's values as they are stored, but levels for the codes of a category; null where one is missing. */
export function values(frame: Frame, name: string): unknown[] {
  const column = columnOf(frame, name);
  if (column.kind === "category") return Array.from(column.codes, (code) => column.levels[code] ?? null);
  return Array.from<unknown>(column.values);
}
