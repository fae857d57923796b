import { tmpdir } from "node:os";
import path from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { hasChromium, launchChromium } from "../../../test/browser/chromium.ts";
import { startServer } from "../../../test/serve/listening-server.ts";
import { churnModel, hostileModel, housesModel } from "../../../test/serve/served-models.ts";
import { systemClock } from "../../core/clock.ts";
import { fixedModels } from "../model-source.ts";
import { createServer } from "../server.ts";
import type { Server } from "../server.ts";
import { tryPath } from "./layout.ts";

describe("pages", () => {
  it("hold nothing but text of what came from outside", async () => {
    const { url } = await startServer();
    const { name } = hostileModel().model;
    for (const target of ["/docs", `/models/${encodeURIComponent(name)}/try`]) {
      const text = await (await fetch(url + target)).text();
      expect(text).toContain("&lt;script&gt;alert(2)");
      expect(text).not.toMatch(/<(img src=x|script>|svg onload)/);
      expect(text.replace(/"[^"]*"/g, '""')).not.toMatch(/<[^>]*\s(style|on\w+)=/);
      expect(text.match(/<script/g)).toEqual(["<script"]);
    }
  });

  it("lead from / to the documentation", async () => {
    const { url } = await startServer();
    const response = await fetch(url, { redirect: "manual" });
    expect([response.status, response.headers.get("location")]).toEqual([302, "/docs"]);
  });
});

describe.skipIf(!hasChromium)("pages in a browser", () => {
  let server: Server;
  let url: string;
  let browser: Browser;
  let complaints: string[] = [];

  beforeAll(async () => {
    const models = fixedModels([churnModel(), housesModel(2), hostileModel()]);
    server = await createServer({ models, clock: systemClock, version: "1.0.0", port: 0 });
    ({ url } = await server.listen());
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });
  afterEach(() => {
    expect(complaints).toEqual([]);
    complaints = [];
  });

  /** A page whose console messages, dialogs and refused contents are complaints. */
  async function open(target: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("dialog", (dialog) => {
      complaints.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => console.error(`CSP: ${event.violatedDirective}`));
    });
    await page.goto(url + target);
    return page;
  }

  /** Kept outside the project, for people who want to look. */
  async function screenshot(page: Page, name: string): Promise<void> {
    await page.screenshot({ path: path.join(tmpdir(), `millrace-${name}.png`), fullPage: true });
  }

  it("fill the form with a row the model knows, send it, and show label, probabilities and raw answer", async () => {
    const page = await open("/models/customer-churn/try");
    expect(await page.getByLabel("calls").inputValue()).toBe("7");
    expect(await page.getByLabel("since").inputValue()).toBe("2021-03-14T09:26:53");
    expect(await page.getByLabel("region").locator("option").allTextContents()).toEqual([
      "(no value)",
      "east",
      "north",
      "south",
      "west",
    ]);
    await page.getByLabel("calls").fill("12");
    await page.getByLabel("region").selectOption("");
    await page.getByRole("button", { name: "Predict" }).click();
    await page.locator("#answer .value").waitFor();
    expect(await page.locator("#answer .value").textContent()).toBe("leaves");
    expect(await page.locator("#answer .bars:not(.reasons) li").allInnerTexts()).toEqual([
      "leaves\n90.9%",
      "stays\n9.1%",
    ]);
    expect(await page.locator("#answer .reasons li").allInnerTexts()).toEqual(["calls\n+4.2"]);
    const sent = (await page.locator("#request").textContent())!;
    expect(JSON.parse(sent.slice(sent.indexOf("{")))).toMatchObject({
      rows: [{ calls: 12, region: null, paperless: true }],
    });
    await screenshot(page, "try-light");
    await page.context().close();
  });

  it("show at its field what breaks the contract", async () => {
    const page = await open("/models/customer-churn/try", { colorScheme: "dark" });
    await page.getByLabel("calls").fill("99");
    await page.getByRole("button", { name: "Predict" }).click();
    await page.locator(".refused").waitFor();
    const field = page.getByLabel("calls");
    expect(await field.getAttribute("aria-invalid")).toBe("true");
    expect(await page.locator(".refused").textContent()).toBe("One field breaks the contract; nothing was predicted.");
    expect(await field.evaluate((element) => element === document.activeElement)).toBe(true);
    await screenshot(page, "try-refused-dark");
    // The browser itself reports the answer 422; that is the point of this test.
    expect(complaints.splice(0)).toEqual([expect.stringContaining("422")]);
    await page.getByRole("button", { name: "Reset" }).click();
    expect(await field.inputValue()).toBe("7");
    expect(await field.getAttribute("aria-invalid")).toBeNull();
    await page.context().close();
  });

  it("can be used with the keyboard alone", async () => {
    const page = await open("/models/houses/try");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("field-0");
    await page.keyboard.press("Control+A");
    await page.keyboard.type("8");
    await page.keyboard.press("Enter");
    await page.locator("#answer .value").waitFor();
    expect(await page.locator("#answer .value").textContent()).toBe("2,008");
    await page.context().close();
  });

  it("run nothing that names and levels bring along", async () => {
    const page = await open(tryPath(hostileModel().model.name));
    await page.getByLabel("__proto__").fill("5");
    await page.getByRole("button", { name: "Predict" }).click();
    await page.locator("#answer .value").waitFor();
    expect(await page.locator("#answer .value").textContent()).toBe("5");
    expect(await page.locator("svg, img[src=x], script:not([src])").count()).toBe(0);
    await page.context().close();
  });

  it("document the API, and copy a command that works", async () => {
    const page = await open("/docs", { permissions: ["clipboard-read", "clipboard-write"] });
    await page.getByRole("button", { name: "Copy" }).first().click();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toContain(
      `curl '${url}/v1/models/customer-churn/predict'`,
    );
    await screenshot(page, "docs-light");
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    await page.context().close();
  });

  it("fit a narrow screen", async () => {
    for (const target of ["/docs", "/models/customer-churn/try"]) {
      const page = await open(target, { viewport: { width: 360, height: 740 }, colorScheme: "dark" });
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
      await screenshot(page, target === "/docs" ? "docs-narrow" : "try-narrow");
      await page.context().close();
    }
  });
});
