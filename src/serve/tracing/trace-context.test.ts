import { expect, it } from "vitest";
import { formatTraceparent, parseTraceparent } from "./trace-context.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const spanId = "00f067aa0ba902b7";

it("reads what a caller says, and writes the same", () => {
  for (const isSampled of [true, false]) {
    const header = `00-${traceId}-${spanId}-0${isSampled ? 1 : 0}`;
    expect(parseTraceparent(header)).toEqual({ traceId, spanId, isSampled });
    expect(formatTraceparent({ traceId, spanId, isSampled })).toBe(header);
  }
  expect(parseTraceparent(`cc-${traceId}-${spanId}-03-what-comes-later`)).toEqual({ traceId, spanId, isSampled: true });
});

it("takes nothing else for a trace", () => {
  const zeros = "0".repeat(32);
  for (const header of [
    undefined,
    [`00-${traceId}-${spanId}-01`],
    "",
    `00-${traceId}-${spanId}`,
    `00-${traceId}-${spanId}-01-more`,
    `ff-${traceId}-${spanId}-01`,
    `00-${zeros}-${spanId}-01`,
    `00-${traceId}-${zeros.slice(16)}-01`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${traceId}-${spanId}-1`,
  ])
    expect(parseTraceparent(header)).toBeNull();
});
