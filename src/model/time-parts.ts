import { timestampPart } from "../frame/kernels/times.ts";
import { daysFromCivil } from "../frame/timestamp.ts";
import { cos, sin } from "../math/elementary.ts";
import type { TimePart } from "./fitted-transform.ts";

const msPerDay = 86_400_000;

/** One part of each UTC time, as expressions define it; "days" is whole days since 1970. Missing stays NaN. */
export function timePart(times: Float64Array, part: TimePart): Float64Array {
  return part === "days" ? times.map((time) => Math.floor(time / msPerDay)) : timestampPart(part, times);
}

/** Sine and cosine of each time's position in the day, the week (from Monday) or the year; missing stays NaN. */
export function cyclicParts(
  times: Float64Array,
  period: "day" | "week" | "year",
): [sine: Float64Array, cosine: Float64Array] {
  const positions = positionsIn(times, period);
  const sine = new Float64Array(times.length);
  const cosine = new Float64Array(times.length);
  for (let i = 0; i < times.length; ++i) {
    const angle = 2 * Math.PI * positions[i]!;
    sine[i] = sin(angle);
    cosine[i] = cos(angle);
  }
  return [sine, cosine];
}

/** 0 at the start of the period, towards 1 at its end. */
function positionsIn(times: Float64Array, period: "day" | "week" | "year"): Float64Array {
  const ofDay = times.map((time) => (time - Math.floor(time / msPerDay) * msPerDay) / msPerDay);
  if (period === "day") return ofDay;
  if (period === "week") return timestampPart("dayOfWeek", times).map((day, i) => (day + ofDay[i]!) / 7);
  const years = timestampPart("year", times);
  return timestampPart("dayOfYear", times).map((day, i) => {
    const daysOfYear = daysFromCivil(years[i]! + 1, 1, 1) - daysFromCivil(years[i]!, 1, 1);
    return (day - 1 + ofDay[i]!) / daysOfYear;
  });
}
