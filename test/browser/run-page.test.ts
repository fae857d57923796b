import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openProject, type Project } from "../../src/app/project.ts";
import { runPipeline } from "../../src/app/run-pipeline.ts";
import { sentenceLog } from "../../src/app/server-log.ts";
import { startUp, type Up } from "../../src/app/up.ts";
import { systemClock } from "../../src/core/clock.ts";
import { csv, linear, number, pipeline } from "../../src/index.ts";
import { hasChromium, launchChromium } from "./chromium.ts";

const column = "<img src=x onerror=alert(1)>";
const cell = "<script>alert(2)</script><svg onload=alert(3)>";

describe.skipIf(!hasChromium)("the page of a run that failed", () => {
  const root = mkdtempSync(join(tmpdir(), "millrace-run-page-"));
  let project: Project;
  let up: Up;
  let browser: Browser;

  beforeAll(async () => {
    const sound = Array.from({ length: 50 }, (_, i) => `${i},${2 * i}`);
    mkdirSync(join(root, "data"));
    writeFileSync(join(root, "data", "flats.csv"), [`${column},rent`, `${cell},1`, ...sound, ""].join("\n"));
    project = await openProject(root, { clock: systemClock });
    const { spec } = pipeline({
      name: "flats",
      data: csv("data/flats.csv"),
      schema: { [column]: number(), rent: number() },
      target: "rent",
      model: linear(),
    });
    await runPipeline(project, spec, { inline: true });
    up = await startUp(project, { host: "127.0.0.1", port: 0, command: null, serverLog: sentenceLog(() => {}) });
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await up?.close();
    await project?.close();
    rmSync(root, { recursive: true, force: true });
  });

  it("says what failed, by which rows and in which step, and runs nothing that they bring along", async () => {
    const page = await (await browser.newContext({ viewport: { width: 360, height: 740 } })).newPage();
    const complaints: string[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("dialog", (dialog) => {
      complaints.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.goto(`${up.url}/docs`);
    await page.getByRole("link", { name: "Runs" }).click();
    expect(await page.locator("tbody td").nth(2).textContent()).toBe("failed");
    await page.locator("tbody a").click();
    expect(await page.locator("h1").textContent()).toBe("flats");
    const section = (heading: string): ReturnType<typeof page.locator> =>
      page.locator("section", { has: page.getByRole("heading", { name: heading, exact: true }) });
    const failed = await section("What failed").locator("li").allTextContents();
    expect(failed).toEqual(["step validate", expect.stringContaining("CONTRACT_VIOLATED"), expect.any(String)]);
    expect(failed[1]).toContain(column);
    const counted = await section("What checking the data found").locator("tbody td").allTextContents();
    expect(counted).toEqual([column, "kind", "1", "failed the run"]);
    const [where, name, , , got] = await section("The first violations").locator("tbody td").allTextContents();
    expect([where, name, got]).toEqual(["data/flats.csv, line 2", column, JSON.stringify(cell)]);
    expect(await section("Steps").locator("tbody tr").nth(1).locator("td").first().textContent()).toBe("validate");
    expect(await section("Steps").locator("svg.bar rect").count()).toBeGreaterThan(1);
    expect(await page.locator("main svg:not(.bar), main img, script:not([src])").count()).toBe(0);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});
