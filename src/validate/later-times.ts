/** Share of rows from which a time behind the row's own is no slip of a clock. */
export const lateLimit = 0.01;

/** Share of `rows` in which a time lies behind the row's own; rows without either do not count. */
export function shareLater(values: Float64Array, times: Float64Array, rows: Uint32Array): number {
  let later = 0;
  let both = 0;
  for (const row of rows) {
    if (Number.isNaN(values[row]) || Number.isNaN(times[row])) continue;
    ++both;
    if (values[row]! > times[row]!) ++later;
  }
  return both === 0 ? 0 : later / both;
}
