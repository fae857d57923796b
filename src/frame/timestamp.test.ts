import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatTimestamp, parseTimestamp } from "./timestamp.ts";

describe("parseTimestamp", () => {
  it("reads what Date writes, for every instant there is", () => {
    fc.assert(
      fc.property(fc.integer({ min: -8.64e15, max: 8.64e15 }), (ms) => {
        expect(parseTimestamp(new Date(ms).toISOString())).toBe(ms);
        expect(parseTimestamp(formatTimestamp(ms))).toBe(ms);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ["1970-01-01", 0],
    ["2024-02-29", Date.UTC(2024, 1, 29)],
    ["2024-05-06 07:08:09", Date.UTC(2024, 4, 6, 7, 8, 9)],
    ["2024-05-06T07:08", Date.UTC(2024, 4, 6, 7, 8)],
    ["2024-05-06T07:08:09.5Z", Date.UTC(2024, 4, 6, 7, 8, 9, 500)],
    ["2024-05-06T07:08:09.123456", Date.UTC(2024, 4, 6, 7, 8, 9, 123)],
    ["2024-05-06T07:08:09+02:00", Date.UTC(2024, 4, 6, 5, 8, 9)],
    ["2024-05-06T07:08:09-0530", Date.UTC(2024, 4, 6, 12, 38, 9)],
    ["0001-01-01", new Date("0001-01-01T00:00:00Z").getTime()],
  ])("reads %s", (text, expected) => {
    expect(parseTimestamp(text)).toBe(expected);
  });

  it.each([
    "",
    "2024",
    "2024-5-6",
    "2024-02-30",
    "2023-02-29",
    "1900-02-29",
    "2024-13-01",
    "2024-00-10",
    "2024-05-06T24:00",
    "2024-05-06T07:60",
    "2024-05-06T07:08:60",
    "2024-05-06T07:08:09+24:00",
    "2024-05-06Z",
    " 2024-05-06",
    "2024-05-06\n",
    "06.05.2024",
    "-000000-01-01",
    "+275760-09-13T00:00:00.001Z",
    "1715000000000",
    "now",
  ])("refuses %j", (text) => {
    expect(parseTimestamp(text)).toBeNaN();
  });
});
