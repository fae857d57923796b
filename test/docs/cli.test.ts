import fs from "node:fs";
import { expect, it } from "vitest";
import { verbGroups } from "../../src/cli/verbs.ts";
import { cliPage } from "../../tools/cli-doc.mjs";

it("the page of the command line is what the verbs say, as `npm run docs` writes it", async () => {
  const loaded = verbGroups.map(async ({ title, verbs }) => ({
    title,
    verbs: await Promise.all(verbs.map((verb) => verb.load())),
  }));
  const page = cliPage(await Promise.all(loaded));
  expect(fs.readFileSync(new URL("../../docs/cli.md", import.meta.url), "utf8")).toBe(page);
});
