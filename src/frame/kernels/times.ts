import { farthestTimestamp } from "../timestamp.ts";

/** Parts of a time in UTC: hour 0-23, dayOfWeek 0 (Monday) to 6, month 1-12, dayOfMonth 1-31, dayOfYear 1-366. */
export type TimestampPart = "hour" | "dayOfWeek" | "month" | "dayOfMonth" | "dayOfYear" | "year";

const msPerDay = 86_400_000;
const msPerHour = 3_600_000;
/** Added to years so that a packed date is never negative: timestamps reach from year -271821 to 275760. */
const yearOffset = 300_000;

/**
 * The date of a day counted from 1970-01-01, packed as (year + yearOffset) * 512 + month * 32 + day.
 *
 * Method: Howard Hinnant, civil_from_days. The calendar is cut into eras of 400 years (146,097 days) that start in
 * March, so that the leap day is the last of its year; then every part follows from integer divisions. `| 0` keeps
 * every step in 32-bit integers, which halves the time.
 */
function packedDate(day: number): number {
  const shifted = (day + 719_468) | 0;
  const era = ((shifted >= 0 ? shifted : (shifted - 146_096) | 0) / 146_097) | 0;
  const dayOfEra = (shifted - Math.imul(era, 146_097)) | 0;
  const leapDays = (((dayOfEra / 1460) | 0) - ((dayOfEra / 36_524) | 0) + ((dayOfEra / 146_096) | 0)) | 0;
  const yearOfEra = (((dayOfEra - leapDays) | 0) / 365) | 0;
  const dayFromMarch = (dayOfEra - (Math.imul(365, yearOfEra) + (yearOfEra >> 2) - ((yearOfEra / 100) | 0))) | 0;
  const monthFromMarch = (((Math.imul(5, dayFromMarch) + 2) | 0) / 153) | 0;
  const dayOfMonth = (dayFromMarch - ((((Math.imul(153, monthFromMarch) + 2) | 0) / 5) | 0) + 1) | 0;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = (yearOfEra + Math.imul(era, 400) + (month <= 2 ? 1 : 0)) | 0;
  return ((year + yearOffset) << 9) | (month << 5) | dayOfMonth;
}

/** Days of a common year before each month, month 1 at position 1. */
const daysBefore = Int32Array.of(0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334);

function dayOfYear(packed: number): number {
  const year = (packed >> 9) - yearOffset;
  const month = (packed >> 5) & 15;
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return daysBefore[month]! + (packed & 31) + (isLeap && month > 2 ? 1 : 0);
}

/** A part of each time; missing where the time is missing or farther than a timestamp may be. */
export function timestampPart(part: TimestampPart, times: Float64Array): Float64Array {
  const n = times.length;
  const out = new Float64Array(n);
  for (let i = 0; i < n; ++i) {
    const time = times[i]!;
    if (!(time >= -farthestTimestamp && time <= farthestTimestamp)) {
      out[i] = NaN;
      continue;
    }
    // Whole milliseconds first: a tiny negative fraction would vanish in the division.
    const ms = Math.floor(time);
    const day = Math.floor(ms / msPerDay) | 0;
    switch (part) {
      case "hour":
        out[i] = ((ms - day * msPerDay) / msPerHour) | 0;
        break;
      case "dayOfWeek":
        // 1970-01-01 was a Thursday.
        out[i] = (((day + 3) % 7) + 7) % 7;
        break;
      case "month":
        out[i] = (packedDate(day) >> 5) & 15;
        break;
      case "dayOfMonth":
        out[i] = packedDate(day) & 31;
        break;
      case "dayOfYear":
        out[i] = dayOfYear(packedDate(day));
        break;
      case "year":
        out[i] = (packedDate(day) >> 9) - yearOffset;
        break;
    }
  }
  return out;
}

/** Hours from b to a. */
export function hoursSince(a: Float64Array, aStep: number, b: Float64Array, bStep: number, n: number): Float64Array {
  const out = new Float64Array(n);
  for (let i = 0, ia = 0, ib = 0; i < n; ++i, ia += aStep, ib += bStep) out[i] = (a[ia]! - b[ib]!) / msPerHour;
  return out;
}

/** Hours from one instant, in UTC milliseconds, to each time. */
export function hoursSinceInstant(times: Float64Array, instant: number): Float64Array {
  const out = new Float64Array(times.length);
  for (let i = 0; i < times.length; ++i) out[i] = (times[i]! - instant) / msPerHour;
  return out;
}
