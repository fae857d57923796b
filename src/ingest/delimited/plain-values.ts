import { daysFromCivil } from "../../frame/timestamp.ts";

/**
 * The forms nearly all cells have, read straight from the bytes. Each reader puts the value into its place and gives the
 * position after it, where the cell must end, or -1 where the cell has another form and is to be read as a text.
 */

const powers = Float64Array.from({ length: 16 }, (_, i) => 10 ** i);

/**
 * At most 15 digits with a minus and a point at most: both the digits as an integer and the power of ten are exact doubles,
 * so that their one division rounds correctly.
 */
export function readPlainNumber(bytes: Uint8Array, start: number, values: Float64Array, row: number): number {
  const isNegative = bytes[start] === 0x2d;
  const first = isNegative ? start + 1 : start;
  let at = first;
  let high = 0;
  let digit = bytes[at]! - 48;
  let nDigits = 0;
  let point = 0;
  // Nine digits fit into 31 bits, and integers of 31 bits are several times faster than doubles.
  for (; nDigits < 9; digit = bytes[++at]! - 48) {
    if (digit >>> 0 <= 9) {
      high = (high * 10 + digit) | 0;
      ++nDigits;
    } else if (digit === -2 && point === 0) point = at + 1;
    else break;
  }
  let value: number = high;
  if (nDigits === 9) {
    let low = 0;
    for (; nDigits < 16; digit = bytes[++at]! - 48) {
      if (digit >>> 0 <= 9) {
        low = (low * 10 + digit) | 0;
        ++nDigits;
      } else if (digit === -2 && point === 0) point = at + 1;
      else break;
    }
    if (nDigits > 15) return -1;
    value = high * powers[nDigits - 9]! + low;
  }
  if (nDigits === 0) return -1;
  if (point > 0) value /= powers[at - point]!;
  values[row] = isNegative ? -value : value;
  return at;
}

/** "true", "false", "1" or "0". */
export function readPlainTruth(bytes: Uint8Array, start: number, values: Uint8Array, row: number): number {
  const first = bytes[start]!;
  if (first === 0x74 && bytes[start + 1] === 0x72 && bytes[start + 2] === 0x75 && bytes[start + 3] === 0x65) {
    values[row] = 1;
    return start + 4;
  }
  if (first === 0x66 && bytes[start + 1] === 0x61 && bytes[start + 2] === 0x6c && bytes[start + 3] === 0x73) {
    values[row] = 0;
    return bytes[start + 4] === 0x65 ? start + 5 : -1;
  }
  values[row] = first - 48;
  return first === 0x30 || first === 0x31 ? start + 1 : -1;
}

const daysBeforeMonth = Int32Array.of(0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334);
/** Days from 1970 to a year, once it was asked for. */
const daysBeforeYear = new Int32Array(10_000).fill(0x7fffffff);

/** UTC milliseconds of "2024-05-06", "2024-05-06 07:08:09" and "2024-05-06T07:08:09Z". */
export function readPlainInstant(bytes: Uint8Array, start: number, values: Float64Array, row: number): number {
  if (bytes[start + 4] !== 0x2d || bytes[start + 7] !== 0x2d) return -1;
  const year = pair(bytes, start) * 100 + pair(bytes, start + 2);
  const month = pair(bytes, start + 5);
  const day = pair(bytes, start + 8);
  if (!(year >= 1 && month >= 1 && month <= 12 && day >= 1)) return -1;
  // Days that not every month has are left to the reader that knows months.
  if (day > 28 && (month === 2 || day > 30)) return -1;
  if (daysBeforeYear[year] === 0x7fffffff) daysBeforeYear[year] = daysFromCivil(year, 1, 1);
  const isLeap = (year & 3) === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = daysBeforeYear[year]! + daysBeforeMonth[month]! + (isLeap && month > 2 ? 1 : 0) + day - 1;
  const separator = bytes[start + 10];
  if (separator !== 0x20 && separator !== 0x54) {
    values[row] = days * 86_400_000;
    return start + 10;
  }
  if (bytes[start + 13] !== 0x3a || bytes[start + 16] !== 0x3a) return -1;
  const hour = pair(bytes, start + 11);
  const minute = pair(bytes, start + 14);
  const second = pair(bytes, start + 17);
  if (!(hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60)) return -1;
  values[row] = days * 86_400_000 + (hour * 3600 + minute * 60 + second) * 1000;
  return bytes[start + 19] === 0x5a ? start + 20 : start + 19;
}

/** Two digits as a number; far below zero where there are none. */
function pair(bytes: Uint8Array, at: number): number {
  const tens = bytes[at]! - 48;
  const ones = bytes[at + 1]! - 48;
  return tens >>> 0 <= 9 && ones >>> 0 <= 9 ? (tens * 10 + ones) | 0 : -100_000;
}
