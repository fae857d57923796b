import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { columnNameFault } from "../../src/frame/column-name.ts";
import type { ModelCard } from "../../src/registry/card.ts";
import { fixedModels } from "../../src/serve/model-source.ts";
import { cardPath, tryPath } from "../../src/serve/pages/layout.ts";
import { createServer } from "../../src/serve/server.ts";
import type { Server } from "../../src/serve/server.ts";
import { modelNamedBy } from "../serve/served-models.ts";
import { naughtyStrings } from "../support/naughty-strings.ts";
import { hasChromium, launchChromium } from "./chromium.ts";

/** Those that may be a name, and stand in a path: "." leads elsewhere. */
const names = naughtyStrings.filter((text) => columnNameFault(text) === undefined && text !== ".");

/** The texts of a card, each in every place that a card has. */
const cardOf = (model: string, texts: readonly string[]): ModelCard => ({
  model,
  version: 1,
  sections: texts.map((text) => ({ heading: text, lines: [text], table: { head: [text], rows: [[text]] } })),
});

/** A page as it is built: every element of its content with its attributes, none of their values but the kinds of fields. */
function skeleton(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll("html, head *, body, header, main, main *")].map((element) => {
      const kind = element instanceof HTMLInputElement ? `:${element.type}` : "";
      return `${element.localName}${kind}[${element.getAttributeNames().join(" ")}]`;
    }),
  );
}

/** Whatever models, columns, categories, labels, metrics and notes are called, pages show it as text. */
describe.skipIf(!hasChromium)("naughty strings on every page", () => {
  let browser: Browser;
  let context: BrowserContext;
  let server: Server;
  let url: string;
  let areAllListed = false;
  const complaints: string[] = [];

  beforeAll(async () => {
    const all = fixedModels(["plain", ...names].map(modelNamedBy));
    server = await createServer({
      // The forms need not list 500 others each.
      models: { list: () => (areAllListed ? all.list() : all.list().slice(0, 3)), get: (name) => all.get(name) },
      clock: systemClock,
      version: "1",
      port: 0,
      card: async (model) => cardOf(model, model === "plain" ? names.map(() => "plain") : names),
    });
    ({ url } = await server.listen());
    browser = await launchChromium();
    context = await browser.newContext();
    await context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => console.error(`CSP: ${event.violatedDirective}`));
    });
    context.on("page", (page) => {
      page.on("console", (message) => complaints.push(message.text()));
      page.on("pageerror", (error) => complaints.push(error.message));
      page.on("dialog", (dialog) => {
        complaints.push(`dialog: ${dialog.message()}`);
        void dialog.dismiss();
      });
      page.on("request", (request) => {
        if (!request.url().startsWith(url)) complaints.push(`asked for ${request.url()}`);
      });
    });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  /** Asks for an answer, and then for one to a row that breaks the contract: what the page shows, and what it is built of. */
  async function tryOut(page: Page, name: string): Promise<{ texts: unknown; parts: string[][] }> {
    await page.goto(url + tryPath(name));
    const before = await skeleton(page);
    await page.evaluate(() => document.querySelector("form")!.requestSubmit());
    await page.waitForSelector("#answer .value", { state: "attached" });
    const texts = await page.evaluate(() => ({
      title: document.title,
      heading: document.querySelector("h1")!.textContent,
      labels: [...document.querySelectorAll("#try label")].map((label) => label.textContent),
      level: document.querySelector<HTMLSelectElement>("select")!.value,
      answer: document.querySelector("#answer .value")!.textContent,
      reason: document.querySelector("#answer .reasons .name")!.textContent,
    }));
    const answered = await skeleton(page);
    await page.evaluate(() => {
      document.querySelector<HTMLInputElement>("#field-0")!.value = "99";
      document.querySelector("form")!.requestSubmit();
    });
    await page.waitForSelector("#field-0[aria-invalid]");
    return { texts, parts: [before, answered, await skeleton(page)] };
  }

  it(`show each of ${names.length} as text in a form, its answer and its refusal`, { timeout: 600_000 }, async () => {
    const page = await context.newPage();
    const plain = await tryOut(page, "plain");
    complaints.length = 0;
    for (const name of names) {
      const { texts, parts } = await tryOut(page, name);
      expect(texts).toEqual({
        title: expect.stringMatching(/Millrace$/),
        heading: name,
        labels: [name, `level ${name}`, `note ${name}`],
        level: name,
        answer: name,
        reason: name,
      });
      expect(parts).toEqual(plain.parts);
      // The browser reports the refusal itself.
      expect(complaints.splice(0), name).toEqual([expect.stringContaining("422")]);
    }
    await page.close();
  });

  it("show all at once in a card and in the documentation", async () => {
    areAllListed = true;
    const page = await context.newPage();
    await page.goto(url + cardPath("plain"));
    const plain = await skeleton(page);
    await page.goto(url + cardPath(names[0]!));
    expect(await skeleton(page)).toEqual(plain);
    const heads = await page.locator("h2").allTextContents();
    expect(heads).toEqual(names);
    await page.goto(`${url}/docs`);
    const groups = await page.evaluate(() =>
      [...document.querySelectorAll(".group")].map((group) =>
        [...group.querySelectorAll("*")].map((element) => element.localName).join(" "),
      ),
    );
    expect(new Set(groups.slice(0, -1)).size).toBe(1);
    expect(groups).toHaveLength(names.length + 2);
    expect(complaints).toEqual([]);
    await page.close();
  });
});
