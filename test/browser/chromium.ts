import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const given = process.env["CHROMIUM_PATH"];
const executablePath = given ?? "/usr/bin/chromium";

/** Whether there is a browser to test in. One that is named and absent is a mistake, not a reason to skip. */
export const hasChromium: boolean = existsSync(executablePath);
if (!hasChromium && given !== undefined) throw new Error(`CHROMIUM_PATH names ${given}, which does not exist`);
if (!hasChromium)
  console.warn(`SKIPPED: there is no Chromium at ${executablePath}; set CHROMIUM_PATH to test in a browser`);

const browserArguments = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

/** A headless browser that asks nothing of the network by itself. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath, args: browserArguments });
}
