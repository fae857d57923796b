import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/core/json.ts";
import { createRng } from "../../src/core/rng.ts";
import { partsOf } from "../../src/export/module/parts.ts";
import { moduleText } from "../../src/export/module/text.ts";
import { encodeModel } from "../../src/model/file.ts";
import { answersOf, predictRows } from "../../src/model/predict.ts";
import { modelKinds, randomModel, randomRow } from "../models/random-models.ts";
import { hasChromium, launchChromium } from "./chromium.ts";
import { serveFolder } from "./serve-folder.ts";

/** Compiles the sources as they are now into a folder of their own: an old dist must not be what is tested. */
function compile(): string {
  const folder = mkdtempSync(join(tmpdir(), "millrace-browser-"));
  const tsc = join("node_modules", "typescript", "bin", "tsc");
  try {
    execFileSync(process.execPath, [tsc, "-p", ".", "--outDir", join(folder, "dist"), "--declaration", "false"]);
  } catch (error) {
    // A type error elsewhere in the package still emits; what the browser then lacks fails the test by itself.
    if (!existsSync(join(folder, "dist", "runtime.js"))) throw error;
  }
  execFileSync(process.execPath, [join("tools", "module-runtime.mjs"), join(folder, "dist")]);
  copyFileSync(join("test", "browser", "page.js"), join(folder, "page.js"));
  mkdirSync(join(folder, "models"));
  return folder;
}

const cases = modelKinds.map(([task, kind], i) => {
  const rng = createRng(500 + i);
  const model = randomModel(rng, task, kind);
  const rows = Array.from({ length: 200 }, () => randomRow(rng));
  return { name: `${task}-${model.predictor.kind}`, model, rows };
});

interface PageGlobals {
  predictWith(address: string, rows: string): Promise<{ values?: string; first?: string; code?: string }>;
  answerFrom(address: string, rows: string): Promise<string>;
}

/** Rows cross as text: a structured copy would drop a member called __proto__. */
function predictInPage(page: Page, name: string, rows: readonly JsonObject[]): ReturnType<PageGlobals["predictWith"]> {
  return page.evaluate(([address, text]) => (globalThis as unknown as PageGlobals).predictWith(address, text), [
    `/models/${name}`,
    JSON.stringify(rows),
  ] as const);
}

describe.skipIf(!hasChromium)("the runtime in a browser", () => {
  let folder: string;
  let server: Awaited<ReturnType<typeof serveFolder>>;
  let browser: Browser;
  let page: Page;
  const problems: string[] = [];

  beforeAll(async () => {
    folder = compile();
    for (const { name, model } of cases) writeFileSync(join(folder, "models", name), encodeModel(model));
    server = await serveFolder(folder);
    browser = await launchChromium();
    page = await browser.newPage();
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error" && !message.text().includes("404")) problems.push(message.text());
    });
    await page.goto(server.url);
    await page.waitForFunction(() => "predictWith" in globalThis);
  });

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  it.each(cases)("predicts the bits Node predicts: $name", async ({ name, model, rows }) => {
    const { predictions } = predictRows(model, rows);
    expect(await predictInPage(page, name, rows)).toEqual({
      values: Buffer.from(predictions.values.buffer).toString("hex"),
      first: JSON.stringify(answersOf(model, predictions)[0]),
    });
    expect(problems).toEqual([]);
  });

  it.each(cases)("answers as Node does from an exported module: $name", async ({ name, model, rows }) => {
    const file = join(folder, "models", `${name}.js`);
    const bundle = readFileSync(join(folder, "dist", "export", "module", "runtime.bundle.js"), "utf8");
    writeFileSync(file, moduleText(bundle, name, partsOf(model, 1, "sha256:test")));
    const answers = await page.evaluate(
      ([address, text]) => (globalThis as unknown as PageGlobals).answerFrom(address, text),
      [`/models/${name}.js`, JSON.stringify(rows)] as const,
    );
    expect(answers).toBe(JSON.stringify(answersOf(model, predictRows(model, rows).predictions)));
    expect(problems).toEqual([]);
  });

  it("refuses a damaged file with its code", async () => {
    const bytes = encodeModel(cases[0]!.model);
    bytes[bytes.length - 3]! ^= 1;
    writeFileSync(join(folder, "models", "damaged"), bytes);
    expect(await predictInPage(page, "damaged", [])).toEqual({ code: "MODEL_FILE_DAMAGED" });
  });
});
