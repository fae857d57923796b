import fs from "node:fs";
import { describe, expect, it } from "vitest";
import { catalogue, MillraceError, type ErrorCode } from "../../src/core/errors/error.ts";
import { errorsPage } from "../../tools/errors-doc.mjs";

describe("the error catalogue", () => {
  it("is documented code by code, as `npm run docs` writes it", () => {
    expect(fs.readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8")).toBe(errorsPage(catalogue));
  });

  it("gives every code an HTTP status, an exit code of the table, a sentence and a remedy", () => {
    for (const [code, entry] of Object.entries(catalogue)) {
      expect(code).toMatch(/^[A-Z][A-Z0-9_]+$/);
      expect(entry.status).toBeGreaterThanOrEqual(400);
      expect([1, 2, 3, 4]).toContain(entry.exit);
    }
  });

  it("carries context, message and remedy", () => {
    const error = new MillraceError("SOURCE_NOT_FOUND", { path: "a.csv", nearest: "b.csv" });
    expect(error.message).toBe('there is no file at "a.csv"');
    expect(error.remedy).toBe('Did you mean "b.csv"?');
    expect(error.code satisfies ErrorCode).toBe("SOURCE_NOT_FOUND");
  });
});
