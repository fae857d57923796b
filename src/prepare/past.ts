import { MillraceError } from "../core/errors/error.ts";
import type { ColumnData } from "../frame/column.ts";
import { argsort } from "../math/sort.ts";

/** `rows` from the earliest to the latest (equal times keep their order) with their times. */
export function timeOrder(
  time: ColumnData,
  rows: Uint32Array,
): { readonly order: Uint32Array; readonly times: Float64Array } {
  if (time.kind !== "timestamp" && time.kind !== "number")
    throw new MillraceError("DEFINITION_INVALID", {
      subject: "time",
      rule: "must name a timestamp column",
      actual: `a ${time.kind} column`,
    });
  const held = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; ++i) held[i] = time.values[rows[i]!]!;
  const positions = argsort(held);
  const order = new Uint32Array(rows.length);
  const times = new Float64Array(rows.length);
  for (let i = 0; i < positions.length; ++i) {
    order[i] = rows[positions[i]!]!;
    times[i] = held[positions[i]!]!;
  }
  return { order, times };
}

/**
 * The border nearest to `border` within [start, end] at which times[border - 1] < times[border], so that rows of equal
 * time stay on one side. Both sides keep a row; where all times are equal the answer is `end`: nothing after the border.
 */
export function moveBorder(times: Float64Array, start: number, end: number, border: number): number {
  const wanted = Math.min(Math.max(border, start + 1), end - 1);
  if (wanted <= start) return end;
  const time = times[wanted]!;
  let earlier = wanted;
  while (earlier > start && times[earlier - 1] === time) --earlier;
  let later = wanted;
  while (later < end && times[later] === time) ++later;
  if (earlier === start) return later;
  if (later === end) return earlier;
  return wanted - earlier <= later - wanted ? earlier : later;
}
