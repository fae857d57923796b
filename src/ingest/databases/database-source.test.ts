import { describe, expect, it } from "vitest";
import { plainSource } from "../plain-source.ts";
import { type DatabaseOptions, mysql, postgres } from "./database-source.ts";
import { databaseFault } from "./faults.ts";

const url = { env: "DATABASE_URL" };

function refusal(define: () => unknown): string {
  try {
    define();
  } catch (error) {
    expect(error).toMatchObject({ code: "DEFINITION_INVALID" });
    return (error as Error).message;
  }
  throw new Error("nothing was refused");
}

describe("a source of a database", () => {
  it("is plain data without secrets", () => {
    const source = postgres({
      url: "postgres://app@db.example/shop",
      password: { env: "PW" },
      table: "orders",
      since: "id",
    });
    expect(plainSource(source)).toEqual({
      kind: "postgres",
      path: "postgres orders",
      database: {
        url: "postgres://app@db.example/shop",
        password: { env: "PW" },
        table: "orders",
        since: "id",
        timeoutMs: 600_000,
      },
    });
    expect(JSON.parse(JSON.stringify(source))).toEqual(plainSource(source));
  });

  it("refuses an address with a password, without repeating it", () => {
    for (const given of ["postgres://app:s3cret@db/shop", "postgres://app@db/shop?password=s3cret"]) {
      const message = refusal(() => postgres({ url: given, table: "t" }));
      expect([message.includes("{ env:"), message.includes("s3cret")]).toEqual([true, false]);
    }
    expect(refusal(() => mysql({ url: "app:s3cret@db/shop", table: "t" }))).not.toContain("s3cret");
  });

  it("refuses what it cannot mean", () => {
    const both = { url, table: "t", query: "select 1" } as unknown as DatabaseOptions;
    expect(refusal(() => postgres(both))).toContain("both");
    expect(refusal(() => postgres({ url } as unknown as DatabaseOptions))).toContain("neither");
    expect(refusal(() => mysql({ url: "postgres://db/shop", table: "t" }))).toContain("mysql://");
    expect(refusal(() => mysql({ url: { env: "not a name" }, table: "t" }))).toContain("environment variable");
    for (const table of ["", "shop.", "shop..t", "a\0b"])
      expect(refusal(() => postgres({ url, table }))).toContain("must name a table");
    expect(refusal(() => postgres({ url, table: "t", since: "" }))).toContain("must name a column");
    expect(refusal(() => mysql({ url, table: "t", timeout: "soon" as "1s" }))).toContain("soon");
    expect(refusal(() => mysql({ url, table: "t", timeout: "30d" }))).toContain("at most 24 days");
    expect(
      refusal(() => postgres({ url, table: "t", since: "id", version: "select 1" } as unknown as DatabaseOptions)),
    ).toContain("not both");
  });
});

describe("a fault of a driver", () => {
  const source = { path: "postgres t", secrets: ["s3cret"], timeoutMs: 1000, isLate: false, isCancelled: false };
  const coded = (message: string, code: string): Error => Object.assign(new Error(message), { code });

  it("becomes an error with a code that says what to do, and holds no secret", () => {
    const cases: readonly (readonly [Error, string])[] = [
      [coded("password s3cret is wrong", "28P01"), "SOURCE_DENIED"],
      [coded("relation does not exist", "42P01"), "SOURCE_QUERY_INVALID"],
      [coded("statement timeout", "57014"), "SOURCE_UNREACHABLE"],
      [coded("", "ECONNREFUSED"), "SOURCE_UNREACHABLE"],
      [new Error("Connection terminated unexpectedly"), "SOURCE_UNREACHABLE"],
      [coded("Access denied for user", "ER_ACCESS_DENIED_ERROR"), "SOURCE_DENIED"],
      [coded("Unknown column", "ER_BAD_FIELD_ERROR"), "SOURCE_QUERY_INVALID"],
    ];
    for (const [error, code] of cases) {
      const fault = databaseFault(error, source);
      expect([fault.code, fault.message.includes("s3cret")]).toEqual([code, false]);
    }
    expect(databaseFault(new Error("x"), { ...source, isCancelled: true }).code).toBe("CANCELLED");
    expect(databaseFault(new Error("x"), { ...source, isLate: true }).message).toContain("1.0 s");
  });
});
