/** A metric's value for people: four decimals below 10, four to six digits above; "not defined" for null. */
export function formatMetric(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return "not defined";
  const size = Math.abs(value);
  if (size >= 1e9 || (size > 0 && size < 1e-4)) return value.toExponential(2);
  if (size >= 10_000) return value.toFixed(0);
  if (size >= 100) return value.toFixed(1);
  return value.toFixed(size >= 10 ? 2 : 4);
}

/** formatMetric(), with all digits where rounding would hide on which side of the limit the value lies. */
export function formatBeside(value: number, limit: number): string {
  const text = formatMetric(value);
  return Number(text) === limit && value !== limit ? String(value) : text;
}
