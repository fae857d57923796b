import { describe, expect, it } from "vitest";
import { isMillraceError } from "../core/errors/error.ts";
import { jsonDepth } from "../core/json.ts";
import { createHostCheck, originHost } from "./hosts.ts";
import { defaultLimits, formatBytes } from "./limits.ts";
import { parseBody, predictRequestOf } from "./request-body.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (isMillraceError(error)) return error.code;
  }
  return "nothing was thrown";
}

describe("parseBody", () => {
  it("refuses deep nesting before it parses, whatever the depth", () => {
    for (const depth of [33, 1000, 500_000])
      expect(codeOf(() => parseBody(bytes("[".repeat(depth)), defaultLimits))).toBe("REQUEST_TOO_LARGE");
    expect(jsonDepth(JSON.stringify(parseBody(bytes("[".repeat(32) + "]".repeat(32)), defaultLimits)))).toBe(32);
  });

  it("refuses what is not UTF-8 or not JSON", () => {
    for (const body of [Uint8Array.of(0x22, 0xff, 0x22), bytes(""), bytes("{"), bytes("NaN"), bytes("{'a':1}")])
      expect(codeOf(() => parseBody(body, defaultLimits))).toBe("REQUEST_MALFORMED");
  });

  it("refuses a long text that never ends as soon as any other", () => {
    const hostile = `1234567890123456"${'\\"'.repeat(3_000_000)}`;
    expect(codeOf(() => parseBody(bytes(hostile), defaultLimits))).toBe("REQUEST_MALFORMED");
  });

  it("refuses numbers that a double would silently change, and leaves texts and infinite ones to the contract", () => {
    const codeFor = (number: string): string => codeOf(() => parseBody(bytes(`[${number}]`), defaultLimits));
    for (const number of ["9007199254740993", "-9007199254740993", "1e-400", "-0.1E-999", `0.${"0".repeat(400)}1`])
      expect([number, codeFor(number)]).toEqual([number, "REQUEST_MALFORMED"]);
    for (const number of [
      "9007199254740992",
      "0e-400",
      "1e-300",
      "1e400",
      '"1e-400"',
      '"\\"9007199254740993"',
      "0.1234567890123456789",
    ])
      expect([number, codeFor(number)]).toEqual([number, "nothing was thrown"]);
  });

  it("reads __proto__ and constructor as plain members that pollute nothing", () => {
    const body = parseBody(
      bytes('{"rows":[{"__proto__":{"x":1},"constructor":{"prototype":{"y":2}}}]}'),
      defaultLimits,
    );
    const row = predictRequestOf(body, defaultLimits).rows[0] as object;
    expect(Object.keys(row)).toEqual(["__proto__", "constructor"]);
    expect("x" in row).toBe(false);
    expect("y" in {}).toBe(false);
  });
});

describe("predictRequestOf", () => {
  it.each([null, 1, "rows", [], [{ rows: [] }], {}, { rows: {} }, { rows: [] }, { rows: [{}], more: 1 }])(
    "refuses %j",
    (body) => {
      expect(codeOf(() => predictRequestOf(body, defaultLimits))).toBe("REQUEST_MALFORMED");
    },
  );

  it("refuses a __proto__ beside the rows and inherited rows", () => {
    expect(codeOf(() => predictRequestOf(JSON.parse('{"rows":[{}],"__proto__":1}'), defaultLimits))).toBe(
      "REQUEST_MALFORMED",
    );
    expect(codeOf(() => predictRequestOf(JSON.parse('{"__proto__":{"rows":[{}]}}'), defaultLimits))).toBe(
      "REQUEST_MALFORMED",
    );
  });

  it("takes as many rows as the limit and no more", () => {
    const rows = (n: number): { rows: unknown[] } => ({ rows: Array.from({ length: n }, () => ({})) });
    expect(predictRequestOf(rows(1000), defaultLimits).rows).toHaveLength(1000);
    expect(codeOf(() => predictRequestOf(rows(1001), defaultLimits))).toBe("REQUEST_TOO_LARGE");
  });

  it("takes explain as true or false, and fewer rows with it", () => {
    const rows = (count: number): object => ({ rows: Array.from({ length: count }, () => ({})), explain: true });
    expect(predictRequestOf({ rows: [{}] }, defaultLimits).explain).toBe(false);
    expect(predictRequestOf(rows(100), defaultLimits)).toMatchObject({ explain: true });
    expect(codeOf(() => predictRequestOf(rows(101), defaultLimits))).toBe("REQUEST_TOO_LARGE");
    expect(codeOf(() => predictRequestOf({ rows: [{}], explain: "yes" }, defaultLimits))).toBe("REQUEST_MALFORMED");
    expect(codeOf(() => predictRequestOf({ rows: [{}], explain: null }, defaultLimits))).toBe("REQUEST_MALFORMED");
  });
});

describe("createHostCheck", () => {
  const isAllowed = createHostCheck(["models.example.org"]);

  it("allows loopback names with any port and the names that were added", () => {
    for (const host of [
      "localhost",
      "LocalHost:8080",
      "127.0.0.1:1",
      "[::1]:9",
      "models.example.org",
      "Models.Example.ORG:443",
    ])
      expect([host, isAllowed(host)]).toEqual([host, true]);
  });

  it("refuses every other name", () => {
    const hosts = [
      "",
      "evil.example",
      "localhost.evil.example",
      "127.0.0.1.evil.example",
      "evil.example:127",
      "localhost@evil",
      "localhost:8080:9",
      "local host",
      "10.0.0.1",
      "::1",
    ];
    for (const host of hosts) expect([host, isAllowed(host)]).toEqual([host, false]);
  });

  it("finds the host of an origin", () => {
    expect(originHost("http://localhost:80")).toBe("localhost:80");
    for (const origin of ["null", "file://", "http://", "localhost", "http://a/b"])
      expect(originHost(origin)).toBeUndefined();
  });
});

describe("formatBytes", () => {
  it("speaks in the largest whole unit", () => {
    expect([1024 * 1024, 1536, 12].map(formatBytes)).toEqual(["1 MiB", "1.5 KiB", "12 bytes"]);
  });
});
