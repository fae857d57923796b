import { describe, expect, it } from "vitest";
import { parseMetadataAddress } from "./metadata-address.ts";

describe("an address of metadata", () => {
  it("names a database, a schema, and for people no user and no password", () => {
    const address = parseMetadataAddress("postgres://me:a%40b@db.example.com/ml?sslmode=require&schema=team_1");
    expect(address).toEqual({
      url: "postgres://me:a%40b@db.example.com/ml?sslmode=require",
      schema: "team_1",
      place: "postgres://db.example.com:5432/ml?schema=team_1",
    });
    expect(parseMetadataAddress("postgresql://h:6/d").place).toBe("postgres://h:6/d?schema=millrace");
  });

  it.each([
    "sqlite:secret",
    "mysql://me:secret@h/d",
    "postgres://me:secret@h",
    "postgres://me:secret@h/d/e",
    "postgres://me:sec#@ret@h/d",
    "postgres://me:secret@h/d?password=secret",
    "postgres://me:secret@h/d?schema=A-b",
    "postgres://me:secret@h/d?schema=pg_x",
    "postgres://",
    "me:secret@h/d",
    " ",
  ])("is refused with the accepted forms and without its password: %s", (text) => {
    const refused = expect.objectContaining({
      code: "STORE_ADDRESS_INVALID",
      exitCode: 2,
      remedy: expect.stringContaining("postgres://user:password@host:port/database?schema=name"),
      message: text.includes("@") ? expect.not.stringContaining("ret") : expect.any(String),
    });
    expect(() => parseMetadataAddress(text)).toThrow(refused);
  });
});
