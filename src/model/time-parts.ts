import { cos, sin } from "../math/elementary.ts";
import type { TimePart } from "./fitted-transform.ts";

const msPerDay = 86_400_000;

/** One part of each UTC time (milliseconds since 1970); missing stays NaN. Ranges as in expressions; "days" is whole days. */
export function timePart(times: Float64Array, part: TimePart): Float64Array {
  const out = new Float64Array(times.length);
  for (let i = 0; i < out.length; ++i) out[i] = partOf(times[i]!, part);
  return out;
}

/** Sine and cosine of each time's position in the day, the week (from Monday) or the year; missing stays NaN. */
export function cyclicParts(
  times: Float64Array,
  period: "day" | "week" | "year",
): [sine: Float64Array, cosine: Float64Array] {
  const sine = new Float64Array(times.length);
  const cosine = new Float64Array(times.length);
  for (let i = 0; i < times.length; ++i) {
    const angle = 2 * Math.PI * positionIn(times[i]!, period);
    sine[i] = sin(angle);
    cosine[i] = cos(angle);
  }
  return [sine, cosine];
}

function partOf(time: number, part: TimePart): number {
  if (!Number.isFinite(time)) return NaN;
  const days = Math.floor(time / msPerDay);
  switch (part) {
    case "hour":
      return Math.floor((time - days * msPerDay) / 3_600_000);
    case "dayOfWeek":
      return dayOfWeek(days);
    case "days":
      return days;
    case "month":
      return civil(days).month;
    case "dayOfMonth":
      return civil(days).day;
    case "year":
      return civil(days).year;
    case "dayOfYear":
      return days - firstDayOf(civil(days).year) + 1;
  }
}

function positionIn(time: number, period: "day" | "week" | "year"): number {
  if (!Number.isFinite(time)) return NaN;
  const days = Math.floor(time / msPerDay);
  const dayShare = (time - days * msPerDay) / msPerDay;
  if (period === "day") return dayShare;
  if (period === "week") return (dayOfWeek(days) + dayShare) / 7;
  const { year } = civil(days);
  const first = firstDayOf(year);
  return (days - first + dayShare) / (firstDayOf(year + 1) - first);
}

/** 0 = Monday; day 0 (1970-01-01) was a Thursday. */
function dayOfWeek(days: number): number {
  return (((days + 3) % 7) + 7) % 7;
}

/** Days from 1970-01-01 to the first of January of a year of the proleptic Gregorian calendar. */
function firstDayOf(year: number): number {
  const before = year - 1;
  return 365 * before + Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400) - 719_162;
}

/**
 * The Gregorian date of a day number. Method: Howard Hinnant, "chrono-compatible low-level date algorithms",
 * civil_from_days: years run from March, so that the leap day is the last of its year.
 */
function civil(days: number): { year: number; month: number; day: number } {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1,
  };
}
