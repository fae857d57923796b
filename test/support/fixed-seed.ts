import { readFileSync } from "node:fs";
import { expect } from "vitest";

/**
 * Properties are tried on the same cases in every run, so that what fails failed by the change at hand; `MILLRACE_SEED`
 * tries others. The library is loaded only where a test file uses it.
 */
const seed = Number(process.env["MILLRACE_SEED"] ?? 1);
const { testPath } = expect.getState();
if (testPath !== undefined && readFileSync(testPath, "utf8").includes('from "fast-check"'))
  (await import("fast-check")).configureGlobal({ seed });
