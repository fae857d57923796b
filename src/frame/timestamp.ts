/** The largest distance from 1970 a timestamp may have, in milliseconds (100,000,000 days, as ECMAScript's dates). */
export const farthestTimestamp = 8.64e15;

const msPerDay = 86_400_000;

const pattern =
  /^([+-]\d{6}|\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(Z|[+-]\d{2}:?\d{2})?)?$/;

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

function offsetMs(text: string | undefined): number {
  if (text === undefined || text === "Z") return 0;
  const hours = Number(text.slice(1, 3));
  const minutes = Number(text.slice(-2));
  if (hours > 23 || minutes > 59) return NaN;
  return (text.startsWith("-") ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

/**
 * UTC milliseconds of an ISO 8601 text; NaN where it is none. A date alone is midnight UTC, a time without an offset is
 * UTC, "T" may be a space, digits beyond milliseconds are cut off. Dates that do not exist (30 February) are none.
 */
export function parseTimestamp(text: string): number {
  const match = pattern.exec(text);
  if (!match || match[1] === "-000000") return NaN;
  const year = Number(match[1]);
  const month = Number(match[2]);
  const day = Number(match[3]);
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return NaN;
  const hour = Number(match[4] ?? 0);
  const minute = Number(match[5] ?? 0);
  const second = Number(match[6] ?? 0);
  if (hour > 23 || minute > 59 || second > 59) return NaN;
  const ms = Number((match[7] ?? "").slice(0, 3).padEnd(3, "0"));
  const inDay = ((hour * 60 + minute) * 60 + second) * 1000 + ms;
  const result = daysFromCivil(year, month, day) * msPerDay + inDay - offsetMs(match[8]);
  return Math.abs(result) <= farthestTimestamp ? result : NaN;
}

/** ISO 8601 text of UTC milliseconds, such as "2024-05-06T07:08:09.000Z"; a fraction of a millisecond is cut off. */
export function formatTimestamp(ms: number): string {
  return Number.isFinite(ms) && Math.abs(ms) <= farthestTimestamp ? new Date(Math.floor(ms)).toISOString() : String(ms);
}
