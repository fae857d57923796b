import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

it("the package keeps the licence of code that the build puts into it", () => {
  expect(read("dist/store/query-builder.js")).toContain(read("node_modules/kysely/LICENSE").trim());
});
