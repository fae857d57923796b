/** The largest distance from 1970 a timestamp may have, in milliseconds (100,000,000 days, as ECMAScript's dates). */
export const farthestTimestamp = 8.64e15;

const msPerDay = 86_400_000;

const shape = /^(?:[+-]\d{6}|\d{4})-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;

/** Days from 1970-01-01 to a date of the proleptic Gregorian calendar (Howard Hinnant, days_from_civil); month 1 to 12. */
export function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** The number the digits from `start` to `end` write. */
function digits(text: string, start: number, end: number): number {
  let value = 0;
  for (let i = start; i < end; ++i) value = value * 10 + (text.charCodeAt(i) - 48);
  return value;
}

/**
 * UTC milliseconds of an ISO 8601 text; NaN where it is none. A date alone is midnight UTC, a time without an offset is
 * UTC, "T" may be a space, digits beyond milliseconds are cut off. Dates that do not exist (30 February) are none.
 */
export function parseTimestamp(text: string): number {
  if (!shape.test(text)) return NaN;
  // The shape fixes every position but where the fraction ends; reading digits in place costs no allocation.
  const first = text[0];
  const yearEnd = first === "+" || first === "-" ? 7 : 4;
  const year = yearEnd === 4 ? digits(text, 0, 4) : digits(text, 1, 7) * (first === "-" ? -1 : 1);
  const month = digits(text, yearEnd + 1, yearEnd + 3);
  const day = digits(text, yearEnd + 4, yearEnd + 6);
  if (Object.is(year, -0) || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return NaN;
  const result = daysFromCivil(year, month, day) * msPerDay + timeOfDay(text, yearEnd + 7);
  return Math.abs(result) <= farthestTimestamp ? result : NaN;
}

/** Milliseconds from midnight UTC of the time that starts at `start`; 0 where the text ends before. */
function timeOfDay(text: string, start: number): number {
  if (start > text.length) return 0;
  const hour = digits(text, start, start + 2);
  const minute = digits(text, start + 3, start + 5);
  let at = start + 5;
  let second = 0;
  let ms = 0;
  if (text[at] === ":") {
    second = digits(text, at + 1, at + 3);
    at += 3;
    if (text[at] === "." || text[at] === ",") {
      let end = at + 1;
      while (end < text.length && text.charCodeAt(end) >= 48 && text.charCodeAt(end) <= 57) ++end;
      const kept = Math.min(end, at + 4);
      ms = digits(text, at + 1, kept) * 10 ** (at + 4 - kept);
      at = end;
    }
  }
  if (hour > 23 || minute > 59 || second > 59) return NaN;
  return ((hour * 60 + minute) * 60 + second) * 1000 + ms - offsetMs(text, at);
}

function offsetMs(text: string, at: number): number {
  if (at === text.length || text[at] === "Z") return 0;
  const hours = digits(text, at + 1, at + 3);
  const minutes = digits(text, text.length - 2, text.length);
  if (hours > 23 || minutes > 59) return NaN;
  return (text[at] === "-" ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

/** ISO 8601 text of UTC milliseconds, such as "2024-05-06T07:08:09.000Z"; a fraction of a millisecond is cut off. */
export function formatTimestamp(ms: number): string {
  return Number.isFinite(ms) && Math.abs(ms) <= farthestTimestamp ? new Date(Math.floor(ms)).toISOString() : String(ms);
}
